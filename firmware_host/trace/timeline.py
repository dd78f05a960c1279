"""Spans and instants made of records, and the trace-event format that Perfetto and Chrome's tracing page read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    end: int = 0

    @classmethod
    def of(cls, records: Sequence[Record], sources: Sequence[SourceInfo]) -> Timeline:
        """Spans that are still open at the end, end there; what ends without a beginning (it began before the first
        record, or its record was lost) is left out."""
        names = {source.number: source.name for source in sources}
        levels = {source.number: source.priority for source in sources}
        begin = records[0].time_us if records else 0
        used = sorted({levels.get(one.source, 0) for one in records if one.event == "enter"})
        timeline = cls({MAIN: "program", **{level + 1: f"handlers, level {level}" for level in used}})
        stack: list[tuple[str, int, int, int | None]] = []  # open spans: name, row, start, source

        def close(upto: int, now: int) -> None:
            while len(stack) > upto:
                name, row, start, source = stack.pop()
                timeline.spans.append(Span(row, name, start, now, source))

        for one in records:
            now, name = one.time_us - begin, names.get(one.source, f"source {one.source}")
            timeline.end = max(timeline.end, now)
            match one.event:
                case "run":
                    close(0, now)
                    stack.append(("run", MAIN, now, None))
                case "end":
                    close(0, now)
                case "wait":
                    stack.append(("wait", stack[-1][1] if stack else MAIN, now, None))
                case "woke":
                    at = max((i for i, span in enumerate(stack) if span[0] == "wait"), default=None)
                    if at is not None:
                        close(at, now)
                case "enter":
                    stack.append((name, levels.get(one.source, 0) + 1, now, one.source))
                case "leave":
                    at = max((i for i, span in enumerate(stack) if span[3] == one.source), default=None)
                    if at is not None:
                        close(at, now)
                case _:
                    timeline.instants.append(Instant(f"{one.event} {name}", now, one.source))
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
        return {"traceEvents": events, "displayTimeUnit": "ns"}


def _meta(kind: str, row: int, value: object) -> dict[str, Any]:
    argument = "sort_index" if kind == "thread_sort_index" else "name"
    return {"ph": "M", "pid": 1, "tid": row, "name": kind, "args": {argument: value}}
