"""The custom section `wirq.cfg`: what a module's interrupt handlers may do and how they are treated.

Engines other than wirq skip it, so a module that carries one stays valid everywhere. It is pairs of a key (one byte)
and a value (unsigned LEB128); the key SOURCE begins the settings of one source. The keys are those of `enum setting` in
vm/src/store.h, in order; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from firmware_host.wasm.encode import name as encode_name
from firmware_host.wasm.encode import unsigned
from firmware_host.wasm.reader import Reader, malformed
from firmware_host.wasm.sections import SETTINGS as SECTION
from firmware_host.wasm.sections import split
from firmware_host.wasm.types import SectionId

CLASSES = ("polled", "quiescent", "forced")
POLICIES = ("fatal", "contain", "host")
#: Bits of `forbidden`: the last one stands for all further imports.
IMPORT_BITS = 32


@dataclass(frozen=True)
class HandlerSettings:
    """Settings of one source's handler, in the order of their keys. 0 is the default of each.

    `class_` and `priority` are one more than the number they mean, so that 0 is "as declared".
    """

    source: int
    class_: int = 0
    priority: int = 0
    policy: int = 0
    fuel: int = 0
    deadline_us: int = 0
    interval_us: int = 0
    latency_us: int = 0
    stack_bytes: int = 0
    shadow_stack: int = 0
    section: int = 0
    forbidden: int = 0
    ring: int = 0


KEYS = tuple(field.name for field in fields(HandlerSettings))


def read_settings(data: bytes) -> list[HandlerSettings]:
    """What the module's wirq.cfg sections say. Raises BadModule if one is malformed."""
    found: list[dict[str, int]] = []
    for section in split(data):
        if section.id != SectionId.CUSTOM or section.name != SECTION:
            continue
        reader = Reader(data, section.body, section.end)
        reader.name()
        while reader:
            at = reader.position
            key, value = reader.byte(), reader.unsigned()
            if key == 0:
                found.append({})
            if key >= len(KEYS) or not found:
                raise malformed(f"its section {SECTION} has the key {key} where none such may be", at)
            found[-1][KEYS[key]] = value
    return [HandlerSettings(**values) for values in found]


def write_settings(data: bytes, settings: Iterable[HandlerSettings]) -> bytes:
    """The module with these settings and no others: its last section. Nothing else is touched."""
    body = b"".join(_encoded(one) for one in settings)
    kept = bytearray(data[:8])
    for section in split(data):
        if section.id != SectionId.CUSTOM or section.name != SECTION:
            kept += data[section.start : section.end]
    if body:
        named = encode_name(SECTION) + body
        kept += bytes([SectionId.CUSTOM]) + unsigned(len(named)) + named
    return bytes(kept)


def _encoded(settings: HandlerSettings) -> bytes:
    pairs = [(key, getattr(settings, name)) for key, name in enumerate(KEYS)]
    return b"".join(bytes([key]) + unsigned(value) for key, value in pairs if value or key == 0)
