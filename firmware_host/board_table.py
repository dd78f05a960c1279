"""Tables of board.toml with checked access: an error names the file, the key and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from firmware_host.errors import BuildError

EMPTY: Mapping[str, Any] = MappingProxyType({})


class Table:
    """One TOML table with checked access; errors name the file and the key."""

    def __init__(self, file: Path, values: Mapping[str, Any], name: str = "") -> None:
        self.file = file
        self.values = values
        self.name = name

    def wrong(self, key: str, problem: str, hint: str = "") -> BuildError:
        full = f"{self.name}.{key}" if self.name else key
        return BuildError(f"{self.file.parent.name}/{self.file.name}: {full} {problem}", hint=hint)

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise self.wrong(key, "is not a known key", listing("known here", sorted(known)))

    def _get(self, key: str, kind: type, what: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise self.wrong(key, f"is missing: {what}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"is {value!r}, not {what}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        return str(self._get(key, str, "text", default))

    def number(self, key: str, default: int | None = None, *, least: int = 0, most: int = 0xFFFFFFFF) -> int:
        value = int(self._get(key, int, "a whole number", default))
        if not least <= value <= most:
            raise self.wrong(key, f"is {value}, not between {least} and {most}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        return bool(self._get(key, bool, "true or false", default))

    def optional_flag(self, key: str) -> bool | None:
        return self.flag(key) if key in self.values else None

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        values = self._get(key, list, "a list of texts", default)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, f"is {values!r}, not a list of texts")
        return tuple(values)

    def table(self, key: str) -> Table:
        return Table(self.file, self._get(key, dict, "a table", None), f"{self.name}.{key}" if self.name else key)

    def optional_table(self, key: str) -> Table | None:
        return self.table(key) if key in self.values else None

    def tables(self, key: str) -> list[Table]:
        rows = self._get(key, list, f"an array of tables [[{key}]]", None)
        if not all(isinstance(row, dict) for row in rows):
            raise self.wrong(key, f"is not an array of tables [[{key}]]")
        return [Table(self.file, row, f"{key}[{i}]") for i, row in enumerate(rows)]

    def existing_file(self, key: str) -> Path:
        path = self.file.parent / self.text(key)
        if not path.is_file():
            raise self.wrong(key, f"names {path.name}, which is not in {self.file.parent.name}/")
        return path


def listing(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names)}" if names else f"{what} none"
