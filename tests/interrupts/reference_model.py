"""A reference model of levels, masking and chaining: what runs in which order, written straight from the rules.

A schedule is a script for the main program and one for the handler of each source. It becomes a WebAssembly module
(`wat`) and a prediction of the trace (`predict`). The model knows what the rules promise and nothing of the VM's tables
and stacks: R6 (order), R35-R38 (masking and the watch), R39 (strictly more urgent preempts), R40 (coalescing), R41
(tail-chaining).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.interrupts.guest_modules import DEPTH, NEED, OPEN_BLOCK, THRESHOLD, function, module

#: Control operations between two looks of the watch (WIRQ_WATCH_PERIOD).
WATCH_PERIOD = 16
SOURCES = 4
THREAD = 1000

Action = tuple[str, int]


@dataclass(frozen=True)
class Schedule:
    """Scripts of the main program and of the handlers, and the handlers' priorities."""

    main: tuple[Action, ...]
    handlers: tuple[tuple[Action, ...], ...]
    priorities: tuple[int, ...]


def _script(rng: random.Random, length: int, raised: list[int]) -> tuple[Action, ...]:
    actions: list[Action] = []
    for _ in range(length):
        kind = rng.choice(("raise", "raise", "raise", "log", "step", "step", "depth", "threshold", "deliver"))
        if kind == "raise":
            if raised:
                actions.append(("raise", rng.choice(raised)))
        elif kind == "log":
            actions.append(("log", rng.randrange(10, 90)))
        elif kind == "depth":
            actions.append(("depth", rng.choice((0, 0, 1))))
        elif kind == "threshold":
            actions.append(("threshold", rng.choice((0, 1, 255, 255))))
        else:
            actions.append((kind, 0))
    return tuple(actions)


def random_schedule(seed: int, levels: int) -> Schedule:
    """A schedule that ends: a handler raises only sources with higher numbers than its own."""
    rng = random.Random(seed)
    main = _script(rng, rng.randrange(5, 40), list(range(SOURCES)))
    # At the end everything is opened, so that nothing stays pending: a raise that is lost shows.
    main += (("threshold", 255), ("depth", 0), ("deliver", 0), ("log", 99))
    handlers = tuple(
        (
            *_script(rng, rng.randrange(0, 8), list(range(source + 1, SOURCES))),
            ("log", 90 + source),
            ("threshold", 255),
            ("depth", 0),
        )
        for source in range(SOURCES)
    )
    return Schedule(main, handlers, tuple(rng.randrange(levels) for _ in range(SOURCES)))


# ---- the module


def _wat(actions: tuple[Action, ...]) -> str:
    forms = {
        "raise": "(call $raise (i32.const {}) (i32.const 0))",
        "log": "(call $log (i32.const {}))",
        "step": "(block (br 0))",
        "deliver": f"(i32.store (i32.const {NEED}) (i32.const 0)) (call $deliver)",
        "depth": f"(i32.store (i32.const {DEPTH}) (i32.const {{}}))",
        "threshold": f"(i32.store (i32.const {THRESHOLD}) (i32.const {{}}))",
    }
    return " ".join(forms[kind].format(number) for kind, number in actions)


def wat(schedule: Schedule) -> str:
    """The module of a schedule: its function `go` registers the block at 0 and runs the main script."""
    handlers = "".join(
        f"""(func (export "irq:{source}:{schedule.priorities[source]}") (param i32 i32 i32)
          (call $log (i32.add (i32.mul (local.get 0) (i32.const 1000)) (local.get 1))) {_wat(script)})"""
        for source, script in enumerate(schedule.handlers)
    )
    return module(handlers + function("go", f"{OPEN_BLOCK} {_wat(schedule.main)}"))


# ---- the prediction


@dataclass
class _Model:
    schedule: Schedule
    level: int = THREAD
    depth: int = 0
    threshold: int = 255
    asked: bool = False
    held: bool = False
    counted: int = 0
    depth_of_nesting: int = 0
    deepest: int = 0
    pending: list[int] = field(default_factory=lambda: [0] * SOURCES)
    trace: list[int] = field(default_factory=list)

    def due(self) -> tuple[int | None, bool]:
        """The source to be delivered now, and whether the guest holds one back that its level would let through."""
        held = False
        best: int | None = None
        for source in range(SOURCES):
            priority = self.schedule.priorities[source]
            if self.pending[source] == 0 or priority >= (
                self.level if best is None else self.schedule.priorities[best]
            ):
                continue
            if self.depth != 0 or self.threshold <= priority:
                held = True
                continue
            best = source
        return best, held

    def deliver(self) -> bool:
        """Runs what is due, one after the other; whether anything was."""
        ran = False
        while True:
            source, self.held = self.due()
            if source is None:
                return ran
            ran = True
            count, self.pending[source] = self.pending[source], 0
            outer, self.level = self.level, self.schedule.priorities[source]
            self.depth_of_nesting += 1
            self.deepest = max(self.deepest, self.depth_of_nesting)
            self.control()
            self.trace.append(1000 * source + count)
            self.host_call_ends()
            self.execute(self.schedule.handlers[source])
            self.control()  # return
            self.control()  # the operation that it returns to
            self.depth_of_nesting -= 1
            self.level = outer

    def control(self) -> None:
        """A control operation begins: a safe point if somebody has asked for one, or the watch looks."""
        while True:
            look = self.asked
            if self.held:
                self.counted += 1
                look |= self.counted % WATCH_PERIOD == 0
            self.asked = False
            if not (look and self.deliver()):
                return  # else the operation is dispatched again, after the handlers

    def host_call_ends(self) -> None:
        if self.held and self.due()[0] is not None:
            self.asked = True

    def execute(self, actions: tuple[Action, ...]) -> None:
        for kind, number in actions:
            if kind in ("depth", "threshold"):
                setattr(self, kind, number)
                continue
            self.control()
            if kind == "raise":
                self.pending[number] += 1
                self.asked = True
            elif kind == "log":
                self.trace.append(number)
            elif kind == "deliver":
                while self.due()[0] is not None:
                    self.counted += self.held
                    self.asked = False
                    self.deliver()
                    self.control()
            if kind != "step":
                self.host_call_ends()


def predict(schedule: Schedule) -> tuple[list[int], int]:
    """The trace that the rules promise, and how deep handlers nest in it."""
    model = _Model(schedule)
    model.execute(schedule.main)
    model.control()
    assert model.pending == [0] * SOURCES, "a schedule ends with nothing pending"
    return model.trace, model.deepest
