"""Interrupts at exact machine instructions: which ones, and what must be true afterwards.

The rules, for every point: no raise is lost and none is delivered twice (T1, T2); the round computes what it always
does (T3); handlers nest by priority, and what is more urgent comes first (T6); nothing is slept through (T10).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from firmware_host.latency import LatencyBound
from tests.injection.instructions.cases import (
    BUTTON,
    DELIVERED,
    ELAPSED,
    LEAVES,
    LEVEL,
    LOG,
    LOG_WORDS,
    LOGGED,
    NEED,
    SOFT,
    SOURCES,
    STATE,
    TIMER,
    UART,
    WOKEN,
    Case,
)
from tests.injection.instructions.stopped import StoppedMachine

#: Which is the more urgent of the two that the hardware raises: either.
PRIORITIES = ({UART: 1, TIMER: 0, BUTTON: 0, SOFT: 1}, {UART: 0, TIMER: 0, BUTTON: 1, SOFT: 1})
#: What is raised at an instruction, in turn.
RAISES = ((BUTTON,), (UART,), (BUTTON, UART))
#: Microseconds of the board's clock that an interrupt may add to a round that sleeps: one that is slept through is seen
#: when the clock wakes the board, after 100,000. The emulator's clock goes on while a busy computer does not let it
#: run, 100,000 now and then: the time for which the emulator had to wait for a processor comes on top.
SLOWER = 90_000


@dataclass(frozen=True)
class Point:
    """An instruction of a round: its n-th in time, by its address and how often that is executed until then.

    `woken`: since the guest was woken by the button; there is no other way to get there.
    """

    index: int
    address: int
    occurrence: int
    woken: bool = False


@dataclass(frozen=True)
class Round:
    """What a guest's memory says about the rounds since it was last asked."""

    logged: int
    elapsed: int
    woken: int
    level: int
    need: int
    delivered: int
    state: bytes
    log: tuple[int, ...]

    @classmethod
    def of(cls, memory: bytes, since: int) -> Round:
        def word(offset: int) -> int:
            return int(struct.unpack_from("<I", memory, offset)[0])

        logged = word(LOGGED)
        log = tuple(word(LOG + 4 * (n % LOG_WORDS)) for n in range(since, logged))
        return cls(logged, word(ELAPSED), word(WOKEN), word(LEVEL), word(NEED), word(DELIVERED), memory[STATE:], log)

    def counts(self) -> Counter[int]:
        """Of each source, what its handler was told in all."""
        found: Counter[int] = Counter()
        for word in self.log:
            if word & 0xFFFF != LEAVES:
                found[word >> 16] += word & 0xFFFF
        return found

    def entered(self, source: int) -> int:
        return sum(word >> 16 == source and word & 0xFFFF != LEAVES for word in self.log)


@dataclass(frozen=True)
class Wait:
    """Executed instructions from a raise to the first operation of its handler, `alone` if no other handler was in its
    way: then the bound is met without the part that others' budgets are."""

    instructions: int
    source: int
    place: str
    alone: bool


@dataclass
class Found:
    """What came of a case: each address at which something was raised, and what was wrong."""

    case: str
    points: int = 0
    missed: int = 0  # instructions that the round did not come to this time
    addresses: set[int] = field(default_factory=set)
    executed: set[int] = field(default_factory=set)
    differences: list[str] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    bounds: dict[int, LatencyBound] = field(default_factory=dict)  # as the board prints them, of what is raised

    @property
    def longest(self) -> int:
        """The longest wait that a bound was compared with."""
        return max((wait.instructions for wait in self.waits if self.bound(wait) is not None), default=0)

    def bound(self, wait: Wait) -> int | None:
        """What `wirq irq bound` promises of it; None if that is nothing."""
        bound = self.bounds[wait.source]
        return bound.raise_ + bound.wait + bound.deliver if wait.alone else bound.total


def _points(addresses: Sequence[int], chosen: range, woken: bool = False) -> list[Point]:
    """Those instructions of a round, counted from the begin of the range on."""
    times: Counter[int] = Counter()
    points = []
    for index in chosen:
        times[addresses[index]] += 1
        points.append(Point(index, addresses[index], times[addresses[index]], woken))
    return points


