"""`wirq sim`: keeps a simulated board running and prints the selector that reaches it."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_host import plugins
from firmware_host.boards import load_board
from firmware_host.cli.build import board_of_selector
from firmware_host.cli.context import Context
from firmware_host.selector import Target

_HELP = """Keep a simulated BOARD running until Ctrl-C, and print the tcp: selector that reaches it.

BOARD is a board's name or a selector: host, qemu:NAME, renode:NAME. What is loaded stays when a client leaves, as with
a board on the desk. --gdb lets a debugger look at the firmware; --script is for Renode's monitor, run before the start.

\b
Examples:
  wirq sim qemu:stm32f4
  wirq sim stm32f4 --engine renode --gdb 3333
  wirq -b tcp:127.0.0.1:3456 run app.wasm
"""

_ENGINES = ("host", "qemu", "renode")


@click.command("sim", help=_HELP)
@click.argument("name", metavar="[BOARD]", required=False)
@click.option("--engine", type=click.Choice(_ENGINES), help="What plays it; by default the first that can.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The TCP port to listen on; by default a free one."
)
@click.option("--gdb", type=click.IntRange(1, 65535), metavar="PORT", help="Serve the firmware to gdb on this port.")
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Commands for Renode's monitor.",
)
@click.pass_obj
def command(
    context: Context, name: str | None, engine: str | None, port: int, gdb: int | None, script: Path | None
) -> int:
    from firmware_host.sim.bridge import Bridge, prepare

    engine, board = _chosen(name or context.board_selector or "host", engine)
    if gdb is not None and engine not in ("qemu", "renode"):
        raise click.UsageError("--gdb is for qemu and renode; the host board is a process: gdb -p does it")
    if script is not None and engine != "renode":
        context.note(f"--script is for renode; {engine} does not read it")
    target = _start(engine, board, gdb, script)
    try:
        prepare(target, context.timeout)
        bridge = Bridge(target.transport, port)
        selector = f"tcp:127.0.0.1:{bridge.port}"
        text = f"{target.selector} runs; reach it with  wirq -b {selector} …    Ctrl-C ends it"
        context.emit("sim", text, selector=selector, board=board, engine=engine, gdb=gdb)
        try:
            bridge.serve(context.detail)
        except KeyboardInterrupt:
            context.result(board=board, engine=engine, selector=selector)
            return 130
        finally:
            bridge.close()
    finally:
        target.close()
    return 0


def _chosen(selector: str, engine: str | None) -> tuple[str, str]:
    """Engine and board that a name or selector and --engine mean together."""
    scheme, colon, rest = selector.partition(":")
    if colon:
        if not rest or (scheme not in _ENGINES and scheme not in plugins.names(plugins.SIMULATORS)):
            raise click.UsageError(f"{selector} is no simulated board; give host, qemu:NAME or renode:NAME")
        if engine not in (None, scheme):
            raise click.UsageError(f"{selector} and --engine {engine} contradict each other")
        return scheme, rest
    board = board_of_selector(selector) or selector
    facts = load_board(board)
    plays = [one for one in ("qemu", "renode") if getattr(facts, one)() is not None] if board != "host" else ["host"]
    if engine is None:
        if not plays:
            raise click.UsageError(f"nothing plays the board {board}; wirq boards --known shows what plays which")
        return plays[0], board
    if engine not in plays:
        raise click.UsageError(f"{engine} does not play the board {board}; {' and '.join(plays) or 'nothing'} does")
    return engine, board


def _start(engine: str, board: str, gdb: int | None, script: Path | None) -> Target:
    if engine == "host":
        from firmware_host.sim.host import HostBoard

        host = HostBoard()
        return Target("host", host.transport)
    if engine == "qemu":
        from firmware_host.sim import qemu

        arguments = [] if gdb is None else ["-gdb", f"tcp:127.0.0.1:{gdb}"]
        emulator = qemu.start(board, arguments)
        return Target(f"qemu:{board}", emulator.transport, emulator.tick_hz, emulator.close)
    if engine != "renode":  # another package's
        added = plugins.find(plugins.SIMULATORS, engine)(board)
        return Target(f"{engine}:{board}", added.transport, added.tick_hz, added.close)
    from firmware_host.sim import renode

    commands = [
        *([f"include @{script.absolute()}"] if script else []),
        *([f"machine StartGdbServer {gdb}"] if gdb else []),
    ]
    simulator = renode.start(board, commands)
    return Target(f"renode:{board}", simulator.transport, simulator.tick_hz, simulator.close)
