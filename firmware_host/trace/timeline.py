"""Spans, instants and samples made of records, and the trace-event format that Perfetto and Chrome's tracing page
read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from firmware_host.info import SourceInfo
from firmware_host.trace.records import Record

MAIN = 0  # the row of the program itself; level n has row n + 1


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, microseconds of board time, in a row."""

    row: int
    name: str
    start: int
    end: int
    source: int | None = None
    depth: int = 0  # of a function, among those that were called from one another


@dataclass(frozen=True)
class Sample:
    """How many bytes a linear memory has from then on."""

    name: str
    time: int
    size: int


@dataclass
class _Open:
    """A span that has not ended. `depth` is that of a called function, 0 of anything else."""

    name: str
    row: int
    start: int
    source: int | None = None
    depth: int = 0


def _is_of(source: int, span: _Open) -> bool:
    return span.source == source


@dataclass(frozen=True)
class Instant:
    """A raise, or that a source was masked or unmasked."""

    name: str
    time: int
    source: int


@dataclass
class Timeline:
    """What happened, in rows: the program, and the handlers of each level. Times count from the first record."""

    rows: Mapping[int, str]
    spans: list[Span] = field(default_factory=list)
    instants: list[Instant] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    end: int = 0

    @classmethod
    def of(
        cls,
        records: Sequence[Record],
        sources: Sequence[SourceInfo],
        function_name: Callable[[int], str] = "function {}".format,
    ) -> Timeline:
        """Spans that are still open at the end, end there; what ends without a beginning (it began before the first
        record, or its record was lost) is left out. `function_name` names the functions of the program's own instance,
        which is the first that is called."""
        names = {source.number: source.name for source in sources}
        levels = {source.number: source.priority for source in sources}
        begin = records[0].time_us if records else 0
        used = sorted({levels.get(one.subject, 0) for one in records if one.event == "enter"})
        timeline = cls({MAIN: "program", **{level + 1: f"handlers, level {level}" for level in used}})
        stack: list[_Open] = []
        own = next((one.subject >> 16 for one in records if one.event == "call"), 0)

        def close(upto: int, now: int) -> None:
            while len(stack) > upto:
                one = stack.pop()
                timeline.spans.append(Span(one.row, one.name, one.start, now, one.source, one.depth))

        def close_last(now: int, which: Callable[[_Open], bool]) -> None:
            at = max((i for i, one in enumerate(stack) if which(one)), default=None)
            if at is not None:
                close(at, now)

        def leave_functions(depth: int, now: int) -> None:
            """Those of the computation that runs, as deep as this or deeper: an exception or a tail call left them
            without a word, or the word was lost."""
            while stack and stack[-1].depth >= depth:
                close(len(stack) - 1, now)

        for one in records:
            now, name = one.time_us - begin, names.get(one.subject, f"source {one.subject}")
            timeline.end = max(timeline.end, now)
            row = stack[-1].row if stack else MAIN
            match one.event:
                case "run":
                    close(0, now)
                    stack.append(_Open("run", MAIN, now))
                case "end":
                    close(0, now)
                case "wait":
                    stack.append(_Open("wait", row, now))
                case "woke":
                    close_last(now, lambda one: one.name == "wait" and one.depth == 0)
                case "enter":
                    stack.append(_Open(name, levels.get(one.subject, 0) + 1, now, one.subject))
                case "leave":
                    close_last(now, partial(_is_of, one.subject))
                case "call":
                    leave_functions(one.detail, now)
                    function, instance = one.subject & 0xFFFF, one.subject >> 16
                    called = function_name(function)
                    if instance != own:
                        called = f"function {function} of instance {instance}"
                    stack.append(_Open(called, row, now, depth=one.detail))
                case "return":
                    leave_functions(one.detail, now)
                case "memory":
                    timeline.samples.append(Sample(f"memory {one.detail}", now, one.subject))
                case _:
                    timeline.instants.append(Instant(f"{one.event} {name}", now, one.subject))
        close(0, timeline.end)
        timeline.spans.sort(key=lambda span: (span.start, -span.end))
        return timeline

    def trace_events(self, process: str) -> dict[str, Any]:
        """The JSON object; `process` names the board."""
        events: list[dict[str, Any]] = [_meta("process_name", 0, process)]
        events += [_meta("thread_name", row, name) for row, name in self.rows.items()]
        events += [_meta("thread_sort_index", row, row) for row in self.rows]
        for span in self.spans:
            duration = span.end - span.start
            events.append({"ph": "X", "pid": 1, "tid": span.row, "ts": span.start, "dur": duration, "name": span.name})
        for instant in self.instants:
            events.append({"ph": "i", "s": "p", "pid": 1, "tid": MAIN, "ts": instant.time, "name": instant.name})
        for sample in self.samples:
            values = {"bytes": sample.size}
            events.append({"ph": "C", "pid": 1, "tid": MAIN, "ts": sample.time, "name": sample.name, "args": values})
        return {"traceEvents": events, "displayTimeUnit": "ns"}


def _meta(kind: str, row: int, value: object) -> dict[str, Any]:
    argument = "sort_index" if kind == "thread_sort_index" else "name"
    return {"ph": "M", "pid": 1, "tid": row, "name": kind, "args": {argument: value}}
