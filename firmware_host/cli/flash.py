"""`wirq flash`: brings firmware onto a board, and sees that it answers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from firmware_host import config, plugins
from firmware_host.board_facts import FLASH_DRIVERS, BoardFacts
from firmware_host.boards import known_boards, load_board
from firmware_host.cli.context import Context
from firmware_host.errors import BoardAmbiguous, BoardNotFound, FlashError, PortBusy, WirqError
from firmware_host.info import BoardInfo
from firmware_host.selector import ANY_COMMAND

_HELP = """Flash FILE, or the board's own firmware, which is built first, onto a board; verify it and say hello.

-b names the kind of board, such as stm32f4, or one that answers: port:DEVICE, id:SERIAL, a name of your own. Without it
the only one that answers is taken; several are refused. id:SERIAL also chooses among several debug probes. What the
board has already is not flashed again.

\b
Examples:
  wirq flash -b stm32f4
  wirq flash -b microbit --driver pyocd
  wirq flash -b stm32f4 --dry-run
"""

_DRIVERS = sorted({*FLASH_DRIVERS, *plugins.names(plugins.FLASHERS)})

#: Seconds in which a board that was flashed has to come back.
_RETURN = 8.0


@click.command("flash", help=_HELP)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--driver", type=click.Choice(_DRIVERS), help="How; by default the first that is there.")
@click.option("--toolchain", metavar="KIND", help="What builds the firmware: zig, gcc or clang.")
@click.option("--variant", metavar="V", help="A variant of the board's firmware.")
@click.option("--verify/--no-verify", default=True, help="Ask the board afterwards which build it runs (the default).")
@click.option("--force", is_flag=True, help="Flash although the board has this build already.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.pass_obj
def command(
    context: Context,
    file: Path | None,
    driver: str | None,
    toolchain: str | None,
    variant: str | None,
    verify: bool,
    force: bool,
    dry_run: bool,
) -> None:
    from firmware_host.build.image import Options, build
    from firmware_host.flash import Firmware, choose

    board, info, probe = _board(context)
    if not board.flashers:
        raise FlashError(
            f"{board.name} is not flashed: it runs as a process or in an emulator only",
            hint=f"it needs no flashing:  wirq -b {_started_by(board)} run APP\n"
            f"what is flashed:  wirq flash -b {' | '.join(_flashable())}",
        )
    build_id = ""
    if file is None:
        image = build(Options(board.name, toolchain, variant))
        file, build_id = image.elf, image.build_id
    else:
        for option, value in (("--toolchain", toolchain), ("--variant", variant)):
            if value is not None:
                context.note(f"{option} is for firmware that is built; {file.name} is flashed as it is")
    firmware = Firmware.read(file, board.flash.origin if board.flash else 0)
    fields: dict[str, Any] = {"board": board.name, "file": str(file), "bytes": firmware.size}
    fields["build_id"] = build_id or None
    choice = choose(board, firmware, driver, probe, planned=dry_run)
    if dry_run:
        text = "\n".join(choice.flasher.plan())
        context.result(text, driver=choice.driver, plan=choice.flasher.plan(), dry_run=True, **fields)
        return
    if info is not None and build_id and info.build_id == build_id and not force:
        context.result(f"{board.name} has build {build_id} already; --force flashes it again", flashed=False, **fields)
        return
    for step in choice.flasher.plan():
        context.note(step)
    how = choice.flasher.run()
    answered = _hello(context, board, build_id) if verify else None
    text = f"{board.name} flashed by {choice.driver}: {firmware.size:,} bytes, verified {how}"
    if answered is not None:
        text += f"; it answers, build {answered.build_id}"
    elif verify:
        text += "; no port of it was found to say hello to"
    context.result(text, driver=choice.driver, flashed=True, answered=answered is not None, **fields)


def _board(context: Context) -> tuple[BoardFacts, BoardInfo | None, str | None]:
    """The kind of board, what it said if it answers already, and the serial number that was named."""
    try:
        return _found(context)
    except PortBusy as error:
        raise PortBusy(str(error), hint=_without_port(context), **error.details) from error


def _started_by(board: BoardFacts) -> str:
    """The selector of a board that is a process or emulated only."""
    return board.name if board.ram is None else f"{'renode' if board.qemu() is None else 'qemu'}:{board.name}"


def _without_port(context: Context) -> str:
    """How to flash a board whose serial port another program has: a debug probe needs none."""
    entry = config.load().boards.get(_selector(context) or "")
    kinds = [name for name in _flashable() if any(row.driver == "pyocd" for row in load_board(name).flashers)]
    if entry is not None and entry.board in kinds:
        return f"stop it, or flash through the debug probe:  wirq flash -b {entry.board} --driver pyocd"
    return f"stop it, or flash through the debug probe:  wirq flash -b {' | '.join(kinds)} --driver pyocd"


def _selector(context: Context) -> str | None:
    from firmware_host.selector import ENVIRONMENT_VARIABLE

    return context.board_selector or _environment(ENVIRONMENT_VARIABLE) or config.load().default


def _found(context: Context) -> tuple[BoardFacts, BoardInfo | None, str | None]:
    from firmware_host.discovery import find_boards

    selector = _selector(context)
    if selector in known_boards():
        return load_board(selector), None, None
    found = find_boards()
    if selector is None:
        answering = [one for one in found if one.info is not None]
        busy = next((one for one in found if one.error == PortBusy.__name__), None)
        if not answering and busy is not None:
            raise PortBusy(busy.problem, hint=busy.hint, port=busy.port)
        if not answering:
            raise BoardNotFound(
                "no board answers, so it is not known which one to flash",
                hint=f"name its kind:  wirq flash -b {' | '.join(_flashable())}",
            )
        if len(answering) > 1:
            listing = "".join(f"\n  {one.selector}  {one.info.name if one.info else ''}" for one in answering)
            raise BoardAmbiguous(
                f"{len(answering)} boards answer, so nothing was flashed{listing}",
                hint=f"choose one:  wirq -b {answering[0].selector} {ANY_COMMAND}",
                candidates=[one.selector for one in answering],
            )
        info = answering[0].info
        assert info is not None
        return load_board(info.name), info, answering[0].serial or None
    scheme, _, argument = selector.partition(":")
    if scheme in ("host", "qemu", "renode", "tcp", *plugins.names(plugins.SIMULATORS)):
        raise FlashError(f"{selector} is not flashed: it is started from its firmware", hint="wirq build makes it")
    with context.connect() as board:
        return load_board(board.info.name), board.info, argument if scheme == "id" else None


def _environment(name: str) -> str | None:
    import os

    return os.environ.get(name)


def _flashable() -> list[str]:
    return [name for name in known_boards() if load_board(name).flashers]


def _hello(context: Context, board: BoardFacts, build_id: str) -> BoardInfo | None:
    """The board as it answers after flashing; None if no port of it is there. Raises FlashError if it runs another
    build."""
    from firmware_host.discovery import candidate_ports, find_boards

    if not candidate_ports():
        return None
    end = time.monotonic() + _RETURN
    seen: BoardInfo | None = None
    while time.monotonic() < end:
        try:
            answers = [one.info for one in find_boards() if one.info is not None and one.info.name == board.name]
        except WirqError:
            answers = []
        for info in answers:
            seen = info
            if not build_id or info.build_id == build_id:
                return info
        time.sleep(0.2)
    if seen is not None:
        raise FlashError(
            f"{board.name} was flashed, but answers as build {seen.build_id}, not {build_id}",
            hint="was another board of that kind flashed? unplug all but one",
        )
    return None
