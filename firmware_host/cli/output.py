"""Files that commands write where they are told to."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from firmware_host.errors import WirqError


def write_file(path: Path, data: bytes) -> None:
    """Raises WirqError where that cannot be."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise _refused(path, error) from error


def open_file(path: Path) -> BinaryIO:
    """A file to write into, emptied. Raises WirqError where there cannot be one."""
    try:
        return path.open("wb")
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> WirqError:
    return WirqError(f"cannot write {path}: {error.strerror}", hint="name another FILE, in a directory that exists")
