"""Times and sources as options take them, and tables."""

from __future__ import annotations

import click
import pytest

from firmware_host.cli.tables import table
from firmware_host.cli.times import RaiseType, parse_time


@pytest.mark.parametrize(
    ("text", "microseconds"), [("500us", 500), ("10ms", 10_000), ("2s", 2_000_000), ("1.5ms", 1500), ("0us", 0)]
)
def test_a_time_has_a_number_and_a_unit(text: str, microseconds: int) -> None:
    assert parse_time(text) == microseconds


@pytest.mark.parametrize("text", ["10", "ms", "-1ms", "10 m", "1h", "", "5000s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|too long"):
        parse_time(text)


def test_a_raise_is_a_source_and_perhaps_a_time() -> None:
    assert RaiseType().convert("timer@10ms", None, None) == ("timer", 10_000)
    assert RaiseType().convert("3", None, None) == ("3", 0)
    for wrong in ("@10ms", "timer@", "timer@soon"):
        with pytest.raises(click.BadParameter):
            RaiseType().convert(wrong, None, None)


def test_a_table_is_as_wide_as_it_needs_to_be_and_has_no_trailing_blanks() -> None:
    assert table(("N", "NAME"), [("1", "a"), ("10", "long name")], right=(0,)) == " N  NAME\n 1  a\n10  long name"
