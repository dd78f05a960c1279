"""What single mechanisms cost: calls of three kinds in instructions, and modules in RAM.

A call's cost is the difference between two loops, with it and without it, and between many rounds and one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_host.bench import suite
from firmware_host.bench.interpreted import run_interpreted
from firmware_host.board import Board
from firmware_host.build import guest
from firmware_host.build.image import Image
from firmware_host.errors import BoardError
from firmware_host.selector import Target
from firmware_host.sim.qemu import Qemu
from firmware_host.wasm import Module, rewrite, strip
from firmware_host.wasm.encode import END, ModuleWriter, limits, signed, unsigned
from firmware_host.wasm.types import FunctionType, Kind, Limits, SectionId

_ROUNDS = 1000

_LOCAL_GET, _LOCAL_TEE, _CALL, _I32_CONST, _I32_ADD, _I32_SUB = b"\x20", b"\x22", b"\x10", b"\x41", b"\x6a", b"\x6b"
_LOOP, _BR_IF, _IF_I32, _ELSE = b"\x03\x40", b"\x0d", b"\x04\x7f", b"\x05"


@dataclass(frozen=True)
class Mechanisms:
    """Instructions and bytes. `export_call` is from the host's call of an empty export to its answer. RAM is what a
    module takes of the arena once it is loaded, linear memory and wasm stack apart: metadata, code, instance;
    `small_module_stack_bytes` is the most its functions used of the wasm stack; `large_module_flash_ram_bytes` is that
    of the large module when it is in the board's store and its code in flash."""

    call_and_return: float
    import_call: float
    export_call: int
    small_module_ram_bytes: int
    small_module_stack_bytes: int
    large_module_bytes: int
    large_module_ram_bytes: int
    large_module_flash_ram_bytes: int
    large_module_code_bytes: int


def measure(made: Image, with_flash: Image) -> Mechanisms:
    """Measures them on a firmware for a board that QEMU plays; code in flash on one whose flash QEMU can write. Raises
    what a run raises."""
    called, used = _small_module()
    large = large_module()
    small_ram, stack, _ = _loaded(made, called, used)
    large_ram, _, code = _loaded(made, large)
    return Mechanisms(
        call_and_return=_per_round(made, _loop_with_call()) - _per_round(made, _loop()),
        import_call=_per_round(made, _loop_with_import()) - _per_round(made, _loop()),
        export_call=run_interpreted(_empty(), "run", (), made.board, made.elf).counts.second_call,
        small_module_ram_bytes=small_ram,
        small_module_stack_bytes=stack,
        large_module_bytes=len(large),
        large_module_ram_bytes=large_ram,
        large_module_flash_ram_bytes=_ram_with_code_in_flash(with_flash, large),
        large_module_code_bytes=code,
    )


def large_module() -> bytes:
    """About 10 KB: the kernels of the checking half as one module."""
    sources = [
        (kernel.file, (f'KERNEL_NAME="{kernel.name}"', f"run=run_{kernel.name}"))
        for kernel in suite.kernels()
        if kernel.half == "checking"
    ]
    with tempfile.TemporaryDirectory(prefix="wirq-module-") as directory:
        return strip(guest.link_c(sources, Path(directory) / "large.wasm", "-O2").read_bytes())


def _empty() -> bytes:
    writer = ModuleWriter()
    writer.export("run", Kind.FUNCTION, writer.function(FunctionType((), ())))
    return writer.finish()


def _loop(body: bytes = b"", writer: ModuleWriter | None = None) -> bytes:
    """A module whose `run` executes `body` as often as its argument says."""
    writer = writer or ModuleWriter()
    code = _LOOP + body + _LOCAL_GET + unsigned(0) + _I32_CONST + signed(-1) + _I32_ADD
    code += _LOCAL_TEE + unsigned(0) + _BR_IF + unsigned(0) + END + END
    writer.export("run", Kind.FUNCTION, writer.function(FunctionType(("i32",), ()), code))
    return writer.finish()


