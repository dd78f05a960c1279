"""A board that QEMU plays, stopped at exact machine instructions, and the interrupts that its hardware raises there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmware_host.bench.counting import handler_addresses, read_counter, read_traces, tracing
from firmware_host.board import Board
from firmware_host.board_facts import BoardFacts, Region
from firmware_host.build.sizes import symbol_address
from firmware_host.info import SourceInfo
from firmware_host.latency import LatencyBound
from firmware_host.selector import Target
from firmware_host.sim.gdb import GdbStub
from firmware_host.sim.qemu import Qemu, target_of
from firmware_host.sim.wires import Wires, wired
from firmware_host.transport.stream_socket import connect_when_ready
from tests.boards.machines import TIMEOUT, Terminal
from tests.injection.instructions.cases import BUTTON, LOGGED, MAGIC, ROUNDS, SIZE, UART
from vm.ops import internal

#: What the guest calls when a round begins, and when it is over.
BEGIN, END = "board_pin_drive", "board_pin_level"
#: Ends of rounds between which the trace is.
TRACED = (6, 9)
#: What is raised here; programs never detach it.
HARDWARE = (BUTTON, UART)
#: Registers of the NVIC: what is pending, what is active.
_ISPR, _IABR = 0xE000E200, 0xE000E300
#: Real seconds that a round may take.
ROUND = 2.0
#: Real seconds in which a guest that waits for ever has come to sleep.
_ASLEEP = 0.2
_ATTEMPTS = 2_000
#: The instruction that sleeps, and the function that has it.
_WFI, SLEEP = b"\x30\xbf", "board_sleep"
#: Looks at a byte that the line may only take when its interrupt, which is being served, has taken the one before.
_PATIENCE = 50


@dataclass(frozen=True)
class Entry:
    """A handler's first operation: the words of the guest's log, and the instructions executed, before it."""

    logged: int
    executed: int


class StoppedMachine:
    """A guest that repeats its rounds on a board, stopped at the beginning of one."""

    def __init__(
        self,
        qemu: Qemu,
        wires: Wires,
        stub: GdbStub,
        terminal: Terminal,
        board: BoardFacts,
        elf: Path,
        log: Path,
        counter: Path,
    ) -> None:
        self._qemu, self._wires, self._stub, self._terminal = qemu, wires, stub, terminal
        self._board, self._log, self._counter = board, log, counter
        self._begin = symbol_address(elf, BEGIN)
        self.sleep = self._find(_WFI, symbol_address(elf, SLEEP))
        numbers = [operation.name for operation in internal.operations()]
        self._enter = handler_addresses(elf)[numbers.index("enter")]
        self._wanted: int | None = None
        self._entries: list[Entry] = []
        stub.set_breakpoint(self._enter)
        self._button = target_of(board)[1].inject["button"]
        self._uart_vector = next(one.vector for one in board.irq_sources if one.name == "uart")
        assert board.ram is not None
        found = [match.start() for match in re.finditer(re.escape(MAGIC), self._ram(board.ram))]
        assert len(found) == 1, f"the guest's memory is in {len(found)} places"
        self._memory = board.ram.origin + found[0]
        self._round = self.word(ROUNDS)

    def _find(self, instruction: bytes, address: int) -> int:
        """Where the first such instruction is, from there on."""
        return address + self._stub.memory(address, 64).index(instruction)

    def _ram(self, ram: Region) -> bytes:
        return self._stub.memory(ram.origin, ram.size)

    # ---- rounds ----

    def next_round(self) -> bool:
        """Goes on until the next round begins. False if that takes too long; then the board is stopped where it is."""
        while not self.is_at_begin():
            if not self._go_on(ROUND):
                return False
        self._round = self.word(ROUNDS)
        return True

    def is_at_begin(self) -> bool:
        """Of a round that has not been begun before."""
        return self._stub.pc() == self._begin and self.word(ROUNDS) != self._round

    def _go_on(self, timeout: float) -> bool:
        """Until a breakpoint. That an interrupt brings it again to where the round begins does not count."""
        while self._stub.go_on(timeout):
            pc = self._stub.pc()
            if pc == self._enter:
                self._entries.append(Entry(self.word(LOGGED), self.executed()))
            if pc == self._wanted or (pc == self._begin and self.is_at_begin()):
                return True
        return False

    def falls_asleep(self) -> bool:
        """Whether the guest waits for what has not come yet; else a round begins."""
        return not self._go_on(_ASLEEP)

    def trace(self) -> list[int]:
        """The addresses of the instructions of a round; empty before there were enough.

        Of some the shortest: to others the emulator's clock may have added an interrupt, on a busy computer.
        """
        found = [trace[trace.index(self._begin) :] for trace in read_traces(self._log)]
        return min(found, key=len) if len(found) == TRACED[1] - TRACED[0] else []

    def reach(self, address: int, occurrence: int) -> bool:
        """Goes on to where an instruction is executed for the n-th time in the round that begins. False if the round
        ends before that, or takes too long."""
        self._wanted = address
        is_set = address in (self._enter, self._begin)
        if not is_set:
            self._stub.set_breakpoint(address)
        try:
            return all(self._go_on(ROUND) and self._stub.pc() == address for _ in range(occurrence))
        finally:
            self._wanted = None
            if not is_set:
                self._stub.clear_breakpoint(address)

    # ---- the hardware's interrupts ----

    def raise_(self, source: int) -> None:
        """The line of the button goes up and down, or a byte arrives at the serial line."""
        if source == BUTTON:
            self._wires.trigger(self._button, lambda: None)
        elif source == UART:
            self._qemu.transport.write(b"x")
            self._await_byte()
        else:
            raise ValueError(f"source {source} has no hardware")

    def _await_byte(self) -> None:
        for attempt in range(_ATTEMPTS):
            if self._uart_is(_ISPR) or (attempt >= _PATIENCE and self._uart_is(_IABR)):
                return
        raise TimeoutError("the byte does not arrive")

    def _uart_is(self, registers: int) -> bool:
        assert self._uart_vector is not None
        return bool(self._wires.read(registers + 4 * (self._uart_vector // 32)) >> self._uart_vector % 32 & 1)

    # ---- looking ----

    def executed(self) -> int:
        """How many instructions have executed by now."""
        return read_counter(self._counter)

    def entries(self) -> list[Entry]:
        """The handlers that have begun since the last question."""
        entries, self._entries = self._entries, []
        return entries

    def kept_waiting(self) -> int:
        """Microseconds that the emulator's threads have waited for a processor, in all; 0 where the system does not
        tell."""
        tasks = Path(f"/proc/{self._qemu.pid}/task")
        return sum(int(one.read_text().split()[1]) for one in tasks.glob("*/schedstat")) // 1000

    def memory(self) -> bytes:
        """The guest's."""
        return self._stub.memory(self._memory, SIZE)

    def word(self, offset: int) -> int:
        return int.from_bytes(self._stub.memory(self._memory + offset, 4), "little")

    def pc(self) -> int:
        return self._stub.pc()

    def drain(self) -> None:
        """Takes what was printed, so that nothing fills up."""
        self._terminal.quiet(0)

    def let_go(self) -> tuple[list[SourceInfo], dict[int, LatencyBound]]:
        """Lets the guest run without stops, for good, and asks the board what it has counted of its sources, and how
        long what the hardware raises waits at most."""
        self._stub.clear_breakpoint(self._begin)
        self._stub.clear_breakpoint(self._enter)
        self._stub.let_go()
        target = Target(f"qemu:{self._board.name}", self._qemu.transport, self._qemu.tick_hz)
        with Board(target, timeout=TIMEOUT) as board:
            return board.irq_sources(), {source: board.irq_bound(source) for source in HARDWARE}


@contextmanager
def running(board: BoardFacts, elf: Path, module: bytes) -> Iterator[StoppedMachine]:
    """A guest on an emulated board, stopped at the beginning of its first round."""
    begin, end = (symbol_address(elf, name) for name in (BEGIN, END))
    with tempfile.TemporaryDirectory(prefix="wirq-gdb-") as directory:
        socket, log, counter = (Path(directory) / name for name in ("gdb", "trace", "counter"))
        traced = tracing(target_of(board)[1].binary, end, log, TRACED, counter)
        arguments = ("-gdb", f"unix:{socket},server=on,wait=off", *traced)
        with wired(board, elf, arguments) as (qemu, wires):
            qemu.qmp.execute("stop")
            stub = GdbStub(connect_when_ready(socket, TIMEOUT, lambda: None))
            try:
                stub.step_into_interrupts(True)  # what is pending comes before the next instruction, as without a stop
                stub.set_breakpoint(begin)
                stub.let_go()
                terminal = Terminal(qemu.transport, qemu.tick_hz)
                terminal.start(module)
                assert stub.wait(TIMEOUT), "the guest does not begin a round"
                yield StoppedMachine(qemu, wires, stub, terminal, board, elf, log, counter)
            finally:
                stub.close()
