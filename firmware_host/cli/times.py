"""Times as people type them: 500us, 10ms, 2s."""

from __future__ import annotations

import re

import click

_TIME = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s)")
_MICROSECONDS = {"us": 1, "µs": 1, "ms": 1000, "s": 1_000_000}
_LONGEST = 0xFFFFFFFF


def parse_time(text: str) -> int:
    """Microseconds. Raises ValueError saying what is wrong."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time: write a number and us, ms or s, such as 10ms")
    microseconds = round(float(match[1]) * _MICROSECONDS[match[2]])
    if microseconds > _LONGEST:
        raise ValueError(f"{text} is too long: at most {_LONGEST // 1_000_000} s")
    return microseconds


class TimeType(click.ParamType[int]):
    """An option's time; the command gets microseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_time(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class RaiseType(click.ParamType[tuple[str, int]]):
    """SOURCE or SOURCE@TIME; the command gets the source and microseconds after the app's start."""

    name = "source[@time]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        source, at, time = str(value).partition("@")
        if not source:
            self.fail(f"{value!r} names no source", param, ctx)
        try:
            return source, parse_time(time) if at else 0
        except ValueError as error:
            self.fail(str(error), param, ctx)
