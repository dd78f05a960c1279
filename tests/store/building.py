"""The firmware's module store, compiled for this computer."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from firmware_host import resources
from firmware_host.build import toolchains

HERE = Path(__file__).parent
SOURCES = ("store.c", "store_records.c", "store_room.c", "sha256.c", "crc32.c")


def compile_with(arguments: list[str], output: Path) -> None:
    firmware = resources.path("boards", "firmware")
    output.parent.mkdir(parents=True, exist_ok=True)
    (output.parent / "board_facts.h").write_text("#define BOARD_MAX_FRAME 512\n")
    compiler = toolchains.find("host")
    command = [
        *(*compiler.command, *compiler.row.flags, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2"),
        *("-fno-sanitize=all", f"-I{output.parent}", f"-I{firmware}", f"-I{resources.path('vm', 'include')}"),
        *(*arguments, *(str(firmware / name) for name in SOURCES), "-o", str(output)),
    ]
    subprocess.run(command, check=True)


@cache
def _library() -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    directory = tempfile.TemporaryDirectory(prefix="wirq-store-")
    library = Path(directory.name) / "store.so"
    compile_with(["-shared", "-fPIC"], library)
    return library, directory


def load() -> ctypes.CDLL:
    """A copy of the store with a state of its own."""
    library, _ = _library()
    with tempfile.NamedTemporaryFile(suffix=".so") as copy:
        shutil.copyfile(library, copy.name)
        return ctypes.CDLL(copy.name)
