"""Runs a program once with an interrupt at each of its safe points, and once for each pair of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from firmware_host.errors import WirqError
from firmware_host.injection.outcome import Outcome, changed_ranges, differences
from firmware_host.injection.subject import Subject

#: Runs of up to this many points are interrupted at every pair of them, too (interrupts.md T3).
PAIRS_BELOW = 300
#: Runs of more points are sampled.
LIMIT = 10_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Difference:
    """A run that came to something else. `place` is where the (first) interrupt came: function and byte of its lowered
    code, if it is known."""

    points: tuple[int, ...]
    what: tuple[str, ...]
    place: tuple[int, int] | None


@dataclass(frozen=True)
class Exploration:
    """What came of it. `marks`: what the handler changes by intent, in words; a run is right then if it comes to the
    same as with the interrupt before the call, or after it."""

    points: int
    step: int
    singles: int
    pairs: int
    handler_runs: int
    undisturbed: Outcome
    marks: tuple[str, ...]
    differences: tuple[Difference, ...] = field(default=())


def explore(
    subject: Subject,
    *,
    limit: int = LIMIT,
    step: int = 0,
    pairs: bool | None = None,
    progress: Progress = lambda done, total: None,
) -> Exploration:
    """Explores one program. `step` n: only every n-th point; 0: as few as `limit` asks for. `pairs`: also every pair;
    by default if there are fewer than PAIRS_BELOW points. Raises WirqError if the program does not do the same twice,
    and what running it raises."""
    undisturbed = subject.run()
    points, delivered = subject.points, subject.delivered
    again = subject.run()
    if again != undisturbed or subject.points != points:
        what = "; ".join(differences(undisturbed, again)) or f"it has {points} safe points, and then {subject.points}"
        raise WirqError(
            f"two undisturbed runs differ, so nothing could be told from disturbed ones: {what}",
            hint="what depends on time or on what comes from outside cannot be compared; on host (-b host) time "
            "stands still",
        )
    if points == 0:
        raise WirqError("the run has no safe point: it ends before it has done anything", hint="call something longer")
    step = step or max(1, -(-points // limit))
    chosen = range(1, points + 1, step)
    wants_pairs = (points < PAIRS_BELOW and step == 1) if pairs is None else pairs
    pair_count = len(chosen) * (len(chosen) - 1) // 2 if wants_pairs else 0
    run = _Runs(subject, undisturbed, delivered, progress, len(chosen) + pair_count)
    run.expect(1)
    marks = run.marks()
    for point in chosen:
        run.compare((point,))
    if pair_count:
        run.expect(2)
        for i, first in enumerate(chosen):
            for second in chosen[i + 1 :]:
                run.compare((first, second))
    return Exploration(
        points, step, len(chosen), pair_count, run.handler_runs, undisturbed, tuple(marks), tuple(run.found)
    )


class _Runs:
    def __init__(self, subject: Subject, undisturbed: Outcome, delivered: int, progress: Progress, total: int) -> None:
        self._subject = subject
        self._undisturbed = undisturbed
        self._delivered = delivered
        self._progress = progress
        self._total = total
        self._done = 0
        self._expected = [undisturbed]
        self._runs_handler = True
        self.handler_runs = 0
        self.found: list[Difference] = []

    def expect(self, interrupts: int) -> None:
        """From now on runs have so many interrupts, and must come to what they come to one after the other: to nothing
        else than the undisturbed run if the handler is one that keeps nothing, and the program does not wait."""
        subject = self._subject
        serial = subject.serial(interrupts)
        self._runs_handler = subject.delivered > self._delivered
        keeps_nothing = subject.is_disturber and not subject.is_woken
        self._expected = [self._undisturbed] if keeps_nothing else serial

    def marks(self) -> list[str]:
        """What the handler changes by intent, in words."""
        marks: dict[str, None] = {}  # an ordered set
        for outcome in self._expected:
            marks.update(dict.fromkeys(_changed(self._undisturbed, outcome)))
        return list(marks)

    def compare(self, points: tuple[int, ...]) -> None:
        subject = self._subject
        outcome = subject.run(points)
        runs = subject.delivered - self._delivered
        self.handler_runs += runs
        what = [] if outcome in self._expected else differences(self._nearest(outcome), outcome)
        if self._runs_handler and runs < 1:
            what.append("the interrupt was lost: its handler did not run")
        elif subject.is_disturber and runs != len(points):
            what.append(f"its handler ran {runs} times, not {len(points)}")
        if what:
            self.found.append(Difference(points, tuple(what), subject.place()))
        self._done += 1
        if self._done % max(1, self._total // 200) == 0 or self._done == self._total:
            self._progress(self._done, self._total)

    def _nearest(self, outcome: Outcome) -> Outcome:
        return min(self._expected, key=lambda one: len(differences(one, outcome)))


def _changed(before: Outcome, after: Outcome) -> list[str]:
    found = []
    for i, (one, two) in enumerate(zip(before.memories, after.memories, strict=True)):
        memory = f"memory {i}" if i else "memory"
        found += [f"{memory} {_range(start, end)}" for start, end in changed_ranges(one, two)]
    for i, (one, two) in enumerate(zip(before.globals, after.globals, strict=True)):
        found += [f"global {i}"] if one != two else []
    found += ["tables"] if before.tables != after.tables else []
    found += ["what the program writes"] if before.text != after.text else []
    found += ["what it does to pins"] if before.edges != after.edges else []
    found += ["its result"] if before.results != after.results else []
    if (before.ending, before.place) != (after.ending, after.place):
        found.append(f"how it ends: it {after.ending}, not {before.ending}")
    return found


def _range(start: int, end: int) -> str:
    return f"{start:#x}" if end - start == 1 else f"{start:#x}-{end - 1:#x}"
