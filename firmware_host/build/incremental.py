"""Compiles C files in parallel, and only those whose command, source or headers have changed since the last time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from firmware_host.announce import announce
from firmware_host.errors import BuildError

_STATE = "objects.json"
_hashes: dict[tuple[str, int, int], str] = {}


@dataclass(frozen=True)
class Unit:
    """One C file to compile: `command` is the whole line but for source, object and dependency file."""

    source: Path
    object_name: str
    command: tuple[str, ...]


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content; remembered while its size and time of change stay."""
    stat = path.stat()
    key = (str(path), stat.st_mtime_ns, stat.st_size)
    if key not in _hashes:
        _hashes[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    return _hashes[key]


def write_if_changed(path: Path, text: str) -> None:
    """Writes a generated file, but leaves it untouched when it already says that."""
    data = text.encode()
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


@contextlib.contextmanager
def exclusively(directory: Path) -> Iterator[None]:
    """Keeps other processes that build in the same directory waiting; the lock dies with its process."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        try:
            import fcntl
        except ImportError:  # no such locks on this system: builds of two processes at once are on their own
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            announce(f"waiting for another process, which builds {directory.name} …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_tool(command: Sequence[str], *, cwd: Path, what: str) -> str:
    """Runs a compiler or linker and returns what it printed. Raises BuildError with its messages if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    printed = (done.stderr + done.stdout).strip()
    if done.returncode:
        raise BuildError(
            f"{what} failed\n{printed or f'exit code {done.returncode}, no message'}",
            hint=f"it was: {shlex.join(command)}",
        )
    return printed


def _dependencies(file: Path, cwd: Path) -> list[Path]:
    """The files that a make-style dependency file names."""
    text = file.read_text().replace("\\\n", " ")
    names = re.findall(r"(?:\\.|[^\s\\])+", text.partition(": ")[2])
    return [(cwd / re.sub(r"\\(.)", r"\1", name)).resolve() for name in names]


def _command_key(unit: Unit, identity: str) -> str:
    return hashlib.sha256("\0".join((identity, str(unit.source), *unit.command)).encode()).hexdigest()


def _up_to_date(entry: dict[str, object] | None, key: str, target: Path) -> bool:
    if entry is None or entry.get("command") != key or not target.is_file():
        return False
    inputs = entry["inputs"]
    assert isinstance(inputs, dict)
    try:
        return all(content_hash(Path(path)) == seen for path, seen in inputs.items())
    except OSError:
        return False


def compile_units(units: Sequence[Unit], directory: Path, *, cwd: Path, identity: str, jobs: int) -> list[Unit]:
    """Brings the objects of `units` in `directory` up to date and returns the units that had to be compiled.

    `identity` names the compiler and its version. All units are tried before the first failure is raised as BuildError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    state_file = directory / _STATE
    state: dict[str, dict[str, object]] = {}
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(state_file.read_text())

    def compile_one(unit: Unit) -> BuildError | None:
        target = directory / unit.object_name
        dependencies = target.with_suffix(".d")
        command = (*unit.command, "-MMD", "-MF", str(dependencies), "-c", str(unit.source), "-o", str(target))
        try:
            run_tool(command, cwd=cwd, what=f"compiling {_shown(unit.source, cwd)}")
        except BuildError as error:
            return error
        inputs = {str(path): content_hash(path) for path in (unit.source, *_dependencies(dependencies, cwd))}
        state[unit.object_name] = {"command": _command_key(unit, identity), "inputs": inputs}
        return None

    stale = [
        unit
        for unit in units
        if not _up_to_date(state.get(unit.object_name), _command_key(unit, identity), directory / unit.object_name)
    ]
    for unit in stale:
        state.pop(unit.object_name, None)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        errors = [error for error in pool.map(compile_one, stale) if error is not None]
    wanted = {unit.object_name for unit in units}
    for name in set(state) - wanted:
        del state[name]
    write_if_changed(state_file, json.dumps(state, indent=1, sort_keys=True))
    if errors:
        raise errors[0]
    return stale


def _shown(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else path.name
