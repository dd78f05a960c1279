"""How much of the wasm stack a module's functions take, from their lowered code, as a board computes it (R32)."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache

from firmware_host import resources
from firmware_host.errors import BuildError
from firmware_host.symbols.disassemble import Line, disassemble
from firmware_host.symbols.lowering import LoweringMap

#: Cells of a call's record on a 32-bit chip: where to go on, and the caller's frame (struct record in vm/src/vm.h).
RECORD_CELLS = 2

#: Operations after which nobody can tell what runs.
_UNKNOWN = ("call_indirect", "return_call_indirect", "call_ref", "return_call_ref")


@cache
def stack_slack() -> int:
    """Cells that every wasm stack keeps free above the running frame: WIRQ_STACK_SLACK."""
    config = resources.path("vm", "src", "config.h").read_text(encoding="utf-8")
    found = re.search(r"#define WIRQ_STACK_SLACK (\d+)", config)
    if found is None:
        raise BuildError("vm/src/config.h has no WIRQ_STACK_SLACK")
    return int(found[1])


@dataclass(frozen=True)
class StackNeed:
    """Cells of the deepest chain of direct calls, records included; None if it is not known, and why not."""

    cells: int | None
    why_not: str = ""


class Stacks:
    """The functions of one module, by their index in its function index space."""

    def __init__(self, lowered: LoweringMap, imported_functions: int, slack: int) -> None:
        """`slack`: cells that every stack keeps free above a frame; a larger frame says so itself."""
        self._imported = imported_functions
        self._slack = slack
        self._code: Mapping[int, tuple[Line, ...]] = {
            index: tuple(disassemble(function.units)) for index, function in lowered.functions.items()
        }
        self._needs: dict[int, StackNeed] = {}

    def frame(self, function: int) -> int:
        """Cells that its frame may take."""
        first = self._code[function][0]
        return int(first.operands[0]) if first.name == "enter" else self._slack

    def way(self, function: int, targets: Container[int]) -> list[int]:
        """A shortest chain of direct calls from a function to one of those, both included; empty if there is none."""
        ways = [[function]]
        seen = {function}
        for way in ways:
            if way[-1] in targets:
                return way
            for line in self._code.get(way[-1], ()):
                if line.calls is not None and line.calls + self._imported not in seen:
                    seen.add(line.calls + self._imported)
                    ways.append([*way, line.calls + self._imported])
        return []

    def need(self, function: int) -> StackNeed:
        """What a call of it takes at most."""
        return self._need(function, ())

    def _need(self, function: int, above: tuple[int, ...]) -> StackNeed:
        if function in above:
            return StackNeed(None, "it recurses")
        if function in self._needs:
            return self._needs[function]
        most, why_not = self.frame(function), ""
        for line in self._code[function]:
            if line.name in _UNKNOWN:
                why_not = "it calls through a table or a reference"
            if line.calls is None:
                continue
            callee = self._need(line.calls + self._imported, (*above, function))
            why_not = why_not or callee.why_not
            most = max(most, line.frame + (callee.cells or 0))
        found = StackNeed(None, why_not) if why_not else StackNeed(RECORD_CELLS + most)
        if not above or not why_not:  # what a cycle makes unknown below may be known from elsewhere
            self._needs[function] = found
        return found
