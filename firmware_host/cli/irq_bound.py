"""`wirq irq bound`: how long an interrupt waits for its handler at most, and what that is made of."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from firmware_host import status
from firmware_host.cli.context import Context
from firmware_host.cli.modules import load_app, send
from firmware_host.cli.tables import table
from firmware_host.errors import BoardError
from firmware_host.info import SourceInfo
from firmware_host.latency import LatencyBound

_HELP = """Show how long interrupts wait for their handlers, at most, and what that is the sum of.

APP, a module (.wasm) or a C file (.c), is loaded into the board, which computes the bounds; nothing of it runs but its
start function. Without APP the bounds are those of what the board has loaded, with the handlers attached by now.

RAISE is the interrupt itself, up to the request for a safe point. WAIT is for that safe point: the longest run of
operations between two, a chunk of a bulk operation or the longest function of the board, whichever takes longest.
DELIVER is the entry into the handler. HANDLERS are those of other sources that come first, as their budgets allow.
SECTION is the longest critical section that the settings allow. Writing to flash is not in it, and neither is the
source's own interval. `wirq irq config` sets budgets, and the bound that a module demands.

\b
Examples:
  wirq irq bound app.wasm --board qemu:stm32f4
  wirq irq bound blink.c --json
  wirq -b host irq bound
"""


@click.command("bound", help=_HELP)
@click.argument("app", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def command(context: Context, app: Path | None) -> None:
    file = None if app is None else load_app(app, context)
    with context.connect() as board:
        if file is not None:
            send(board, file, context)
            board.instantiate()
        sources = [source for source in board.irq_sources() if source.attached]
        try:
            bounds = {source.number: board.irq_bound(source.number) for source in sources}
        except BoardError as error:
            if error.code != status.code("NOT_SUPPORTED"):
                raise
            raise BoardError(
                f"the firmware of {board.info.name} computes no bounds",
                hint="its board.toml has no [latency]; wirq irq list shows the worst wait that was seen",
                code=error.code,
            ) from error
    if not sources:
        context.result("no source has a handler", bounds=[])
        return
    fields = [{"name": source.name, **asdict(bounds[source.number])} for source in sources]
    context.result(listing(sources, list(bounds.values())), bounds=fields)


def listing(sources: list[SourceInfo], bounds: list[LatencyBound]) -> str:
    """The table of the bounds, and what there is to say of them."""
    header = ("SOURCE", "NAME", "LEVEL", "RAISE", "WAIT", "DELIVER", "HANDLERS", "SECTION", "TOTAL", "TIME", "DEMANDED")
    rows = [_row(source, bound) for source, bound in zip(sources, bounds, strict=True)]
    names = {source.number: source.name for source in sources}
    lines = [table(header, rows, right=(0, *range(2, len(header)))), ""]
    lines.append(f"in {bounds[0].unit}; the longest run between two safe points is {bounds[0].gap} operations")
    for unlimited in sorted({bound.unlimited for bound in bounds if bound.unlimited is not None}):
        late = ", ".join(names[bound.source] for bound in bounds if bound.unlimited == unlimited)
        lines.append(f"the handler of {names[unlimited]} has no budget, so there is no bound for {late}:")
        lines.append(f"  wirq irq config APP {names[unlimited]} --fuel N limits it to N control operations a run")
    return "\n".join(lines)


def _row(source: SourceInfo, bound: LatencyBound) -> tuple[str, ...]:
    parts = (bound.raise_, bound.wait, bound.deliver, bound.handlers, bound.section)
    return (
        str(source.number),
        source.name,
        str(source.priority),
        *(f"{part:,}" for part in parts),
        "none" if bound.total is None else f"{bound.total:,}",
        "-" if bound.us is None else f"{bound.us:,} us",
        "-" if bound.demanded_us is None else f"{bound.demanded_us:,} us",
    )
