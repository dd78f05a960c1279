"""Keeps converted scripts, since conversion takes longer than most runs: in the cache directory, by content.

What a conversion depends on is in the key: the script, the converter's own source, the assembler's version. A file that
cannot be read, for whatever reason, is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import os
import pickle
import sys
from functools import cache
from pathlib import Path

from firmware_host import resources
from firmware_host.wast import commands
from firmware_host.wast.commands import Command
from firmware_host.wast.convert import convert

#: Modules of this package that conversion goes through.
_CONVERTER = ("assemble", "commands", "constants", "convert", "sexpr", "values")
_CLASSES = ("firmware_host.wast.commands", "firmware_host.wast.values")


def converted(source: bytes) -> list[Command]:
    """Like `convert`, from the cache if it is there."""
    file = _folder() / hashlib.sha256(_converter_key() + source).hexdigest()
    with contextlib.suppress(OSError, pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError):
        return _read(file.read_bytes())
    result = convert(source)
    with contextlib.suppress(OSError):  # a cache that cannot be written is no reason to fail
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        temporary.write_bytes(pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL))
        temporary.replace(file)
    return result


def _folder() -> Path:
    return resources.cache_dir() / "wast"


@cache
def _converter_key() -> bytes:
    digest = hashlib.sha256(sys.version.encode())
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        digest.update(importlib.metadata.version("wasmtime").encode())
    folder = Path(commands.__file__).parent
    for name in _CONVERTER:
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.digest()


class _Unpickler(pickle.Unpickler):
    """Makes nothing but commands and values: a file in the cache is data, whoever wrote it."""

    def find_class(self, module: str, name: str) -> type:
        found = getattr(sys.modules[module], name, None) if module in _CLASSES else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a script")
        return found


def _read(data: bytes) -> list[Command]:
    found = _Unpickler(io.BytesIO(data)).load()
    if not isinstance(found, list) or not all(isinstance(one, Command) for one in found):
        raise pickle.UnpicklingError("this is no list of commands")
    return found
