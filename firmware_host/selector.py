"""Board selectors: what `--board` takes, which board is meant when nothing is given, and how each kind is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from firmware_host import config, plugins
from firmware_host.config import Entry
from firmware_host.errors import BoardAmbiguous, BoardNotFound
from firmware_host.transport import Transport

ENVIRONMENT_VARIABLE = "WIRQ_BOARD"

#: Kinds of selectors with an argument, and what the argument is.
SCHEMES = {
    "port": "port:/dev/ttyACM0",
    "id": "id:SERIAL",
    "tcp": "tcp:host:port",
    "qemu": "qemu:NAME",
    "renode": "renode:NAME",
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Note = Callable[[str], None]

#: Stands in hints for the command that was called, which only the command line knows.
ANY_COMMAND = "…"


@dataclass
class Target:
    """An opened way to a board: its serial line, the tick rate to tell it, and what ends it."""

    selector: str
    transport: Transport
    tick_hz: int | None = None
    ending: Callable[[], None] = lambda: None
    ours: bool = False  # started for this session: it ends with it

    def close(self) -> None:
        self.transport.close()
        self.ending()


def choose(selector: str | None, note: Note | None = None) -> str:
    """The selector that is meant. Without one: WIRQ_BOARD, the project's default, the only attached board that answers,
    else `host`, which `note` is told. Raises BoardAmbiguous if several boards answer."""
    chosen = selector or os.environ.get(ENVIRONMENT_VARIABLE) or config.load().default
    if chosen:
        return chosen
    from firmware_host.discovery import candidate_ports, find_boards

    answering = [found for found in find_boards() if found.info is not None] if candidate_ports() else []
    if len(answering) == 1:
        return answering[0].selector
    if answering:
        names = [config.load().name_of(found.selector, found.port) or found.selector for found in answering]
        kinds = [found.info.name if found.info else "" for found in answering]
        wide, kind = max(map(len, names)), max(map(len, kinds))
        rows = zip(names, kinds, answering, strict=True)
        listing = "\n".join(f"  {one:{wide}}  {what:{kind}}  {found.port}" for one, what, found in rows)
        count = {2: "two", 3: "three", 4: "four"}.get(len(answering), str(len(answering)))
        raise BoardAmbiguous(
            f"{count} boards answer, so nothing was sent\n{listing}",
            hint=f"choose one:  wirq -b {names[0]} {ANY_COMMAND}        (or set {ENVIRONMENT_VARIABLE}; exit code 3)",
            candidates=names,
        )
    if note is not None:
        note("board: host (no board attached)")
    return "host"


def open_target(
    selector: str | None,
    *,
    timeout: float = 5.0,
    reset: bool = True,
    arena_size: int | None = None,
    note: Note | None = None,
) -> Target:
    """Opens what a selector names."""
    return _open(choose(selector, note), timeout, reset, arena_size, {})


def _open(
    selector: str,
    timeout: float,
    reset: bool,
    arena_size: int | None,
    named: dict[str, Entry],
    entry: Entry | None = None,
) -> Target:
    if selector == "host":
        from firmware_host.sim.host import HostBoard, default_store

        host = HostBoard(arena_size=arena_size, store=default_store())
        return Target("host", host.transport, ours=True)
    scheme, colon, argument = selector.partition(":")
    if colon and argument and scheme not in SCHEMES and (added := _added(selector, scheme, argument, timeout)):
        return added
    if colon and (scheme not in SCHEMES or not argument):
        raise BoardNotFound(f"{selector!r} is no board selector", hint=_forms())
    match scheme if colon else "":
        case "qemu":
            from firmware_host.sim import qemu

            emulator = qemu.start(argument)
            return Target(selector, emulator.transport, emulator.tick_hz, emulator.close, ours=True)
        case "renode":
            from firmware_host.sim import renode

            simulator = renode.start(argument)
            return Target(selector, simulator.transport, simulator.tick_hz, simulator.close, ours=True)
        case "tcp":
            from firmware_host.transport.stream_socket import connect

            return Target(selector, connect(_address(selector, argument), timeout=timeout, exclusive=True))
        case "port":
            return Target(selector, _serial(argument, reset, entry))
        case "id":
            return Target(selector, _serial(_port_of(argument), reset, entry))
        case _:
            return _named(selector, timeout, reset, arena_size, named)


def _named(name: str, timeout: float, reset: bool, arena_size: int | None, named: dict[str, Entry]) -> Target:
    entry = config.load().boards.get(name)
    if entry is None or name in named:
        from firmware_host.boards import known_boards

        hint = f"wirq -b qemu:{name} is its emulator" if name in known_boards() else _forms()
        raise BoardNotFound(f"no board is called {name!r} in {config.PROJECT_FILE} or the user's file", hint=hint)
    return _open(entry.selector, timeout, reset, arena_size, {**named, name: entry}, entry)


def _added(selector: str, scheme: str, argument: str, timeout: float) -> Target | None:
    """What another package opens for a scheme of its own."""
    if (start := plugins.find(plugins.SIMULATORS, scheme)) is not None:
        simulator = start(argument)
        return Target(selector, simulator.transport, simulator.tick_hz, simulator.close, ours=True)
    if (connect := plugins.find(plugins.TRANSPORTS, scheme)) is not None:
        return Target(selector, connect(argument, timeout))
    return None


def _forms() -> str:
    added = sorted({*plugins.names(plugins.SIMULATORS), *plugins.names(plugins.TRANSPORTS)} - set(SCHEMES))
    forms = [*SCHEMES.values(), *(f"{scheme}:…" for scheme in added)]
    return "one of: host, a name of your own, " + ", ".join(forms)


def _address(selector: str, argument: str) -> tuple[str, int]:
    host, _, port = argument.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        hint = f"write {SCHEMES['tcp']}, such as tcp:127.0.0.1:3456"
        raise BoardNotFound(f"{selector!r} has no port number", hint=hint)
    return host.strip("[]"), int(port)


def _serial(port: str, reset: bool, entry: Entry | None) -> Transport:
    from firmware_host.transport.serial_port import SerialTransport

    if entry is None:
        return SerialTransport(port)
    lines = (entry.dtr, entry.rts) if reset else (None, None)
    return SerialTransport(port, baud=entry.baud, dtr=lines[0], rts=lines[1])


def _port_of(serial: str) -> str:
    """The port of the attached board with this USB serial number, or with this unique id."""
    from serial.tools import list_ports

    ports = list(list_ports.comports())
    for port in ports:
        if port.serial_number == serial:
            return str(port.device)
    from firmware_host.discovery import find_boards

    for found in find_boards():
        if found.info is not None and found.info.unique_id == serial:
            return found.port
    message = f"no attached board has the serial number or id {serial}"
    raise BoardNotFound(message, hint="wirq boards lists what is attached")
