"""`wirq boards`: what is attached and what it answered, or everything that is supported."""

from __future__ import annotations

from dataclasses import asdict

import click

from firmware_host import config
from firmware_host.boards import BoardFacts, known_boards, load_board
from firmware_host.build.generate import package_version
from firmware_host.cli.context import Context
from firmware_host.cli.tables import table
from firmware_host.discovery import FoundBoard, find_boards
from firmware_host.doctor import release
from firmware_host.errors import PortForbidden

_HELP = """List attached boards, what answered hello, and what they run; the one that -b names; or all supported ones.

APP is the module that is loaded, and whether it runs. A name is known if the module was sent from this computer, or
lies in the board's store; else its build id stands there.

\b
Examples:
  wirq boards
  wirq boards -b port:/dev/ttyACM0
  wirq boards --known
"""


@click.command("boards", help=_HELP)
@click.option("--known", is_flag=True, help="All boards that firmware can be built for, and what plays them.")
@click.pass_obj
def command(context: Context, known: bool) -> None:
    if known:
        facts = [load_board(name) for name in known_boards()]
        context.result(_known(facts), boards=[_known_object(board) for board in facts])
        return
    found = find_boards(min(context.timeout, 1.0), apps=True) if context.board_selector is None else [_named(context)]
    for one in found:
        if len(found) == 1 and one.error == PortForbidden.__name__:
            raise PortForbidden(one.problem, hint=one.hint, port=one.port)
    none = "no board is attached; `host` and the emulators need none: wirq boards --known"
    context.result(_attached(found) if found else none, boards=[_found_object(one) for one in found])


def _named(context: Context) -> FoundBoard:
    """The board that --board names, asked as any command would ask it."""
    with context.connect() as board:
        scheme, _, argument = board.selector.partition(":")
        port = argument if scheme == "port" else board.selector
        return FoundBoard(port, board.info.unique_id, scheme, board.info, app=board.app_state())


def _selectors(board: BoardFacts) -> list[str]:
    selectors = ["host"] if board.name == "host" else []
    if board.qemu() is not None:
        selectors.append(f"qemu:{board.name}")
    if board.renode() is not None:
        selectors.append(f"renode:{board.name}")
    return selectors


def _bytes(region: object) -> str:
    size = getattr(region, "size", None)
    return "-" if size is None else f"{size // 1024} KiB"


def _known(boards: list[BoardFacts]) -> str:
    rows = [
        (
            board.name,
            board.title,
            _bytes(board.flash),
            _bytes(board.ram),
            " ".join(_selectors(board)) + (" (conformance only)" if board.conformance_only else ""),
        )
        for board in boards
    ]
    return table(("NAME", "BOARD", "FLASH", "RAM", "SELECTORS"), rows, right=(2, 3))


def _known_object(board: BoardFacts) -> dict[str, object]:
    return {
        "name": board.name,
        "title": board.title,
        "machine": board.machine,
        "flash_bytes": board.flash.size if board.flash else None,
        "ram_bytes": board.ram.size if board.ram else None,
        "arena_bytes": board.vm.arena_size,
        "selectors": _selectors(board),
        "conformance_only": board.conformance_only,
    }


def _attached(found: list[FoundBoard]) -> str:
    rows = []
    for one in found:
        own = config.load().name_of(one.selector, one.port) or "-"
        if one.info is None:
            rows.append((own, "?", one.port, one.serial or "-", "-", "-", one.problem))
        else:
            app = one.app.text if one.app else "-"
            rows.append((own, one.info.name, one.port, one.serial or "-", one.info.vm_version, app, _old(one)))
    listed = table(("NAME", "BOARD", "PORT", "SERIAL", "VM", "APP", ""), rows)
    hints = dict.fromkeys(one.hint for one in found if one.error == PortForbidden.__name__)
    return "\n".join([listed, *(f"  {line}" for hint in hints for line in hint.splitlines())])


def _old(found: FoundBoard) -> str:
    """What to do about firmware of an earlier version; empty if it is of this one."""
    if found.info is None or release(found.info.vm_version) >= release(package_version()):
        return ""
    return f"firmware older than this tool: wirq flash -b {found.selector}"


def _found_object(one: FoundBoard) -> dict[str, object]:
    values = asdict(one)
    if one.info is not None:
        values["info"]["features"] = sorted(one.info.features)
    return {**values, "selector": one.selector}
