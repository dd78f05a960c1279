"""The latency bound of an interrupt source, as a board computes it from the modules that are loaded (R67, R68)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from firmware_host.link.table import NONE


@dataclass(frozen=True)
class LatencyBound:
    """How long an interrupt waits for the first operation of its handler, at most, and what that is the sum of. All but
    `gap`, which is in operations of the VM, and the two times in microseconds are in `unit`.

    `total` is None if there is no bound, for the handler of the source `unlimited` comes first and has no budget. `us`
    is None if the board promises no time."""

    source: int
    raise_: int
    wait: int
    deliver: int
    handlers: int
    section: int
    total: int | None
    gap: int
    us: int | None
    demanded_us: int | None
    unlimited: int | None
    unit: str

    @classmethod
    def from_values(cls, source: int, values: Mapping[str, Any], unit: str) -> Self:
        def known(key: str) -> int | None:
            return None if values[key] == NONE["u32"] else int(values[key])

        return cls(
            source=source,
            raise_=values["raise_"],
            wait=values["wait"],
            deliver=values["deliver"],
            handlers=values["handlers"],
            section=values["section"],
            total=known("total"),
            gap=values["gap"],
            us=known("us"),
            demanded_us=values["demanded_us"] or None,
            unlimited=known("unlimited"),
            unit=unit,
        )
