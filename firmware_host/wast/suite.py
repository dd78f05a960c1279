"""Finds scripts below given paths, and names them by where they lie in their suite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from firmware_host.errors import WirqError
from firmware_host.wast import superseded
from firmware_host.wast.superseded import Superseded


@dataclass(frozen=True)
class Script:
    """One script. `root` is the folder that holds superseded.json, or else the one that was asked for."""

    file: Path
    root: Path

    @property
    def unit(self) -> str:
        """The script's name, such as "core-1.0/i32"."""
        return self.file.relative_to(self.root).with_suffix("").as_posix()

    @cached_property
    def superseded(self) -> Superseded:
        listed = self.root / superseded.FILE_NAME
        return superseded.read(listed) if listed.is_file() else Superseded()


def _suite_root(path: Path) -> Path | None:
    """The nearest folder at or above `path` that holds a superseded.json."""
    for folder in (path, *path.parents):
        if (folder / superseded.FILE_NAME).is_file():
            return folder
    return None


def find_scripts(paths: Iterable[Path]) -> list[Script]:
    """The scripts at and below `paths`, in their order, none twice. Raises WirqError if a path holds none."""
    found: dict[Path, Script] = {}
    for path in paths:
        if not path.exists():
            raise WirqError(f"there is no {path}; no script was run")
        whole = path.resolve()
        files = [whole] if whole.is_file() else sorted(whole.rglob("*.wast"))
        if not files:
            raise WirqError(f"there is no .wast file in {path}; no script was run")
        root = _suite_root(whole) or (whole if whole.is_dir() else whole.parent)
        for file in files:
            found.setdefault(file, Script(file, root))
    return list(found.values())
