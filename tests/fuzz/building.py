"""Builds the fuzzers: clang with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import wasmtime

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "build/fuzz"
TARGETS = ("loader", "execution")
FLAGS = [
    *("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-DWIRQ_TEST_ALLOCATION"),
    "-fno-sanitize-recover=undefined",
]
SANITIZERS = "-fsanitize=fuzzer-no-link,address,undefined"


class NoFuzzer(Exception):
    """There is no compiler that brings libFuzzer along."""


def find_compiler(scratch: Path) -> str:
    """A clang that links libFuzzer: $CLANG, or the newest on the path."""
    probe = scratch / "probe.c"
    probe.write_text(
        "#include <stddef.h>\n#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *b, size_t n);\n"
        "int LLVMFuzzerTestOneInput(const uint8_t *b, size_t n) { return (void)b, (void)n, 0; }\n"
    )
    named = os.environ.get("CLANG")
    for name in [named] if named else [*(f"clang-{version}" for version in range(22, 11, -1)), "clang"]:
        command = [name, "-fsanitize=fuzzer,address,undefined", str(probe), "-o", str(scratch / "probe")]
        if shutil.which(name) and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return name
    raise NoFuzzer(
        f"{named or 'no clang on the path'} does not link libFuzzer with its sanitizers; "
        "try: sudo apt-get install clang libclang-rt-dev"
    )


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _write_surroundings(folder: Path) -> None:
    module = wasmtime.wat2wasm((HERE / "surroundings.wat").read_text())
    rows = [", ".join(f"0x{byte:02X}" for byte in module[at : at + 16]) for at in range(0, len(module), 16)]
    text = "static const unsigned char surroundings[] = {\n    " + ",\n    ".join(rows) + ",\n};\n"
    (folder / "surroundings.inc").write_text(text)


def _sources() -> list[Path]:
    return [
        *sorted((ROOT / "vm/src").glob("*.c")),
        ROOT / "tests/vm/arena_access.c",
        *(HERE / f"{name}.c" for name in ("subject", "mutate", *TARGETS)),
    ]


def _fingerprint(compiler: str) -> str:
    """Of all that the fuzzers are made of."""
    hashed = hashlib.sha256(repr((compiler, FLAGS, SANITIZERS)).encode())
    for pattern in ("vm/**/*.[chp]*", "tests/fuzz/*.[chw]*", "tests/vm/arena_access.c"):
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()


def build(folder: Path = FOLDER, jobs: int = 2, vm: Path = ROOT / "vm") -> dict[str, Path]:
    """The fuzzers by target. `vm` is where the VM's sources lie, so that a changed copy can be tried."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = {target: folder / target for target in TARGETS}
    compiler = find_compiler(folder)
    fingerprint = _fingerprint(compiler)
    stamp = folder / "stamp"
    if vm == ROOT / "vm" and stamp.exists() and stamp.read_text() == fingerprint:
        return programs
    generated = folder / "generated"
    _run([sys.executable, str(vm / "ops/generate.py"), str(generated)])
    _write_surroundings(generated)
    includes = [f"-I{path}" for path in (vm / "include", vm / "src", HERE, generated)]

    def compile_one(source: Path) -> Path:
        if source.is_relative_to(ROOT / "vm"):
            source = vm / source.relative_to(ROOT / "vm")
        target = folder / f"{source.stem}.o"
        flags = [*FLAGS, SANITIZERS]
        if source.name == "arena.c":  # it alone touches the headers between blocks
            flags.append("-fno-sanitize=address")
        if source.parent == HERE:  # the coverage that guides is the VM's
            flags.append("-fno-sanitize=fuzzer-no-link")
        _run([compiler, *flags, *includes, "-c", str(source), "-o", str(target)])
        return target

    with ThreadPoolExecutor(jobs) as pool:
        objects = list(pool.map(compile_one, _sources()))
    for target, program in programs.items():
        others = [str(one) for one in objects if one.stem not in TARGETS or one.stem == target]
        _run([compiler, "-fsanitize=fuzzer,address,undefined", *others, "-lm", "-o", str(program)])
    stamp.write_text(fingerprint)
    return programs
