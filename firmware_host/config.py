"""Boards with names of the user's own: wirq.toml of the project, and boards.toml in the user's configuration directory.

default = "bench"

[board.bench]
selector = "port:/dev/ttyACM0"     # any selector but a name
board = "stm32f4"                  # what is expected there; `wirq doctor` tells if another answers
baud = 115200                      # ports only, as are dtr and rts: true, false, or absent to leave the line alone
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_host.errors import BoardNotFound

PROJECT_FILE = "wirq.toml"
USER_FILE = "boards.toml"


@dataclass(frozen=True)
class Entry:
    """One named board."""

    name: str
    selector: str
    baud: int = 115200
    dtr: bool | None = None
    rts: bool | None = None
    board: str | None = None


@dataclass(frozen=True)
class Configuration:
    """Named boards, and which is meant when none is named."""

    boards: dict[str, Entry]
    default: str | None = None

    def name_of(self, selector: str, port: str) -> str | None:
        """The name that somebody has given to the board of that selector, or at that port."""
        for entry in self.boards.values():
            if entry.selector in (selector, f"port:{port}"):
                return entry.name
        return None


def load(directory: Path | None = None) -> Configuration:
    """The project's file, looked for from `directory` upwards, over the user's file."""
    import platformdirs

    user = _read(Path(platformdirs.user_config_dir("wirq")) / USER_FILE)
    project = Configuration({})
    start = (directory or Path.cwd()).resolve()
    for candidate in (start, *start.parents):
        if (candidate / PROJECT_FILE).is_file():
            project = _read(candidate / PROJECT_FILE)
            break
    return Configuration({**user.boards, **project.boards}, project.default or user.default)


def _read(file: Path) -> Configuration:
    if not file.is_file():
        return Configuration({})
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{file} cannot be read, so no board was looked for: {error}"
        raise BoardNotFound(message, hint="mend the file") from error
    boards = values.get("board", {})
    default = values.get("default")
    if not isinstance(boards, dict) or not (default is None or isinstance(default, str)):
        raise BoardNotFound(f"{file}: `board` is a table of boards, `default` a name", hint="mend the file")
    return Configuration({name: _entry(file, name, table) for name, table in boards.items()}, default)


_KINDS = {"selector": str, "baud": int, "dtr": bool, "rts": bool, "board": str}


def _entry(file: Path, name: str, table: Any) -> Entry:
    if not isinstance(table, dict) or "selector" not in table:
        raise BoardNotFound(f'{file}: [board.{name}] has no selector, such as selector = "port:/dev/ttyACM0"')
    for key, value in table.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise BoardNotFound(f"{file}: board.{name}.{key} is not a known key", hint=f"known: {', '.join(_KINDS)}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BoardNotFound(f"{file}: board.{name}.{key} is {value!r}, not {kind.__name__}")
    return Entry(name, **table)
