"""The map from internal code to WebAssembly: made by the VM's own loader, built for this computer."""

from __future__ import annotations

import hashlib
import subprocess
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.build.image import Options, build
from firmware_host.build.incremental import content_hash, exclusively, run_tool
from firmware_host.errors import BadModule, WirqError
from firmware_host.status import status

_SOURCE = Path(__file__).resolve().parent / "lowering_map.c"

_MOST_SOURCES = 32

#: Seconds after which a program of another VM is removed.
_KEPT = 24 * 3600

#: The board whose objects the program is linked with: the VM for this computer.
_BOARD = "host"


@dataclass(frozen=True)
class FunctionMap:
    """One function: its lowered size in bytes, pairs of ascending offsets, in the lowered code and in the module, and
    the code itself in units of 16 bits."""

    size: int
    lowered: tuple[int, ...]
    wasm: tuple[int, ...]
    units: tuple[int, ...] = ()

    def module_offset(self, offset: int) -> int:
        """The offset in the module of the instruction that this byte of the lowered code was made from."""
        return self.wasm[max(0, bisect_right(self.lowered, offset) - 1)]


@dataclass(frozen=True)
class LoweringMap:
    """One module: its functions by index, and the bytes of lowered code of all of them."""

    functions: dict[int, FunctionMap]
    code_bytes: int


def lowering_map(module: bytes, sources: Sequence[str] = ()) -> LoweringMap:
    """Lowers a module as a board does. `sources` are names of interrupt sources that its exports may use. Raises
    BadModule if the VM refuses it, BuildError or ToolMissing."""
    done = subprocess.run([_program(), *sources[:_MOST_SOURCES]], input=module, capture_output=True, check=False)
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    if done.returncode or not lines or lines[-1][0] != "lowered":
        raise BadModule(f"the module cannot be lowered: {_refusal(lines[-1] if lines else [], done.returncode)}")
    functions: dict[int, FunctionMap] = {}
    index, size, pairs = -1, 0, [(0, 0)]
    units: tuple[int, ...] = ()
    for words in lines:
        if words[0] in ("function", "lowered"):
            if index >= 0:
                lowered, wasm = zip(*pairs, strict=True)
                functions[index] = FunctionMap(size, lowered, wasm, units)
            if words[0] == "function":
                index, size, pairs, units = int(words[1]), int(words[2]), [], ()
        elif words[0] == "units":
            units = tuple(map(int, words[1:]))
        else:
            pairs.append((int(words[0]), int(words[1])))
    return LoweringMap(functions, int(lines[-1][1]))


def _refusal(words: list[str], exit_code: int) -> str:
    """Why, in words: the program tells a status and an offset."""
    if len(words) == 3 and words[0] == "refused":
        return f"{status(int(words[1])).text} (byte {int(words[2]):#x} of what goes to a board)"
    return " ".join(words) or f"the program that does it ended with {exit_code}"


@cache
def _program() -> Path:
    """The program that prints the map, linked with the VM of the host board's firmware."""
    image = build(Options(_BOARD))
    compiler = toolchains.find(image.board.machine, image.toolchain)
    objects = sorted(image.objects.glob("vm-*.o"))
    key = hashlib.sha256()
    for path in (_SOURCE, *objects):
        key.update(content_hash(path).encode())
    directory = resources.cache_dir() / "symbols"
    program = directory / f"lowering-map-{key.hexdigest()[:12]}"
    with exclusively(directory):
        if program.is_file():
            return program
        for stale in directory.glob("lowering-map-*"):
            if time.time() - stale.stat().st_mtime > _KEPT:  # others may be in use, by a process that builds otherwise
                stale.unlink()
        vm = resources.path("vm")
        include = [f"-I{image.headers}", f"-I{vm / 'include'}", f"-I{vm / 'src'}"]
        temporary = program.with_suffix(".new")
        command = [*compiler.command, *compiler.row.flags, "-std=c11", "-O1", *include, str(_SOURCE)]
        command += [*(str(path) for path in objects), *compiler.row.libraries, "-lm", "-o", str(temporary)]
        run_tool(command, cwd=directory, what=f"compiling {_SOURCE.name}")
        temporary.replace(program)
    return program


def operation_count() -> int | None:
    """Internal operations of the VM that the map is made with; None if that cannot be told."""
    try:
        header = build(Options(_BOARD)).headers / "wirq_ops.h"
        for line in header.read_text().splitlines():
            words = line.split()
            if words[:2] == ["#define", "WIRQ_OPERATIONS"]:
                return int(words[2])
    except (WirqError, OSError, ValueError):
        pass
    return None