def _loop_with_call() -> bytes:
    writer = ModuleWriter()
    return _loop(_CALL + unsigned(writer.function(FunctionType((), ()))), writer)


def _loop_with_import() -> bytes:
    writer = ModuleWriter()
    return _loop(_CALL + unsigned(writer.import_function("bench", "nothing", FunctionType((), ()))), writer)


def _small_module() -> tuple[bytes, Sequence[tuple[str, Sequence[int]]]]:
    """Three functions: an addition, a conditional difference, Fibonacci numbers by recursion; and calls of them."""
    writer = ModuleWriter()
    binary = FunctionType(("i32", "i32"), ("i32",))
    unary = FunctionType(("i32",), ("i32",))
    x, y = _LOCAL_GET + unsigned(0), _LOCAL_GET + unsigned(1)
    writer.export("add", Kind.FUNCTION, writer.function(binary, x + y + _I32_ADD + END))
    distance = x + y + b"\x48" + _IF_I32 + y + x + _I32_SUB + _ELSE + x + y + _I32_SUB + END + END
    writer.export("distance", Kind.FUNCTION, writer.function(binary, distance))
    two, itself = _I32_CONST + signed(2), _CALL + unsigned(2)
    smaller = [x + _I32_CONST + signed(n) + _I32_SUB + itself for n in (1, 2)]
    fib = x + two + b"\x48" + _IF_I32 + x + _ELSE + smaller[0] + smaller[1] + _I32_ADD + END + END
    writer.export("fib", Kind.FUNCTION, writer.function(unary, fib))
    return writer.finish(), (("add", (1, 2)), ("distance", (3, 8)), ("fib", (10,)))


def _per_round(made: Image, module: bytes) -> float:
    def count(rounds: int) -> int:
        return run_interpreted(module, "run", (rounds,), made.board, made.elf).counts.second_call

    many, one = count(_ROUNDS + 1), count(1)
    return (many - one) / _ROUNDS


def _loaded(made: Image, module: bytes, calls: Sequence[tuple[str, Sequence[int]]] = ()) -> tuple[int, int, int]:
    """RAM of the module without linear memory, the most bytes of the wasm stack that the calls used, lowered code."""
    parsed = Module.parse(module)
    memory = parsed.memory
    export = next(export.name for export in parsed.exports if export.kind is Kind.FUNCTION)
    code = run_interpreted(module, export, (0,) * len(calls[0][1]) if calls else (), made.board, made.elf)
    with Qemu(made.board, made.elf) as qemu:
        way = Target(f"qemu:{made.board.name}", qemu.transport, qemu.tick_hz, qemu.close)
        with Board(way) as board:
            before = board.memory().arena_used
            board.put(module)
            instance = board.instantiate()
            taken = board.memory().arena_used - before
            for name, cells in calls:
                instance.invoke(name, cells)
            stack = board.memory().stack_peak_cells * 4
    linear = memory.minimum_bytes if memory is not None else 0
    return taken - linear, stack, code.board.lowered_code_bytes


def _ram_with_code_in_flash(made: Image, module: bytes) -> int:
    """RAM of the module, without linear memory, when its code is found in flash. It is not run and gets no memory, for
    which such a board has no room. Raises BoardError if its code does not get there."""
    none = limits(Limits(0, None), 1)
    module = rewrite.edited(module, SectionId.MEMORY, lambda items, body: (1, none))
    with Qemu(made.board, made.elf) as qemu:
        way = Target(f"qemu:{made.board.name}", qemu.transport, qemu.tick_hz, qemu.close)
        with Board(way) as board:
            before = board.memory().arena_used
            board.files.put(module, "large.wasm")
            places = [board.instantiate(stored="large.wasm").code_place for _ in range(2)]
            if places != ["written", "found"]:
                raise BoardError(f"{made.board.name} has the code of the module in {places[1]}, not in flash")
            return board.memory().arena_used - before
