"""What suites run on: a file says how a target is reached and what it offers, or a selector names any board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firmware_host import resources
from firmware_host.errors import BoardAmbiguous, BoardNotFound

#: Tags that say what a test needs. A test runs where all of its own are offered.
NEEDS = ("irq", "needs-link", "needs-led", "needs-gpio-loop", "virtual-time", "hw-only", "slow")

#: Stands for every target but real boards.
ALL = "all"

#: Begins the names of targets that are real boards.
_HARDWARE = "hw-"

#: What a board offers that no file describes: it is reached by the link.
_ANY_BOARD = frozenset({"irq", "needs-link"})

#: How much longer everything may take on it than on this computer.
_ANY_BOARDS_FACTOR = 4.0

_KEYS = {"TARGET", "BOARD", "ENGINE", "SELECTOR", "NEEDS_PROGRAMS", "TIMEOUT_FACTOR", "OFFERS"}
_ENGINES = ("link", "renode-test")


@dataclass(frozen=True)
class Target:
    """One target. `engine` is "link", through the host package's API, or "renode-test", by Renode's own keywords;
    `timeout_factor` lengthens every time of a suite."""

    name: str
    board: str
    engine: str
    offers: frozenset[str]
    selector: str = ""
    needs_programs: tuple[str, ...] = ()
    timeout_factor: float = 1.0

    @classmethod
    def read(cls, file: Path) -> Target:
        """From a file. Raises BoardNotFound if there is none, or telling what is wrong with it."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise BoardNotFound(f"cannot read the target {file}: {error.strerror}") from error
        except ValueError as error:
            raise BoardNotFound(f"{file.name} is not JSON: {error}") from error
        problem = _problem(values, file.stem)
        if problem:
            raise BoardNotFound(f"{file.name}: {problem}", hint="robot_tests/README.md tells what stands in one")
        return cls(
            name=file.stem,
            board=values["BOARD"],
            engine=values["ENGINE"],
            offers=frozenset(values["OFFERS"]),
            selector=values.get("SELECTOR", ""),
            needs_programs=tuple(values.get("NEEDS_PROGRAMS", ())),
            timeout_factor=values.get("TIMEOUT_FACTOR", 1),
        )

    @property
    def hardware(self) -> bool:
        """Is it a real board?"""
        return "hw-only" in self.offers

    @property
    def excluded(self) -> list[str]:
        """Tags of tests that cannot run here."""
        return [tag for tag in NEEDS if tag not in self.offers]

    @property
    def missing_programs(self) -> list[str]:
        return [program for program in self.needs_programs if shutil.which(program) is None]


def _problem(values: Any, stem: str) -> str:
    if not isinstance(values, Mapping):
        return "is not an object"
    lacking = {"TARGET", "BOARD", "ENGINE", "OFFERS"} - values.keys()
    if lacking:
        return f"lacks {', '.join(sorted(lacking))}"
    unknown = values.keys() - _KEYS
    if unknown:
        return f"has {', '.join(sorted(unknown))}; known: {', '.join(sorted(_KEYS))}"
    if values["TARGET"] != stem:
        return f"TARGET is {values['TARGET']!r}"
    if values["ENGINE"] not in _ENGINES:
        return f"ENGINE is {values['ENGINE']!r}; known: {', '.join(_ENGINES)}"
    foreign = set(values["OFFERS"]) - set(NEEDS)
    if foreign:
        return f"OFFERS has {', '.join(sorted(foreign))}; known: {', '.join(NEEDS)}"
    return ""


def known() -> list[Target]:
    """The targets that come with wirq, by name."""
    return [Target.read(file) for file in sorted(resources.path("robot_tests", "targets").glob("*.json"))]


def find(names: Sequence[str]) -> list[Target]:
    """The targets that are meant: names of files that come with wirq, files of one's own, board selectors, or `all`.
    Nothing is opened yet: see `reached`. Raises BoardNotFound."""
    there = known()
    found: dict[str, Target] = {}
    for name in names:
        if name == ALL:
            found |= {target.name: target for target in there if not target.hardware}
            continue
        target = _one(name, there)
        found[target.name] = target
    return list(found.values())


def _one(name: str, there: list[Target]) -> Target:
    if name.endswith(".json"):
        return Target.read(Path(name))
    for target in there:
        if name == target.name or (target.engine == "link" and name == target.selector):
            return target
    from firmware_host import config

    if ":" not in name and name not in config.load().boards:
        hint = f"targets: {', '.join(target.name for target in there)}; or a selector, such as port:/dev/ttyACM0"
        raise BoardNotFound(f"there is no target {name!r}", hint=hint)
    return Target(name, "", "link", _ANY_BOARD, name, (), _ANY_BOARDS_FACTOR)


def reached(target: Target, timeout: float = 5.0) -> Target:
    """The same target with the selector that reaches it, and, if only a selector was given, what is known of the board
    that answers there. Raises BoardNotFound, BoardAmbiguous, and what connecting raises."""
    if target.engine != "link":
        return target
    if not target.selector:
        return replace(target, selector=_attached(target.board))
    if target.board:
        return target
    from firmware_host.board import Board

    with Board.connect(target.selector, timeout) as board:
        name = board.info.name
    simulated = target.selector.startswith(("tcp:", "qemu:", "renode:"))
    for one in known():
        if one.name == f"{_HARDWARE}{name}" and not simulated:
            return replace(one, selector=target.selector)
    return replace(target, board=name)


def _attached(board: str) -> str:
    """The selector of the one attached board of that kind."""
    from firmware_host.discovery import find_boards

    found = [one.selector for one in find_boards() if one.info is not None and one.info.name == board]
    if not found:
        raise BoardNotFound(
            f"no attached board answers as {board!r}",
            hint=f"wirq boards lists what answers; wirq flash -b {board} brings the firmware onto one; "
            "--on port:DEVICE names its port",
        )
    if len(found) > 1:
        raise BoardAmbiguous(
            f"{len(found)} boards answer as {board!r}: {', '.join(found)}",
            hint=f"choose one:  --on {found[0]}",
            candidates=found,
        )
    return found[0]
