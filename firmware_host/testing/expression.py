"""What -k selects: words, and, or, not and brackets, as pytest has it, for the names of Robot's tests."""

from __future__ import annotations

import re

import click

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


def matches(expression: str, name: str) -> bool:
    """Does a test's name fulfil it? A word is found anywhere in the name, whatever its case; `_` also finds a space.
    Raises click.UsageError if it is no expression."""
    tokens = _TOKEN.findall(expression)
    name = name.lower().replace(" ", "_")

    def wrong() -> click.UsageError:
        return click.UsageError(f"-k {expression!r} is no expression of words, and, or, not and brackets")

    def take(expected: str) -> bool:
        if tokens and tokens[0] == expected:
            tokens.pop(0)
            return True
        return False

    def either() -> bool:
        value = both()
        while take("or"):
            value = both() or value
        return value

    def both() -> bool:
        value = negated()
        while take("and"):
            value = negated() and value
        return value

    def negated() -> bool:
        wanted = True
        while take("not"):
            wanted = not wanted
        if take("("):
            value = either()
            if not take(")"):
                raise wrong()
            return value is wanted
        if not tokens or tokens[0] in ("and", "or", ")"):
            raise wrong()
        return (tokens.pop(0).lower() in name) is wanted

    value = either()
    if tokens:
        raise wrong()
    return value
