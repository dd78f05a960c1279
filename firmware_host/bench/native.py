"""Builds a benchmark kernel natively for a board and counts its instructions: the yardstick for the interpreter.

Same compiler as the board's firmware, -O2, bare on the same emulated machine, without the firmware: the kernel, a
start-up of a few lines and the marks (native/harness.c).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from firmware_host.bench import counting
from firmware_host.boards import BoardFacts, QemuTarget, Region
from firmware_host.build import toolchains
from firmware_host.build.incremental import run_tool
from firmware_host.build.sizes import symbol_address
from firmware_host.errors import BuildError, LinkTimeout, NoSpace
from firmware_host.sim.qemu import target_of

_HERE = Path(__file__).resolve().parent / "native"

#: Seconds a kernel may take natively under the emulator; the longest takes a few.
_TIME_LIMIT = 120.0

_STACK_SIZE = 2048

#: What linkers say when a kernel is too large, our own assertion included.
_TOO_LARGE = re.compile(r"does not fit|will not fit|overflowed")

_LINKER_SCRIPT = """\
ENTRY(native_start)
MEMORY {{
    FLASH (rx) : ORIGIN = {flash.origin:#x}, LENGTH = {flash.size:#x}
    RAM (rwx) : ORIGIN = {ram.origin:#x}, LENGTH = {ram.size:#x}
}}
native_stack_top = ORIGIN(RAM) + LENGTH(RAM);
SECTIONS {{
    .text : {{ KEEP(*(.vectors)) *(.start) *(.text*) *(.rodata* .srodata*) . = ALIGN(4); }} >FLASH
    .data : ALIGN(8) {{
        native_data_start = .;
        *(.data* .sdata*)
        PROVIDE(__global_pointer$ = . + 0x400);
        . = ALIGN(4);
        native_data_end = .;
    }} >RAM AT>FLASH
    native_data_load = LOADADDR(.data);
    .bss (NOLOAD) : {{
        native_bss_start = .;
        *(.bss* .sbss* COMMON)
        . = ALIGN(4);
        native_bss_end = .;
    }} >RAM
    ASSERT(native_bss_end + {stack} <= native_stack_top, "the kernel does not fit the board's RAM")
    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .eh_frame*) }}
}}
"""


@dataclass(frozen=True)
class NativeRun:
    """What one kernel did natively: result of the second call and counts."""

    result: int
    counts: counting.Counts


def run_native(kernel: Path, board: BoardFacts, compiler: toolchains.Compiler, optimise: str = "-O2") -> NativeRun:
    """Builds and runs a kernel: a C file with int32_t run(void).

    Raises BuildError if it does not build or gives different results in its two calls, NoSpace if it does not fit.
    """
    program, target = target_of(board)
    with tempfile.TemporaryDirectory(prefix="wirq-native-") as name:
        directory = Path(name)
        elf = _build(kernel.absolute(), board, compiler, directory, optimise)
        log = directory / "count.log"
        mark = symbol_address(elf, counting.MARK_SYMBOL)
        printed = _run(elf, program, target, counting.plugin_arguments(target.binary, mark, log))
        counts = counting.read_counts(log)
    results = [int(value, 16) for value in re.findall(r"result 0x([0-9a-f]{8})", printed)]
    if len(results) != 2 or results[0] != results[1]:
        shown = ", ".join(f"{value:#x}" for value in results) or "none"
        raise BuildError(f"{kernel.name} is no benchmark: its two native calls gave the results {shown}")
    return NativeRun(results[1], counts)


def _build(kernel: Path, board: BoardFacts, compiler: toolchains.Compiler, directory: Path, optimise: str) -> Path:
    flash, ram = board.flash, board.ram
    if flash is None or ram is None:
        raise BuildError(f"{board.name} has no flash and RAM of its own, so nothing can run bare on it")
    script = directory / "native.ld"
    script.write_text(linker_script(flash, ram))
    common = [
        *compiler.command,
        *compiler.row.flags,
        "-ffreestanding",
        "-ffunction-sections",
        "-fdata-sections",
        "-fno-common",
    ]
    common += ["-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-g"]
    # The kernel gets all of -O2; only the start-up must not become calls of itself. WebAssembly has no fused
    # multiply-add, so neither may the other side.
    whole = ["-ffp-contract=off", *(["-ftree-loop-distribute-patterns"] if compiler.kind == "gcc" else [])]
    for source, flags in (
        (kernel, ["-std=gnu11", optimise, *whole]),
        (_HERE / "harness.c", ["-std=c11", "-O2", "-Wall", "-Wextra"]),
        (_HERE / "start.c", ["-std=c11", "-O2", "-Wall", "-Wextra"]),
    ):
        command = [*common, *flags, "-c", str(source), "-o", f"{source.stem}.o"]
        run_tool(command, cwd=directory, what=f"compiling {source.name} for {board.name}")
    elf = directory / "native.elf"
    link = [
        *compiler.command,
        *compiler.row.flags,
        *compiler.row.link_flags,
        "-g",
        f"-Wl,-T,{script}",
        "-Wl,--gc-sections",
    ]
    link += [
        "-Wl,--entry=native_start",
        f"{kernel.stem}.o",
        "harness.o",
        "start.o",
        *compiler.row.libraries,
        "-o",
        str(elf),
    ]
    try:
        run_tool(link, cwd=directory, what=f"linking {kernel.name} for {board.name}")
    except BuildError as error:
        if _TOO_LARGE.search(str(error)):
            raise NoSpace(f"{kernel.name} does not fit the {ram.size:,} bytes of RAM of {board.name}") from error
        raise
    return elf


def linker_script(flash: Region, ram: Region) -> str:
    """Text in flash, data in RAM, the stack down from RAM's end."""
    return _LINKER_SCRIPT.format(flash=flash, ram=ram, stack=_STACK_SIZE)


def _run(elf: Path, program: str, target: QemuTarget, extra: list[str]) -> str:
    command = [
        target.binary,
        "-M",
        target.machine,
        *target.args,
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "none",
    ]
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf), *extra]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise LinkTimeout(f"{elf.name} did not end within {_TIME_LIMIT:.0f} s under {target.binary}") from error
    return done.stdout + done.stderr
