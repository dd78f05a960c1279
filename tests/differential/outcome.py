"""What became of a program: the same form for every engine, so that two of them can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Of instantiation, of every call, and what was left in the end."""

    refused: str = ""  # the module was not loaded, or not instantiated: why
    refusal: str = ""  # the status of that on wirq, where it was no trap
    calls: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)  # "done" and cells, or a trap's name
    log: list[int] = field(default_factory=list)
    memories: list[tuple[int, int]] = field(default_factory=list)  # size and CRC-32


def difference(expected: Outcome, found: Outcome) -> str:
    """The first thing that differs, or nothing."""
    if expected.refused != found.refused:
        return f"instantiation: expected {expected.refused or 'done'}, found {found.refused or 'done'}"
    for i, (wanted, got) in enumerate(zip(expected.calls, found.calls, strict=True)):
        if wanted != got:
            return f"call {i}: expected {wanted}, found {got}"
    if expected.log != found.log:
        at = next((i for i, pair in enumerate(zip(expected.log, found.log, strict=False)) if pair[0] != pair[1]), -1)
        return f"log of {len(expected.log)} and {len(found.log)} words differs at {at}"
    if expected.memories != found.memories:
        return f"memories: expected {expected.memories}, found {found.memories}"
    return ""
