"""A board for specification scripts that interrupts every call of theirs at every safe point, before it answers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firmware_host.injection import disturber
from firmware_host.inprocess.board import InProcessInstance
from firmware_host.inprocess.virtual import Ended, Saved, VirtualBoard
from firmware_host.wast.batch import run_scripts
from firmware_host.wast.report import ScriptReport
from firmware_host.wast.suite import Script, find_scripts

#: Arena of the board: scripts ask for large memories. Every run puts back what is in use.
ARENA_SIZE = 64 << 20
#: Whose handler interrupts. It is in an instance of its own, so that every module can be interrupted as it is.
SOURCE = "soft0"


@dataclass
class Effort:
    """How thorough to be: the most points of one call, evenly apart; pairs for calls of fewer points than this. Calls
    of a million points get fewer runs, so that all runs of one call pass `most` points at most."""

    limit: int
    pairs_below: int
    most: int = 100_000_000


@dataclass
class Tally:
    """What was done, and every run that came to something else than the undisturbed one."""

    calls: int = 0
    points: int = 0
    runs: int = 0
    pairs: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.calls += other.calls
        self.points += other.points
        self.runs += other.runs
        self.pairs += other.pairs
        self.differences += other.differences


class DisturbedBoard(VirtualBoard):
    """Takes scripts as any board does."""

    def __init__(self, effort: Effort, tally: Tally) -> None:
        super().__init__(ARENA_SIZE)
        self.effort = effort
        self.tally = tally
        self.source = self.sources.index(SOURCE)

    def instantiate(self, *, keep: bool = False, start: bool = True, timeout: float | None = None) -> InProcessInstance:
        if not keep:
            wanted, self._upload = self._upload, disturber.alone(SOURCE)
            super().instantiate(keep=False)
            self._upload = wanted
        instance = super().instantiate(keep=True, start=start, timeout=timeout)
        return DisturbedInstance(self, self._library, instance.handle, instance.names)


class DisturbedInstance(InProcessInstance):
    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]:
        board = self._board
        assert isinstance(board, DisturbedBoard)
        tally, saved = board.tally, board.save()
        board.arm()
        undisturbed = board.call(self, name.encode(), cells, timeout)
        points, after = board.points, board.save()
        before = board.delivered(board.source)[0]
        tally.calls += 1
        tally.points += points
        for at in _chosen(points, board.effort):
            board.restore(saved)
            board.arm([(point, board.source) for point in at])
            ended = board.call(self, name.encode(), cells, timeout)
            what = _wrong(board, ended, undisturbed, after, before + len(at))
            if what:
                tally.differences.append(f"{name} interrupted at {' and '.join(map(str, at))} of {points}: {what}")
            if len(at) == 1:
                tally.runs += 1
            else:
                tally.pairs += 1
        board.restore(saved)
        board.arm()
        return super().invoke(name, cells, timeout)


def _chosen(points: int, effort: Effort) -> Iterator[tuple[int, ...]]:
    step = max(1, -(-points // min(effort.limit, max(10, effort.most // max(points, 1)))))
    yield from ((point,) for point in range(1, points + 1, step))
    if points < effort.pairs_below:
        yield from ((one, two) for one in range(1, points + 1) for two in range(one + 1, points + 1))


def _wrong(board: DisturbedBoard, ended: Ended, undisturbed: Ended, after: Saved, delivered: int) -> str:
    if ended != undisturbed:
        return f"{ended}, not {undisturbed}"
    at = board.difference(after)
    if at is not None:
        return f"the arena differs from byte {at:#x} on"
    runs = board.delivered(board.source)[0]
    return "" if runs == delivered else f"the handler ran {runs - delivered} times more than it should"


def disturbed(script: Script, effort: Effort) -> tuple[ScriptReport, Tally]:
    """Runs one script in this way."""
    tally = Tally()
    (report,) = run_scripts(lambda: DisturbedBoard(effort, tally), [script])
    return report, tally


#: Groups of scripts, by what they are about: paths below the folder of the public suites.
GROUPS = {
    "control": [
        *(
            f"core-3.0/base/{name}"
            for name in ("block", "loop", "if", "br", "br_if", "return", "unreachable", "labels")
        ),
        *(f"core-3.0/base/{name}" for name in ("select", "local_get", "local_set", "local_tee", "forward", "traps")),
        "core-1.0/break-drop",
    ],
    "br_table": ["core-3.0/base/br_table"],
    "calls": [f"core-3.0/base/{name}" for name in ("call", "call_indirect", "func", "func_ptrs")],
    "tail calls": ["core-3.0/tail-call/return_call", "core-3.0/tail-call/return_call_indirect"],
    "function references": ["core-3.0/function-references"],
    "exceptions": ["core-3.0/exceptions"],
    "bulk memory": ["core-3.0/base/bulk-memory"],
    "tables": [f"core-2.0/table_{name}" for name in ("get", "grow", "init", "set", "size")],
    "multi-memory": ["core-3.0/multi-memory"],
    "memory": [
        f"core-3.0/base/{name}" for name in ("address", "load", "store", "memory", "memory_redundancy", "memory_size")
    ],
    "globals and linking": [
        f"core-3.0/base/{name}" for name in ("global", "imports", "linking", "start", "elem", "data")
    ],
    "numbers": [f"core-3.0/base/{name}" for name in ("i32", "i64", "conversions", "float_exprs")],
}
#: Features that a group is about; builds without them refuse its modules.
NEEDS = {
    "tail calls": "tail-call",
    "function references": "function-references",
    "exceptions": "exceptions",
    "multi-memory": "multi-memory",
}


def is_built(name: str) -> bool:
    """Whether the VM has what the group is about."""
    with VirtualBoard(1 << 20) as board:
        return name not in NEEDS or NEEDS[name] in board.features


def group(suites: Path, name: str) -> list[Script]:
    """The scripts of a group."""
    paths = [suites / path for path in GROUPS[name]]
    return find_scripts([path if path.is_dir() else path.with_suffix(".wast") for path in paths])
