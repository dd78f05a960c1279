"""Payloads: built from the one table, parsed back, refused when they make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from firmware_host.errors import LinkError
from firmware_host.link import messages, table

_SAMPLES: dict[str, Any] = {"u8": 0xFE, "u16": 0xFEDC, "u32": 0xFEDCBA98, "u64": 0xFEDCBA9876543210, "text": "naïve"}


def sample(kind: str) -> Any:
    name, _, length = kind.partition(":")
    if name == "bytes":
        return bytes(range(int(length or 5)))
    return _SAMPLES[name]


ROWS = {
    "hello": table.HELLO,
    "welcome": table.WELCOME,
    "failure": table.FAILURE,
    **{f"{c.channel}.{c.name} request": c.request for c in table.COMMANDS},
    **{f"{c.channel}.{c.name} response": c.response for c in table.COMMANDS},
    **{f"{e.channel}.{e.name} event": e.fields for e in table.EVENTS},
}


@pytest.mark.parametrize("row", ROWS)
def test_fields_are_read_back_as_they_were_built(row: str) -> None:
    values = {name: sample(kind) for name, kind in ROWS[row]}
    assert messages.parse(ROWS[row], messages.build(ROWS[row], values)) == values


@pytest.mark.parametrize("row", ROWS)
def test_only_the_last_field_may_be_of_any_length(row: str) -> None:
    assert all(kind not in ("text", "bytes") for _, kind in ROWS[row][:-1])


def test_fields_are_little_endian_and_packed() -> None:
    command = messages.COMMANDS["irq.raise"]
    payload = messages.request_payload(command, {"source": 3, "count": 1, "after_us": 10000, "every_us": 0})
    assert payload.hex(" ") == "02 03 01 00 00 00 10 27 00 00 00 00 00 00"


def test_numbers_of_commands_events_and_channels_are_unique() -> None:
    commands = [(c.channel, c.number) for c in table.COMMANDS]
    events = [(e.channel, e.number) for e in table.EVENTS]
    assert len(set(commands)) == len(commands)
    assert len(set(events)) == len(events)
    assert {c.channel for c in table.COMMANDS} | {e.channel for e in table.EVENTS} <= table.CHANNELS.keys()
    assert len(set(table.CHANNELS.values())) == len(table.CHANNELS)


@pytest.mark.parametrize(
    "values",
    [{"source": 1}, {"source": 256, "count": 1, "after_us": 0, "every_us": 0}, {"source": "uart", "count": 1}],
    ids=["a field is missing", "a number is too large", "a number is text"],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        messages.build(messages.COMMANDS["irq.raise"].request, values)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="speed"):
        messages.build(table.HELLO, {"nonce": 1, "major": 1, "minor": 0, "speed": 3})


def test_a_short_response_is_a_link_error_that_says_what_was_due() -> None:
    with pytest.raises(LinkError, match="instance"):
        messages.parse_response(messages.COMMANDS["app.instantiate"], b"\x00\x01")
    with pytest.raises(LinkError, match="status"):
        messages.parse_response(messages.COMMANDS["app.drop"], b"")


def test_fields_that_a_newer_minor_appends_are_ignored() -> None:
    response = messages.parse_response(messages.COMMANDS["files.write"], b"\x00\x10\x00\x00\x00more")
    assert response.values == {"next": 16}


def test_a_failure_may_be_the_status_alone() -> None:
    response = messages.parse_response(messages.COMMANDS["app.drop"], b"\x80")
    assert response.status == 0x80
    assert response.values == {"offset": 0, "function": 0, "detail": 0, "text": ""}


def test_an_unknown_event_is_passed_over() -> None:
    assert messages.parse_event(table.CHANNELS["trace"], b"\x01\x02") is None
    assert messages.parse_event(table.CHANNELS["app"], b"") is None


def test_cells_travel_as_32_bit_words() -> None:
    assert messages.pack_cells([1, -1]) == b"\x01\x00\x00\x00\xff\xff\xff\xff"
    assert messages.unpack_cells(b"\x01\x00\x00\x00\xff\xff\xff\xff") == [1, 0xFFFFFFFF]
    with pytest.raises(LinkError):
        messages.unpack_cells(b"\x01\x00")
