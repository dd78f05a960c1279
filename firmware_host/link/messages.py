"""Payloads and headers of the link: `construct` structures built from the rows of `firmware_host.link.table`.

What comes out of here are plain values: dicts of ints, bytes and text by field name. `construct` stays inside.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import construct

from firmware_host.errors import LinkError
from firmware_host.link import table
from firmware_host.link.table import Command, Event, Fields

KIND_NAMES = {number: name for name, number in table.KINDS.items()}
CHANNEL_NAMES = {number: name for name, number in table.CHANNELS.items()}
COMMANDS = {f"{command.channel}.{command.name}": command for command in table.COMMANDS}
EVENTS = {(table.CHANNELS[event.channel], event.number): event for event in table.EVENTS}

_TYPES: dict[str, Any] = {
    "u8": construct.Int8ul,
    "u16": construct.Int16ul,
    "u32": construct.Int32ul,
    "u64": construct.Int64ul,
    "text": construct.GreedyBytes,
    "bytes": construct.GreedyBytes,
}

Values = dict[str, Any]


def _type(name: str) -> Any:
    kind, _, length = name.partition(":")
    return construct.Bytes(int(length)) if length else _TYPES[kind]


@cache
def structure(fields: Fields) -> Any:
    """The `construct` structure of a row of fields."""
    return construct.Struct(*(name / _type(kind) for name, kind in fields))


@cache
def _texts(fields: Fields) -> tuple[str, ...]:
    return tuple(name for name, kind in fields if kind == "text")


def build(fields: Fields, values: Values) -> bytes:
    """Bytes of the fields. Raises ValueError naming a field that is missing or does not fit its type."""
    encoded = dict(values)
    for name in _texts(fields):
        if isinstance(encoded.get(name), str):
            encoded[name] = encoded[name].encode()
    unknown = encoded.keys() - {name for name, _ in fields}
    if unknown:
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    try:
        return bytes(structure(fields).build(encoded))
    except (construct.ConstructError, KeyError, TypeError) as error:
        raise ValueError(f"cannot build {values!r}: {error}") from error


def parse(fields: Fields, data: bytes) -> Values:
    """Values of the fields. Bytes after the last field are ignored: newer minors may have appended some."""
    try:
        parsed = structure(fields).parse(data)
    except construct.ConstructError as error:
        raise LinkError(f"the board sent {len(data)} bytes where {_shape(fields)} was due") from error
    values: Values = {name: parsed[name] for name, _ in fields}
    for name in _texts(fields):
        values[name] = values[name].decode("utf-8", "replace")
    return values


def parse_each(fields: Fields, data: bytes) -> list[Values]:
    """Values of rows of fields of a fixed size, one after another. Bytes that make no whole row are ignored."""
    size = _fixed_size(fields)
    return [parse(fields, data[at : at + size]) for at in range(0, len(data) - size + 1, size)]


def _shape(fields: Fields) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in fields) or "nothing"


@dataclass(frozen=True)
class Frame:
    """One frame without its delimiters, COBS and CRC."""

    kind: int
    channel: int = 0
    sequence: int = 0
    acknowledge: int = 0
    request_id: int = 0
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        header = {name: getattr(self, name) for name, _ in table.HEADER}
        return build(table.HEADER, header) + self.payload

    @property
    def sequenced(self) -> bool:
        return KIND_NAMES.get(self.kind) in table.SEQUENCED

    def acknowledging(self, acknowledge: int) -> Frame:
        return replace(self, acknowledge=acknowledge)


HEADER_SIZE: int = structure(table.HEADER).sizeof()


def parse_frame(data: bytes) -> Frame:
    """Header and payload. Raises LinkError if there are fewer bytes than a header has."""
    return Frame(**parse(table.HEADER, data[:HEADER_SIZE]), payload=data[HEADER_SIZE:])


@dataclass(frozen=True)
class Response:
    """What a request was answered: `values` are those of the command's response if `status` is 0, else of FAILURE."""

    command: Command
    status: int
    values: Values


def request_payload(command: Command, values: Values) -> bytes:
    return bytes([command.number]) + build(command.request, values)


def parse_response(command: Command, payload: bytes) -> Response:
    if not payload:
        raise LinkError(f"the board answered {command.channel}.{command.name} without a status")
    status = payload[0]
    if status == 0:
        return Response(command, 0, parse(command.response, payload[1:]))
    # A small firmware may answer the status alone: what is missing reads as 0.
    return Response(command, status, parse(table.FAILURE, payload[1:].ljust(_fixed_size(table.FAILURE), b"\0")))


def parse_event(channel: int, payload: bytes) -> tuple[Event, Values] | None:
    """An event and its values; None for one that this tool does not know."""
    event = EVENTS.get((channel, payload[0])) if payload else None
    return None if event is None else (event, parse(event.fields, payload[1:]))


@cache
def _fixed_size(fields: Fields) -> int:
    return sum(_type(kind).sizeof() for _, kind in fields if kind not in ("text", "bytes"))


def pack_cells(cells: Sequence[int]) -> bytes:
    """32-bit cells as they travel: little-endian."""
    return struct.pack(f"<{len(cells)}I", *(cell & 0xFFFFFFFF for cell in cells))


def unpack_cells(data: bytes) -> list[int]:
    if len(data) % 4:
        raise LinkError(f"the board sent {len(data)} bytes of cells, which is not a multiple of 4")
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def call_values(name: str, cells: Sequence[int]) -> Values:
    """The fields of commands that call an export by name."""
    encoded = name.encode()
    if len(encoded) > 0xFF:
        raise ValueError(f"the export's name has {len(encoded)} bytes; the link takes 255")
    return {"name_length": len(encoded), "name_and_cells": encoded + pack_cells(cells)}
