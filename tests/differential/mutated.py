"""Real modules with a few bytes changed: what nobody has made valid, and what does things that no generator thinks of.

Both engines must say the same of whether such a module is valid, and if it is, do the same. Three things that the
standard leaves open are looked for, and what depends on them is not compared: bits of NaNs (wasmtime runs it twice,
with the processor's and with canonical ones), the room there is (wirq counts what it has no room for), and the depth
of calls. A call that does not end within FUEL instructions ends the comparison of its module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from firmware_host.errors import BadModule
from firmware_host.wasm import Module
from firmware_host.wasm.types import FunctionType, Kind, MemoryType, SectionId
from firmware_host.wast.commands import ModuleCommand
from firmware_host.wast.convert import convert
from tests.differential import values
from tests.differential.comparing import Difference
from tests.differential.generator import Call, Program, generate
from tests.differential.oracle import OUT_OF_FUEL, Oracle
from tests.differential.outcome import difference
from tests.differential.subject import Driven
from tests.vm.building import ROOT

#: Instructions of one call.
FUEL = 200_000
#: Bytes of the largest memory, and of all tables, of a module that is run.
MOST_MEMORY, MOST_ELEMENTS = 4 << 20, 100_000
#: Refusals that say that wirq serves less than the standard allows, not that the module is invalid.
LIMITS = {
    *("ABSENT_FEATURE", "IMPLEMENTATION_LIMIT", "TOO_MANY_LOCALS"),
    *("NO_MEMORY", "MODULE_TOO_LARGE", "LINEAR_MEMORY_TOO_LARGE"),
    *("UNKNOWN_SOURCE", "HANDLER_TYPE", "BAD_PRIORITY", "BAD_BLOCK", "NULL_HANDLER"),  # of exports that only wirq knows
}


@cache
def originals() -> tuple[bytes, ...]:
    """Modules of the project's own specification scripts."""
    found = []
    for script in sorted((ROOT / "tests/wast/scripts").glob("*.wast")):
        for command in convert(script.read_bytes()):
            if isinstance(command, ModuleCommand) and command.module.binary is not None:
                found.append(command.module.binary)
    return tuple(found)


def mutate(random: Random, module: bytes) -> bytes:
    """One to three bytes changed, most of them in code."""
    out = bytearray(module)
    code = [section for section in Module.parse(module).sections if section.id == SectionId.CODE]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        low, high = (code[0].body, code[0].end) if code and random.random() < 0.8 else (8, len(out))
        at = random.randrange(low, high)
        match random.randrange(5):
            case 0:
                out[at] = random.randrange(256)
            case 1:
                out[at] ^= 1 << random.randrange(8)
            case 2:
                out[at] = max(0, min(255, out[at] + random.choice((-1, 1))))
            case 3:  # of the same kind, if it is an instruction without immediates
                out[at] = random.randrange(0x45, 0xC5) if 0x45 <= out[at] <= 0xC4 else random.choice((0x01, 0x0B, 0x1A))
            case _:
                out[at] = random.choice(module)
    return bytes(out)


def program(seed: int, features: Sequence[str]) -> Program:
    """A mutated module and calls of those of its exports that take and give integers only."""
    random = Random(seed)
    if random.random() < 0.5:
        original = generate(random.randrange(100_000), features).module
    else:
        original = random.choice(originals())
    module = mutate(random, original)
    calls: list[Call] = []
    try:
        parsed = Module.parse(module)
    except (BadModule, IndexError, OverflowError):
        return Program(seed, module, ())
    for one in parsed.exports:
        type_ = parsed.exported_function(one.name) if one.kind == Kind.FUNCTION else None
        if type_ is not None and not one.name.startswith("irq:") and _is_integer(type_):
            for _ in range(2):
                arguments = tuple((kind, values.integer(random, int(kind[1:]))) for kind in type_.parameters)
                calls.append(Call(one.name, arguments))
    return Program(seed, module, tuple(calls))


def _is_integer(type_: FunctionType) -> bool:
    return {*type_.parameters, *type_.results} <= {"i32", "i64"}


def _runnable(module: bytes) -> bool:
    """Whether it has nothing to import but what both engines are given, and little memory."""
    try:
        parsed = Module.parse(module)
    except (BadModule, IndexError, OverflowError):
        return False
    known = {("test", "log"): ("i32",), ("test", "log64"): ("i64",)}
    for one in parsed.imports:
        type_ = one.type
        if (
            not isinstance(type_, FunctionType)
            or known.get((one.module, one.name)) != type_.parameters
            or type_.results
        ):
            return False
    memories: Sequence[MemoryType] = parsed.memories
    elements = sum(table.limits.minimum for table in parsed.tables)
    return sum(one.minimum_bytes for one in memories) <= MOST_MEMORY and elements <= MOST_ELEMENTS


class MutatedComparison(Driven):
    """Both engines; counts in `told` what became of the modules."""

    def __init__(self, driver: Path, scratch: Path) -> None:
        super().__init__(driver, scratch)
        self._oracle = Oracle(strict=True, fuel=FUEL)
        self._canonical = Oracle(strict=True, fuel=FUEL, canonical_nans=True)
        self.features = sorted(self._machine.features())

    def seed(self, seed: int) -> Difference | None:
        one = program(seed, self.features)
        text = self._compare(one)
        return Difference(one, text) if text else None

    def _compare(self, one: Program) -> str:
        invalid = self._oracle.validates(one.module)
        if invalid or not _runnable(one.module):
            return self._validity(one, invalid)
        expected = self._oracle.run(one)
        kinds = [kind for kind, _ in expected.calls]
        if OUT_OF_FUEL in (*kinds, expected.refused):
            self.told["do not end"] += 1
            one = replace(one, calls=one.calls[: kinds.index(OUT_OF_FUEL)] if OUT_OF_FUEL in kinds else ())
            if not one.calls:
                return ""
            expected = self._oracle.run(one)
            kinds = [kind for kind, _ in expected.calls]
        if "TRAP_STACK_EXHAUSTED" in (*kinds, expected.refused):
            self.told["depth of calls"] += 1
            return ""
        refused = self._machine.memory()["refused"]
        try:
            parsed = Module.parse(one.module)
            exported = sum(export.kind == Kind.MEMORY for export in parsed.exports)
            found = self._subject.run(one, exported, interrupts=False)
        except AssertionError as error:
            self._machine.kill()
            self._open()
            return str(error)
        if self._machine.memory()["refused"] != refused or found.refusal in LIMITS:
            self.told["room and limits"] += 1
            return ""
        text = difference(expected, found)
        if text and difference(self._canonical.run(one), expected):
            self.told["bits of NaNs"] += 1
            return ""
        self.told["run alike"] += not text
        return text

    def _validity(self, one: Program, invalid: str) -> str:
        """Whether the VM, too, says that the module is invalid, or that it is not."""
        try:
            refusal = self._subject.refusal(one)
        except AssertionError as error:
            self._machine.kill()
            self._open()
            return str(error)
        if refusal in LIMITS:
            self.told["room and limits"] += 1
            return ""
        if bool(refusal) != bool(invalid):
            return f"validity: expected {invalid or 'valid'}, found {refusal or 'valid'}"
        self.told["invalid alike" if invalid else "valid alike"] += 1
        return ""