class Explorer:
    """Raises interrupts in the rounds of one case, and judges each."""

    def __init__(self, machine: StoppedMachine, case: Case, priorities: dict[int, int]) -> None:
        self._machine, self._case, self._priorities = machine, case, priorities
        self.found = Found(case.name)
        self._raised: Counter[int] = Counter()
        self._logged = 0
        self._earlier: Counter[int] = Counter(dict.fromkeys(SOURCES, 1))
        self._reference = self._settle()

    def _settle(self) -> Round:
        """An ordinary round; the first ones see to it that all is as it will be."""
        while not self._machine.trace():
            if self._case.first is not None:
                self._raise((self._case.first,), Counter())
            if self._case.waits and self._machine.falls_asleep():
                self._raise((BUTTON,), Counter())
            assert self._machine.next_round(), f"a round of {self._case.name!r} does not end"
            whole = self._read()
        return whole

    def _read(self) -> Round:
        whole = Round.of(self._machine.memory(), self._logged)
        self._logged = whole.logged
        return whole

    def _raise(self, sources: Sequence[int], raised: Counter[int]) -> None:
        for source in sources:
            self._machine.raise_(source)
            raised[source] += 1
            self._raised[source] += 1

    # ---- points ----

    def points(self) -> list[Point]:
        """Those of a round, in order; it is stopped at the first instruction already."""
        addresses = self._machine.trace()
        self.found.executed |= set(addresses)
        if not self._case.waits:
            return _points(addresses, range(1, len(addresses)))
        asleep = [index for index, address in enumerate(addresses) if address == self._machine.sleep]
        before, after = range(1, asleep[0] + 1), range(asleep[-1] + 1, len(addresses))
        return _points(addresses, before) + _points(addresses, after, woken=True)

    def inject(self, point: Point, sources: Sequence[int]) -> None:
        """Raises these sources at that instruction of the next round, and judges what comes of it."""
        raised: Counter[int] = Counter()
        if self._case.first is not None:
            self._raise((self._case.first,), raised)
        before, executed, kept_waiting = None, 0, self._machine.kept_waiting()
        if point.woken:
            sources = (UART,)  # two edges of the button so soon after one another are one for the hardware, too
            self._fall_asleep()
            self._raise((BUTTON,), raised)
        if self._machine.reach(point.address, point.occurrence):
            before, executed = self._machine.word(LOGGED), self._machine.executed()
            self._machine.entries()
            self.found.points += 1
            self.found.addresses.add(point.address)
            self._raise(sources, raised)
        else:
            self.found.missed += 1
            if self._case.waits and not raised and not self._machine.is_at_begin():
                self._raise((BUTTON,), raised)
        wrong = [] if self._machine.next_round() else [self._unstick()]
        whole, kept_waiting = self._read(), self._machine.kept_waiting() - kept_waiting
        at = None if before is None else before - whole.logged + len(whole.log)
        wrong += self._judge(whole, raised, sources, at, kept_waiting)
        place = f"instruction {point.index} at {point.address:#x} ({point.occurrence}.)"
        names = " and ".join(SOURCES[source] for source in sources)
        if before is not None:
            self._measure(whole, raised, sources, before, executed, place)
        self.found.differences += [f"{self._case.name}: {names} raised at {place}: {what}" for what in wrong]
        if self._case.faulty:
            self._machine.drain()

    def _fall_asleep(self) -> None:
        """A wait that finds the mark of an interrupt since the last wait does not sleep; the next one does."""
        while not self._machine.reach(self._machine.sleep, 1):
            assert self._machine.next_round(), f"{self._case.name!r} neither sleeps nor ends its round"
            self._read()

    def _unstick(self) -> str:
        self._raise((BUTTON,), Counter())
        assert self._machine.next_round(), f"{self._case.name!r} is stuck for good"
        return "the round does not end"

    def _measure(
        self, whole: Round, raised: Counter[int], sources: Sequence[int], at: int, executed: int, place: str
    ) -> None:
        """Notes how long each took to its handler, which is the first that has been told of as many raises."""
        begin = whole.logged - len(whole.log)
        entered = {entry.logged: entry.executed for entry in self._machine.entries()}
        usual = self._reference.counts()
        for source in sources:
            if usual[source] and source not in (self._case.first, BUTTON):
                continue  # the guest raises it, too
            told = 0
            for index, word in enumerate(whole.log, begin):
                if word >> 16 != source or word & 0xFFFF == LEAVES:
                    continue
                told += word & 0xFFFF
                if told >= raised[source]:
                    if index in entered:  # else it had begun before
                        alone = not self._case.holds and index == at and not self._is_running(whole.log[: at - begin])
                        self.found.waits.append(Wait(entered[index] - executed, source, place, alone))
                    break

    @staticmethod
    def _is_running(log: Sequence[int]) -> bool:
        """Whether a handler that has begun has not ended."""
        return sum(1 if word & 0xFFFF != LEAVES else -1 for word in log) != 0

    # ---- rules ----

    def _judge(
        self, whole: Round, raised: Counter[int], sources: Sequence[int], at: int | None, kept_waiting: int
    ) -> Iterator[str]:
        usual = self._reference.counts()
        if self._case.waits or self._case.first is not None:
            usual -= Counter({BUTTON if self._case.first is None else self._case.first: 1})
        expected, told = usual + raised, whole.counts()
        for source in SOURCES:
            if told[source] != expected[source]:
                yield f"{SOURCES[source]} was raised {expected[source]} times, its handler was told of {told[source]}"
            if whole.entered(source) > expected[source]:
                yield f"the handler of {SOURCES[source]} was entered {whole.entered(source)} times"
        if whole.state != self._reference.state:
            yield "the round has computed something else"
        if (whole.level, whole.need) != (self._reference.level, self._reference.need):
            yield f"the block says level {whole.level}, need {whole.need}"
        if whole.woken & ~self._may_wake(expected + self._earlier):
            yield f"wait was woken by {whole.woken:#b}"
        self._earlier = expected  # a wait takes what has come after the last one, too
        if self._case.waits and whole.woken == 0:
            yield "wait for ever answers that its time is up"
        usually = 0 if self._case.waits else self._reference.elapsed
        if self._case.sleeps and whole.elapsed > usually + SLOWER + kept_waiting:
            yield f"the round took {whole.elapsed} us instead of {usually}, of which the emulator waited {kept_waiting}"
        yield from self._judge_nesting(whole.log)
        if at is not None and not self._case.holds:
            urgent = [source for source in sources if self._priorities[source] == 0]
            for source in urgent:
                yield from self._judge_urgency(whole.log[max(at, 0) :], source)

    @staticmethod
    def _may_wake(expected: Counter[int]) -> int:
        return sum(1 << source for source in expected if expected[source])

    def _judge_nesting(self, log: Sequence[int]) -> Iterator[str]:
        """Handlers nest, and what interrupts a handler is strictly more urgent (R39)."""
        running: list[int] = []
        for word in log:
            source, leaves = word >> 16, word & 0xFFFF == LEAVES
            while running and running[-1] in self._case.faulty and not self._nests(running[-1], source, leaves):
                running.pop()  # its fault is not in the log
            if leaves and running[-1:] != [source]:
                yield f"the handler of {SOURCES[source]} returns within {[SOURCES[one] for one in running]}"
            elif leaves:
                running.pop()
            elif running and not self._nests(running[-1], source, leaves):
                yield f"{SOURCES[source]} interrupts {SOURCES[running[-1]]}"
            else:
                running.append(source)
        if [source for source in running if source not in self._case.faulty]:
            yield f"{[SOURCES[one] for one in running]} do not return"

    def _nests(self, outer: int, source: int, leaves: bool) -> bool:
        return outer == source if leaves else self._priorities[source] < self._priorities[outer]

    def _judge_urgency(self, log: Sequence[int], source: int) -> Iterator[str]:
        """From a raise of the most urgent priority on, one less urgent handler may just be entered, but none of those
        that begin now returns before it has come (R41)."""
        begun: list[int] = []
        for word in log:
            other, leaves = word >> 16, word & 0xFFFF == LEAVES
            if other == source and not leaves:
                return
            if self._priorities[other] == 0:
                continue
            if leaves and other in begun:
                yield f"{SOURCES[source]} is more urgent than {SOURCES[other]} and comes after it"
                return
            if not leaves:
                begun.append(other)
                if len(begun) > 1 and not self._case.faulty:
                    yield f"{SOURCES[source]} comes after {[SOURCES[one] for one in begun]}"
                    return

    def explore(self, occurrences: int, most: int = 0) -> Found:
        """One interrupt at each instruction of a round that was not executed in it more often than that before; of
        those, if `most` is not 0, at so many, evenly spread."""
        points = [point for point in self.points() if point.occurrence <= occurrences]
        raises = RAISES if self._case.first is None else RAISES[1:]  # again what is being delivered
        every = max(1, len(points) // most) if most else 1
        for n, point in enumerate(points[::every]):
            self.inject(point, raises[n % len(raises)])
        return self.finish()

    def finish(self) -> Found:
        """Compares with what the board itself has counted."""
        counted, self.found.bounds = self._machine.let_go()
        for wait in self.found.waits:
            bound = self.found.bound(wait)
            if bound is not None and wait.instructions > bound:
                self.found.differences.append(
                    f"{self._case.name}: {SOURCES[wait.source]} raised at {wait.place} took {wait.instructions} "
                    f"instructions to its handler, and the bound is {bound}"
                )
        for one in counted:
            raised = self._raised[one.number]
            of_its_own = self._reference.counts()[one.number] and one.number not in (self._case.first, BUTTON)
            if one.missed or (one.number in (BUTTON, UART) and not of_its_own and one.raised != raised):
                self.found.differences.append(
                    f"{self._case.name}: the board has counted {one.raised} raises of {one.name}, of which it has "
                    f"missed {one.missed}; there were {raised}"
                )
        return self.found
