"""The engine that is tried: wirq's VM, in the driver program of tests/vm."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from threading import Timer
from types import TracebackType
from typing import Self

from firmware_host.wasm.types import Kind
from tests.differential.generator import Program
from tests.differential.outcome import Outcome
from tests.vm.machine import Machine, Refusal, Trap

#: Bytes and cells: enough for what the generator makes.
ARENA, STACK, HANDLER_STACK = 24 << 20, 1 << 18, 2048
#: Seconds that a program may take; the generator's all end soon.
LONGEST = 60.0
#: The source whose handler must not be noticed.
SOURCE = 3
#: What the oracle does not tell apart.
_ALIKE = {"TRAP_UNDEFINED_ELEMENT": "TRAP_TABLE"}


class Subject:
    """Runs programs, each on an emptied VM: loaded whole or in pieces, with interrupts in some of the calls."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.open(ARENA, STACK, HANDLER_STACK)
        self._used = machine.used()

    def run(self, program: Program, memories: int, *, interrupts: bool = True) -> Outcome:
        """`memories`: how many the module exports. `interrupts`: in some calls, its handler being known to do no harm.

        Raises AssertionError where the VM ends the process, takes too long for a program that ends on the oracle, or
        does not give its memory back; only the last leaves this of use.
        """
        random = Random(program.seed)
        outcome = Outcome()
        watchdog = Timer(LONGEST, self.machine.kill)
        watchdog.start()
        try:
            self._run(program, memories, random, interrupts, outcome)
            self.machine.reset()
        finally:
            watchdog.cancel()
        if self.machine.used() != self._used:
            raise AssertionError(f"seed {program.seed}: {self.machine.used() - self._used} bytes were not given back")
        return outcome

    def refusal(self, program: Program) -> str:
        """The status with which the module is refused at load; empty if it is valid."""
        status = ""
        try:
            self.machine.load(program.module, Random(program.seed).choice((0, 1, 7)))
        except Refusal as refusal:
            status = refusal.status
        self.machine.reset()
        return status

    def _run(self, program: Program, memories: int, random: Random, interrupts: bool, outcome: Outcome) -> None:
        machine = self.machine
        machine.log()
        try:
            loaded = machine.load(program.module, random.choice((0, 0, 1, 7, -random.randrange(1, 1000))))
            (instance,) = machine.numbers(f"instantiate {loaded.handle}")
        except Refusal as refusal:
            if refusal.status.startswith("TRAP_"):  # of a segment
                outcome.refused, outcome.log = _ALIKE.get(refusal.status, refusal.status), machine.log()
                return
            outcome.refusal = refusal.status
            outcome.refused = f"{refusal.status} at {refusal.offset}, function {refusal.function}, {refusal.detail}"
            return
        try:
            machine.command(f"start {instance}")
        except Trap as trap:
            outcome.refused = trap.status
            outcome.log = machine.log()
            return
        for call in program.calls:
            if interrupts and random.random() < 0.5:
                machine.inject(SOURCE, random.choice((1, 2, 3, 10, random.randrange(1, 400))), random.random() < 0.7)
            cells: list[int] = []
            for type_, bits in call.arguments:
                cells += [bits] if type_ == "i32" else [bits & 0xFFFFFFFF, bits >> 32]
            try:
                outcome.calls.append(("done", tuple(machine.call(instance, call.name, *cells))))
            except Trap as trap:
                outcome.calls.append((_ALIKE.get(trap.status, trap.status), ()))
        outcome.memories = [machine.crc(instance, i) for i in range(memories)]
        outcome.log = machine.log()


def memory_count(program: Program) -> int:
    from firmware_host.wasm import Module

    return sum(one.kind == Kind.MEMORY for one in Module.parse(program.module).exports)


class Driven:
    """Something that runs programs on the VM; the driver process ends with it. `told` counts what became of them."""

    def __init__(self, driver: Path, scratch: Path) -> None:
        self._driver, self._scratch = driver, scratch
        self.told: Counter[str] = Counter()
        self._open()

    def _open(self) -> None:
        self._machine = Machine(self._driver, self._scratch, arena=ARENA, stack=STACK, handler_stack=HANDLER_STACK)
        self._subject = Subject(self._machine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._machine.__exit__(kind, error, trace)
