"""Compiles a guest: one C file to a WebAssembly module, with the compiler that pip installs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.errors import BuildError

Optimisation = Literal["-O0", "-O1", "-O2", "-O3", "-Os", "-Oz"]

#: Bytes of the C stack in linear memory when nothing else is said. zig's own default is 1 MiB: no small board has that.
DEFAULT_STACK_SIZE = 1024

_COMPILE = (
    "-target",
    "wasm32-freestanding",
    "-std=gnu11",
    "-ffreestanding",
    "-fno-sanitize=all",
    "-Wall",
    "-Wextra",
    "-g",
    "-DWIRQ_STACK_POINTER_EXPORTED",  # see the link line: guests/c/wirq_guest.h makes handlers the quick way then
)

#: What the compiler says of a header, and the linker of a function, that is not there.
_NO_FILE = re.compile(r"'([\w/.]+)' file not found")
_UNDEFINED = "undefined symbol: "

#: Headers of a hosted C11 or POSIX library; those that a freestanding compiler has are left out.
_LIBRARY_HEADER = re.compile(
    r"(assert|complex|ctype|errno|fcntl|fenv|locale|math|pthread|setjmp|signal|stdio|stdlib|strings?|sys/\w+|tgmath|threads"
    r"|time|uchar|unistd|wchar|wctype)\.h"
)

_HEADER_INSTEAD = "wirq_guest.h has wirq_print and wirq_print_number, and declares all that a board offers"


def compile_c(
    source: Path,
    output: Path,
    *,
    optimise: Optimisation = "-Os",
    page_size: Literal[1, 65536] = 1,
    stack_size: int = DEFAULT_STACK_SIZE,
    define: Sequence[str] = (),
    report: Callable[[str], None] | None = None,
) -> Path:
    """Compiles `source` to the module `output` and returns it.

    The module's memory is counted in pages of `page_size` bytes and begins with a C stack of `stack_size` bytes, so
    that running out of it traps. Names and debug information stay in: they are for the host, and never sent to a board.
    `define` holds NAME or NAME=VALUE; `report` is given the compiler's warnings, if there are any. Raises BuildError
    with the compiler's messages, or ToolMissing.
    """
    return link_c([(source, define)], output, optimise, page_size, stack_size, report)


def link_c(
    sources: Sequence[tuple[Path, Sequence[str]]],
    output: Path,
    optimise: Optimisation = "-Os",
    page_size: Literal[1, 65536] = 1,
    stack_size: int = DEFAULT_STACK_SIZE,
    report: Callable[[str], None] | None = None,
) -> Path:
    """As compile_c, one module of several files, each with its own macros."""
    zig = str(toolchains.zig())
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wirq-guest-") as directory:
        made = Path(directory) / "guest.wasm"
        compiled = [Path(directory) / f"guest{i}.o" for i in range(len(sources))]
        for (source, define), target in zip(sources, compiled, strict=True):
            if not source.is_file():
                raise BuildError(f"there is no file {source}; nothing was compiled")
            include = ("-I", str(resources.path("guests", "c")), "-I", str(source.parent))
            compile_line = (zig, "cc", *_COMPILE, optimise, *include, *(f"-D{name}" for name in define))
            warnings = _run((*compile_line, "-c", str(source), "-o", str(target)), source)
            if warnings and report:
                report(warnings)
        link = (
            "--no-entry",
            f"--page-size={page_size}",
            "--stack-first",
            "-z",
            f"stack-size={stack_size}",
            "--export=__stack_pointer",
        )
        _run((zig, "wasm-ld", *link, *map(str, compiled), "-o", str(made)), sources[0][0])
        temporary = output.with_name(f"{output.name}.{os.getpid()}.new")
        temporary.write_bytes(made.read_bytes())
        temporary.replace(output)
    return output


def _run(command: Sequence[str], source: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = (done.stderr + done.stdout).strip()
    if done.returncode:
        raise BuildError(
            f"compiling {source.name} failed\n{printed}", hint=_way_out(printed), tool_command=shlex.join(command)
        )
    return printed


def _way_out(printed: str) -> str:
    """What to do about what the compiler or the linker said, where it is for want of a C library."""
    missing = _NO_FILE.search(printed)
    if missing is not None and _LIBRARY_HEADER.fullmatch(missing[1]):
        return f"there is no C library, so no {missing[1]}: {_HEADER_INSTEAD}"
    if _UNDEFINED in printed:
        return f"nothing else is linked, and there is no C library: {_HEADER_INSTEAD}"
    return ""
