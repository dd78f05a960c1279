"""Compiles the VM for the tests: once a test run, over the port in port.c, with sanitizers if the compiler has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
#: Counters of lines and branches in place of sanitizers, when this variable names a folder for them: tests/coverage.
COVERAGE_VARIABLE = "WIRQ_TEST_COVERAGE"
COUNTERS = ["--coverage", "-fprofile-abs-path", "-fprofile-update=atomic"]
#: Any free pair of cores will do; tests share the machine.
LONGEST_BUILD = 300.0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _compiler(scratch: Path) -> tuple[list[str], list[str]]:
    """The compiler and its sanitizer flags: gcc where it is there and complete, else the one from PyPI."""
    probe = scratch / "probe.c"
    probe.write_text("#include <stdio.h>\nint main(void) { return 0; }\n")
    if shutil.which("gcc"):
        for flags in (SANITIZERS, []):
            command = ["gcc", *flags, str(probe), "-o", str(scratch / "probe")]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return ["gcc"], flags
    return [sys.executable, "-m", "ziglang", "cc"], []


class Builder:
    """Objects of the VM, and programs linked with them. `vm`: where its sources lie. `flags`: not sanitizers."""

    def __init__(
        self, folder: Path, defines: list[str] | None = None, vm: Path = ROOT / "vm", flags: list[str] | None = None
    ) -> None:
        self.folder = folder
        self.defines = [f"-D{one}" for one in defines or []]
        self.vm = vm
        folder.mkdir(parents=True, exist_ok=True)
        self.compiler, self.flags = _compiler(folder)
        if flags is not None:
            self.flags = flags
        if os.environ.get(COVERAGE_VARIABLE):
            self.flags = COUNTERS

    def _compile(self, source: Path, target: Path) -> None:
        includes = [f"-I{path}" for path in (self.vm / "include", self.vm / "src", HERE, self.folder / "generated")]
        common = [*WARNINGS, *self._flags_of(source), *self.defines, "-g", "-DWIRQ_TEST_ALLOCATION", *includes]
        _run([*self.compiler, *common, "-c", str(source), "-o", str(target)])

    def _flags_of(self, source: Path) -> list[str]:
        if self.flags == COUNTERS:
            return [*COUNTERS, "-O0"]
        if self.flags == SANITIZERS and source.name == "arena.c":
            # It reads and writes the headers between blocks, which nobody else may touch.
            return [*SANITIZERS, "-fno-sanitize=address", "-O1"]
        return ["-O1", *self.flags]

    def build_vm(self, only: Collection[str] = ()) -> None:
        """All of it, or again only the sources of these names."""
        _run([sys.executable, str(self.vm / "ops/generate.py"), str(self.folder / "generated")])
        for source in [*sorted((self.vm / "src").glob("*.c")), HERE / "port.c", HERE / "arena_access.c"]:
            if not only or source.name in only:
                self._compile(source, self.folder / f"vm-{source.stem}.o")

    def program(self, name: str) -> Path:
        """The program that NAME.c of this folder is, or all files of its folder NAME."""
        target = self.folder / name
        objects = [str(path) for path in sorted(self.folder.glob("vm-*.o"))]
        for source in sorted((HERE / name).glob("*.c")) or [HERE / f"{name}.c"]:
            objects.append(str(self.folder / f"{name}-{source.stem}.o"))
            self._compile(source, Path(objects[-1]))
        _run([*self.compiler, *self.flags, *objects, "-lm", "-o", str(target)])
        return target


def build_once(
    folder: Path, names: list[str], defines: list[str] | None = None, flags: list[str] | None = None
) -> Path:
    """Builds the programs, with these macros defined, into a folder that parallel workers share; the first to come
    builds, the others wait."""
    if os.environ.get(COVERAGE_VARIABLE):
        folder = Path(os.environ[COVERAGE_VARIABLE], folder.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    done, failed = folder / "done", folder / "failed"
    try:
        folder.mkdir()
    except FileExistsError:
        end = time.monotonic() + LONGEST_BUILD
        while not done.exists():
            if failed.exists() or time.monotonic() > end:
                raise RuntimeError("another worker could not build the VM") from None
            time.sleep(0.1)
        return folder
    try:
        builder = Builder(folder, defines, flags=flags)
        builder.build_vm()
        for name in names:
            builder.program(name)
    except BaseException:
        failed.touch()
        raise
    done.touch()
    return folder


def environment() -> dict[str, str]:
    """For programs under the sanitizers: what they find ends the program with an error."""
    return {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "ASAN_OPTIONS": "detect_leaks=1"}
