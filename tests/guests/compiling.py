"""Compiles guests outside of `wirq run`, with the flags that a test wants."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from firmware_host import resources
from firmware_host.build import toolchains

PROGRAMS = Path(__file__).parent / "programs"

STRICT = ("-std=c11", "-ffreestanding", "-fno-sanitize=all", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
EXPORTED = ("-DWIRQ_STACK_POINTER_EXPORTED",)


def compile_object(source: Path, output: Path, *flags: str, language: str = "cc") -> None:
    """Compiles without linking. A warning fails the test."""
    include = ("-I", str(resources.path("guests", "c")))
    target = ("-target", "wasm32-freestanding")
    command = [str(toolchains.zig()), language, *target, *include, *flags, "-c", str(source), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr


def link(object_file: Path, output: Path, *flags: str, page_size: int = 1) -> Path:
    """Links one object file to a module."""
    fixed: Sequence[str] = ("--no-entry", f"--page-size={page_size}", "--stack-first", "-z", "stack-size=1024")
    command = [str(toolchains.zig()), "wasm-ld", *fixed, *flags, str(object_file), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output
