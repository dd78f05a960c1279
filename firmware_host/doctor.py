"""Looks whether this machine has what wirq needs, and says for each thing that is missing what would bring it.

It only looks: nothing is installed or changed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from firmware_host import config
from firmware_host.boards import known_boards
from firmware_host.build import toolchains
from firmware_host.build.generate import package_version
from firmware_host.discovery import FoundBoard, candidate_ports, find_boards
from firmware_host.errors import BoardNotFound, ToolMissing
from firmware_host.sim.qemu import find_program

State = Literal["ok", "missing", "optional", "warning"]
MISSING: State = "missing"
OPTIONAL: State = "optional"

#: Modules of the packages that pip installs along with wirq.
_MODULES = ("click", "cobs", "construct", "elftools", "platformdirs", "prompt_toolkit", "rich", "serial", "ziglang")

_MINIMUM_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. What is `optional` is only needed for what `detail` says; `fix` is a command."""

    what: str
    state: State
    detail: str
    fix: str = ""


def examine(port: str | None = None) -> Iterator[Finding]:
    """Everything worth knowing about this machine, in the order in which it is needed. `port` is looked at as well,
    whatever its adapter."""
    yield _python()
    yield from _packages()
    yield from _compilers()
    yield from _emulators()
    yield _renode()
    yield from _serial_ports(port)
    yield from _pitfalls()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _MINIMUM_PYTHON:
        return Finding("python", "ok", version)
    return Finding("python", "missing", f"{version} is older than 3.11", "use a newer python3")


def _packages() -> Iterator[Finding]:
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        yield Finding(
            "packages", "missing", f"cannot import {', '.join(missing)}", "python -m pip install --upgrade wirq"
        )
    else:
        yield Finding("packages", "ok", f"{len(_MODULES)} of {len(_MODULES)} can be imported")


def _compilers() -> Iterator[Finding]:
    seen = set()
    for machine in toolchains.MACHINES.values():
        for kind, row in machine.rows.items():
            if row.program in seen:
                continue
            seen.add(row.program)
            try:
                found = toolchains.find(machine.name, kind)
                yield Finding(row.program, "ok", f"{found.identity()}, {found.program}")
            except ToolMissing:
                if kind == toolchains.DEFAULT_KIND:
                    state, detail = MISSING, "not installed; it compiles guests and, by default, firmware"
                else:
                    state, detail = OPTIONAL, f"not installed; another compiler for {machine.name}"
                yield Finding(row.program, state, detail, toolchains.install_hint(row))


def _emulators() -> Iterator[Finding]:
    for binary in ("qemu-system-arm", "qemu-system-riscv32"):
        try:
            program, major = find_program(binary)
            yield Finding(binary, "ok", f"version {major}, {program}")
        except ToolMissing as error:
            yield Finding(binary, "optional", "not installed; needed for boards qemu:NAME", error.hint)


def _renode() -> Finding:
    program = shutil.which("renode-test")
    if program:
        return Finding("renode-test", "ok", program)
    return Finding(
        "renode-test",
        "optional",
        "not installed; needed for boards renode:NAME",
        "unpack Renode's portable archive and put its directory on PATH",
    )


def _serial_ports(chosen: str | None) -> Iterator[Finding]:
    if find_spec("serial") is None:
        return
    from serial.tools.list_ports import comports

    named = [*_named_ports(), *([chosen] if chosen else [])]
    asked = {one.port for one in candidate_ports()} | set(named)
    ports = sorted({port.device for port in comports() if port.vid is not None} | set(named))
    if not ports:
        yield Finding("serial ports", "ok", "no board attached by USB")
    for device in ports:
        if not os.path.exists(device):  # noqa: PTH110 - names of ports on Windows are no paths
            if device in named:
                yield Finding(device, "warning", "there is no such port", "wirq boards lists those there are")
                continue
            yield Finding(device, "warning", "was listed and is gone", "plug the board in again")
        elif not os.access(device, os.R_OK | os.W_OK):
            yield Finding(device, "warning", "may not be opened by you", _group_fix(device))
        elif device not in asked:
            yield Finding(device, "ok", "may be opened; its adapter is none that boards come with, so it is not asked")
    usable = [one for one in asked if os.access(one, os.R_OK | os.W_OK)]
    if usable:
        yield from _attached([one for one in find_boards(named=usable) if one.port in usable])


def _named_ports() -> list[str]:
    """Ports that wirq.toml or the user's file names, if they are there: a board that is not plugged in is no fault."""
    try:
        selectors = [entry.selector for entry in config.load().boards.values()]
    except BoardNotFound:
        return []  # _attached tells
    ports = [selector.removeprefix("port:") for selector in selectors if selector.startswith("port:")]
    return [port for port in ports if os.path.exists(port)]  # noqa: PTH110 - as above


def _attached(found: Sequence[FoundBoard]) -> Iterator[Finding]:
    """What each attached board runs, against this tool and against what wirq.toml expects there."""
    try:
        entries = config.load().boards
    except BoardNotFound as error:
        yield Finding(config.PROJECT_FILE, "warning", str(error), error.hint)
        entries = {}
    for one in found:
        expected = [entry for entry in entries.values() if entry.selector in (one.selector, f"port:{one.port}")]
        yield _of_board(one, expected)


def _of_board(found: FoundBoard, entries: Sequence[config.Entry]) -> Finding:
    if found.info is None:
        return Finding(found.port, "warning", found.problem, found.hint)
    name, theirs, ours = found.info.name, found.info.vm_version, package_version()
    flash = f"wirq flash -b {found.selector}"
    for entry in entries:
        if entry.board not in (None, name):
            detail = f"wrong board: {name} answers, but [board.{entry.name}] expects {entry.board}"
            return Finding(found.port, "warning", detail, "plug in the other, or correct wirq.toml")
    if name not in known_boards():
        return Finding(found.port, "ok", f"{name}, firmware {theirs}: a board of your own, unknown to this tool")
    if release(theirs) < release(ours):
        return Finding(found.port, "warning", f"{name}: firmware {theirs} is older than this tool ({ours})", flash)
    if release(theirs) > release(ours):
        detail = f"{name}: firmware {theirs} is newer than this tool ({ours})"
        return Finding(found.port, "warning", detail, "python -m pip install --upgrade wirq")
    return Finding(found.port, "ok", f"{name}, firmware {theirs}")


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparison: what follows them, such as rc1, does not count."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


def _group_fix(device: str) -> str:
    group = "dialout"
    try:
        import grp
        from pathlib import Path

        group = grp.getgrgid(Path(device).stat().st_gid).gr_name
    except (ImportError, KeyError, OSError):
        pass
    return f"sudo usermod -aG {group} $USER    then log in again"


def _pitfalls() -> Iterator[Finding]:
    if shutil.which("wasm-opt"):
        yield Finding(
            "wasm-opt",
            "warning",
            "clang runs it by itself when it links and loses names and line numbers; wirq links without it",
            "with a compiler of your own: compile with -c and link with wasm-ld",
        )


def is_usable(findings: list[Finding]) -> bool:
    """True if nothing that is always needed is missing."""
    return not any(finding.state == "missing" for finding in findings)
