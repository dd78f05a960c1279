"""One program on both engines, and what is kept of a difference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.differential.generator import Program, generate
from tests.differential.oracle import Oracle
from tests.differential.outcome import Outcome, difference
from tests.differential.subject import Driven, memory_count


@dataclass(frozen=True)
class Difference:
    program: Program
    text: str

    def keep(self, folder: Path) -> Path:
        """Writes the module and what was done with it."""
        path = folder / f"{self.program.seed}.wasm"
        path.write_bytes(self.program.module)
        lines = [self.text, *(f"{one.name} {one.arguments}" for one in self.program.calls)]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n")
        return path


class Comparison(Driven):
    """Both engines; `told` counts calls, by "done" or the trap's name."""

    def __init__(self, driver: Path, scratch: Path) -> None:
        super().__init__(driver, scratch)
        self._oracle = Oracle()
        self.features = self._machine.features()

    def seed(self, seed: int) -> Difference | None:
        return self.program(generate(seed, self.features))

    def program(self, program: Program) -> Difference | None:
        expected = self._oracle.run(program)
        kinds = [kind for kind, _ in expected.calls]
        self.told.update(kinds)
        if "TRAP_STACK_EXHAUSTED" in kinds:
            return None  # how deep it goes is each engine's own affair
        try:
            found = self._subject.run(program, memory_count(program))
        except AssertionError as error:  # the process has ended, or memory was not given back
            self._machine.kill()
            self._open()
            return Difference(program, str(error))
        if any(kind == "TRAP_TOO_MANY_EXCEPTIONS" for kind, _ in found.calls):
            return None  # so is how many exceptions are kept at once
        text = difference(expected, found)
        return Difference(program, text) if text else None


__all__ = ["Comparison", "Difference", "Outcome"]
