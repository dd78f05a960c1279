"""What a board tells about itself, in frozen dataclasses. Times are microseconds, sizes bytes unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from firmware_host import status
from firmware_host.link import messages, table

_STORE_NAMES = {number: name for name, number in table.STORES.items()}
_POLICY_NAMES = {number: name for name, number in table.IRQ_POLICIES.items()}
_CLASS_NAMES = ("polled", "quiescent", "forced")


@dataclass(frozen=True)
class BoardInfo:
    """What the board said in its hello."""

    name: str
    vm_version: str
    protocol: tuple[int, int]
    session: int
    max_frame: int
    window: int
    features: frozenset[str]
    build_id: str
    unique_id: str
    operations: int
    store_kind: str
    store_size: int
    code_kind: str
    arena_size: int

    @classmethod
    def from_welcome(cls, values: Mapping[str, Any]) -> Self:
        name, _, rest = str(values["names"]).partition("\0")
        return cls(
            name=name,
            vm_version=rest.partition("\0")[0],
            protocol=(values["major"], values["minor"]),
            session=values["session"],
            max_frame=values["max_frame"],
            window=values["window"],
            features=status.feature_names(values["features"]),
            build_id=values["build_id"].hex(),
            unique_id=values["unique_id"].hex(),
            operations=values["operations"],
            store_kind=_STORE_NAMES.get(values["store_kind"], f"store {values['store_kind']}"),
            store_size=values["store_size"],
            code_kind=_STORE_NAMES.get(values["code_kind"], f"store {values['code_kind']}"),
            arena_size=values["arena_size"],
        )


@dataclass(frozen=True)
class MemoryInfo:
    """Where the board's RAM went."""

    arena_size: int
    arena_used: int
    arena_peak: int
    arena_largest_free: int
    vm_bytes: int
    handler_table_bytes: int
    stack_peak_cells: int
    c_stack_peak: int
    static_bytes: int
    ram_size: int
    ram_free: int
    arena_refused: int


@dataclass(frozen=True)
class SourceInfo:
    """One interrupt source. `vector` is its hardware number, `handler` the function index of what is attached, and
    `handler_name` its name, where it was asked for and is known (`Board.irq_named`); `priority` the level that its
    handler runs at, `policy` what becomes of a handler that traps."""

    number: int
    name: str
    class_name: str
    attached: bool
    enabled: bool
    pending: bool
    active: bool
    priority: int
    policy: str
    vector: int | None
    handler: int | None
    raised: int
    delivered: int
    missed: int
    faults: int
    worst_us: int
    handler_name: str | None = None

    @property
    def handler_text(self) -> str:
        """Such as "on_timer"; "#12" if its name is not known, "-" if there is none."""
        return "-" if self.handler is None else self.handler_name or f"#{self.handler}"

    @classmethod
    def from_values(cls, number: int, values: Mapping[str, Any]) -> Self:
        flags = {name: bool(values["flags"] & bit) for name, bit in table.IRQ_FLAGS.items()}
        kind = values["class"]
        return cls(
            number=number,
            name=values["name"],
            class_name=_CLASS_NAMES[kind] if kind < len(_CLASS_NAMES) else f"class {kind}",
            attached=flags["attached"],
            enabled=flags["enabled"],
            pending=flags["pending"],
            active=flags["active"],
            priority=values["priority"],
            policy=_POLICY_NAMES.get(values["policy"], f"policy {values['policy']}"),
            vector=None if values["vector"] == table.NONE["u16"] else values["vector"],
            handler=None if values["function"] == table.NONE["u32"] else values["function"],
            raised=values["raised"],
            delivered=values["delivered"],
            missed=values["missed"],
            faults=values["faults"],
            worst_us=values["worst_us"],
        )


@dataclass(frozen=True)
class Digest:
    """CRC-32 of linear memory, of globals and of table elements: what an interruption must leave as it was."""

    memory_size: int
    memory: int
    globals: int
    tables: int


@dataclass(frozen=True)
class BenchResult:
    """Figures of one benchmark call, and its result cells. The C stack's is what the VM used of it."""

    wasm_code_bytes: int
    lowered_code_bytes: int
    arena_peak_bytes: int
    wasm_stack_peak_cells: int
    c_stack_peak_bytes: int
    cells: tuple[int, ...]

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "cells": tuple(messages.unpack_cells(values["cells"]))})


@dataclass(frozen=True)
class Trap:
    """Why and where a guest stopped. `offset` counts in the lowered code of the function; `source` is the interrupt
    source whose handler it was, None in the main program."""

    code: int
    text: str
    function: int
    offset: int
    depth: int
    source: int | None

    @property
    def stopped(self) -> bool:
        """It was stopped from outside, not by a fault of its own."""
        return self.code == status.code("TRAP_STOPPED")


def trap_of(code: int, values: Mapping[str, Any]) -> Trap:
    """From the fields of a failure (detail is the depth) or of the event `exit`."""
    source = values.get("source", table.NONE["u32"])
    return Trap(
        code=code,
        text=status.status(code).text,
        function=values["function"],
        offset=values["offset"],
        depth=values.get("depth", values.get("detail", 0)),
        source=None if source == table.NONE["u32"] else source,
    )
