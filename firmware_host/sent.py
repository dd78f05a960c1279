"""Modules that went to boards from this computer, kept so that what a board runs can be told by name later.

A board keeps no names, only the beginning of the SHA-256 of what it was sent. The modules lie in the cache directory,
by that hash, with their names and debug information; the oldest go when there are too many. What cannot be read, or is
not what its name says, is as good as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from firmware_host import resources
from firmware_host.errors import WirqError
from firmware_host.link.table import APP_ID_SIZE
from firmware_host.wasm import Module

#: At most so many, and so many bytes together.
MOST_FILES = 64
MOST_BYTES = 16 << 20

_SUFFIX = ".sent"


@dataclass(frozen=True)
class SentModule:
    """A module as it was before its custom sections were left out. `build` is the SHA-256 of what the board got."""

    name: str
    build: str
    data: bytes


def remember(name: str, build: str, data: bytes) -> None:
    """Keeps a module; `build` is the SHA-256 of what goes to the board, in hexadecimal. A cache that cannot be written
    is no reason to fail: then names are missing later."""
    if len(data) > MOST_BYTES:
        return
    with contextlib.suppress(OSError):
        folder = _folder()
        file = folder / f"{build}{_SUFFIX}"
        content = name.encode("utf-8", "replace") + b"\0" + data
        if file.is_file() and file.stat().st_size == len(content) and file.read_bytes() == content:
            os.utime(file)
            return
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{build}.{os.getpid()}"
        temporary.write_bytes(content)
        temporary.replace(file)
        _limit(folder)


def recall(identity: str) -> SentModule | None:
    """The module whose build id begins with `identity` (hexadecimal digits), if it was sent from here."""
    if not re.fullmatch(f"[0-9a-f]{{{2 * APP_ID_SIZE},64}}", identity):
        return None
    with contextlib.suppress(OSError):
        for file in sorted(_folder().glob(f"{identity}*{_SUFFIX}")):
            build = file.name.removesuffix(_SUFFIX)
            name, _, data = file.read_bytes().partition(b"\0")
            if _is_of(data, build):
                return SentModule(name.decode("utf-8", "replace"), build, data)
    return None


def _is_of(data: bytes, build: str) -> bool:
    """Is that what the board got, with or without its custom sections?"""
    if hashlib.sha256(data).hexdigest() == build:
        return True
    try:
        return hashlib.sha256(Module.parse(data).strip()).hexdigest() == build
    except WirqError:
        return False


def _folder() -> Path:
    return resources.cache_dir() / "sent"


def _limit(folder: Path) -> None:
    """Removes the oldest beyond the limits, and what was left half written."""
    newest_first = sorted(((file.stat(), file) for file in folder.iterdir()), key=lambda one: -one[0].st_mtime_ns)
    total = 0
    for number, (stat, file) in enumerate(newest_first):
        total += stat.st_size
        if number >= MOST_FILES or total > MOST_BYTES:
            file.unlink(missing_ok=True)
