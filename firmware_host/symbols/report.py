"""Trap reports: what a board told when a guest trapped, as it is kept in a file and read again later."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from firmware_host.errors import BadModule

#: Changes when older readers would misread a report.
FORMAT = 1

#: What reports of earlier versions lack.
_OPTIONAL = {"app_file", "made_in", "thrown", "instance", "linked", "operands"}

#: Where reports come from, for those who give something else.
_WRITTEN_BY = "wirq run and wirq call write them when a guest traps; wirq crash without FILE shows the newest"

#: Characters of a build id that people are shown.
SHOWN = 6


def build_of(stripped: bytes) -> str:
    """The build id of a module: the SHA-256 of what goes to a board, in hexadecimal. People see its first digits."""
    return hashlib.sha256(stripped).hexdigest()


@dataclass(frozen=True)
class Place:
    """One level of the stack, the trap itself first. `offset` counts in the lowered code of function `function` of the
    module of `instance`; of a host function nothing more is known. `interrupted`: an interrupt came here."""

    function: int | None
    offset: int
    instance: int | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Thrown:
    """An exception that nobody caught: its tag's index in the instance `instance`, None for another module's; the
    32-bit cells of its values, perhaps cut off where they fitted no frame."""

    tag: int
    instance: int | None
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Operands:
    """What the operation that trapped had before it: the accumulator, and the first `count` cells of its frame, of
    which `cells` lacks the end where all are as the last one here; and the bytes that the first memory of its instance
    has, 0 if there is none."""

    accumulator: int
    memory_size: int
    cells: tuple[int, ...]
    count: int

    @classmethod
    def of(cls, accumulator: int, memory_size: int, cells: Sequence[int]) -> Self:
        kept = len(cells)
        while kept > 1 and cells[kept - 1] == cells[kept - 2]:
            kept -= 1
        return cls(accumulator, memory_size, tuple(cells[:kept]), len(cells))

    def cell(self, number: int) -> int | None:
        """One cell; None if the board was not asked for it."""
        return self.cells[min(number, len(self.cells) - 1)] if number < self.count else None


@dataclass(frozen=True)
class Linked:
    """Another module that a report speaks of: its instance, its build id or the beginning of it, and its file's name,
    "" if that is not known."""

    instance: int
    build: str
    app: str


@dataclass(frozen=True)
class Report:
    """One trap. `build` is the module's build id, `lowered_code_bytes` what the board's loader made of all of it;
    `source` is the interrupt source whose handler it was."""

    time: str
    board: str
    firmware_build: str
    operations: int
    app: str
    build: str
    lowered_code_bytes: int
    status: str
    text: str
    stopped: bool
    depth: int
    source: int | None
    source_name: str | None
    places: tuple[Place, ...]
    app_file: str = ""  # where the app lay on this computer
    made_in: str = ""  # the working directory of the command that ran it
    thrown: Thrown | None = None
    instance: int | None = None  # of the module `app`
    linked: tuple[Linked, ...] = ()
    operands: Operands | None = None  # of an access to memory

    @property
    def when(self) -> str:
        """Its time as this computer's clock has it, without fractions of seconds."""
        return datetime.datetime.fromisoformat(self.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self), "places": [asdict(place) for place in self.places]}

    @classmethod
    def from_json(cls, values: Any, name: str = "the report") -> Self:
        """Raises BadModule naming what is wrong with it."""
        if not isinstance(values, Mapping) or values.get("format") != FORMAT:
            raise BadModule(f"{name} is no trap report of format {FORMAT}", hint=_WRITTEN_BY)
        known = {one.name for one in fields(cls)}
        missing = known - values.keys() - _OPTIONAL
        if missing:
            raise BadModule(f"{name} lacks {', '.join(sorted(missing))}", hint=_WRITTEN_BY)
        try:
            places = tuple(Place(**place) for place in values["places"])
            thrown = values.get("thrown")
            if thrown is not None:
                thrown = Thrown(**{**thrown, "cells": tuple(thrown["cells"])})
            linked = tuple(Linked(**one) for one in values.get("linked", ()))
            operands = values.get("operands")
            if operands is not None:
                operands = Operands(**{**operands, "cells": tuple(operands["cells"])})
        except TypeError as error:
            raise BadModule(f"{name} has a stack that cannot be read: {error}", hint=_WRITTEN_BY) from error
        rest = {key: values[key] for key in known - {"places", "thrown", "linked", "operands"} if key in values}
        rest.setdefault("instance", places[0].instance if places else None)
        return cls(**rest, places=places, thrown=thrown, linked=linked, operands=operands)

    def save(self, directory: Path, keep: int = 20) -> Path:
        """Writes it to a file named by its time; the oldest beyond `keep` are removed."""
        directory.mkdir(parents=True, exist_ok=True)
        stem = datetime.datetime.fromisoformat(self.time).strftime("crash-%Y%m%d-%H%M%S")
        path = directory / f"{stem}.json"
        number = 1
        while path.exists():
            number += 1
            path = directory / f"{stem}-{number}.json"
        path.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        for old in sorted(directory.glob("crash-*.json"), key=lambda one: one.stat().st_mtime_ns)[:-keep]:
            old.unlink(missing_ok=True)
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises BadModule if the file cannot be read or is no report."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")), path.name)
        except OSError as error:
            hint = f"{_WRITTEN_BY}; they are kept in {shown_path(directory())}"
            raise BadModule(f"cannot read {path}: {error.strerror}", hint=hint) from error
        except ValueError as error:
            raise BadModule(f"{path.name} is no trap report, for it is not JSON", hint=_WRITTEN_BY) from error


def directory() -> Path:
    """Where reports are kept when nothing else is said."""
    import platformdirs

    return Path(platformdirs.user_state_dir("wirq")) / "crashes"


def here() -> str:
    """The working directory, as reports keep it; "" if it is gone."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def newest(made_in: str = "") -> Path | None:
    """The report that was written last: of a command in the directory `made_in`, if there is one of those."""
    newest_first = sorted(directory().glob("crash-*.json"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
    if made_in:
        for path in newest_first:
            with contextlib.suppress(BadModule):
                if Report.load(path).made_in == made_in:
                    return path
    return next(iter(newest_first), None)


def shown_path(path: Path) -> str:
    """A path as people are shown it: with ~ for the home directory."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):  # elsewhere, or there is no home directory
        return str(path)
