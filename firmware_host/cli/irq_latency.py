"""`wirq irq latency`: the instructions that an interrupt takes to its handler and back, counted in an emulator."""

from __future__ import annotations

import click

from firmware_host.bench import latency
from firmware_host.boards import load_board
from firmware_host.build import firmware
from firmware_host.cli.context import Context
from firmware_host.cli.tables import table

_HELP = """Count the instructions from a pended interrupt to its handler's first operation, on an emulated Cortex-M.

The button's line is set from outside while the main program is in a tight loop. What is printed is how often each count
was seen, its parts, and the bound that the board promises. Interrupts that come while the board answers this command
are left out.

\b
Examples:
  wirq irq latency
  wirq irq latency --board qemu:stm32f4 --count 1000 --json
"""

_WIDTH = 40


@click.command("latency", help=_HELP)
@click.option("--count", type=click.IntRange(1, 100_000), default=200, help="How many interrupts (200).")
@click.pass_obj
def command(context: Context, count: int) -> None:
    kind, _, name = (context.board_selector or "qemu:stm32f4").rpartition(":")
    if kind != "qemu":
        raise click.UsageError("instructions are counted in QEMU only: --board qemu:stm32f4")
    found = latency.measure(load_board(name), firmware(name), count=count)
    parts = {
        "request": "interrupt to safe point",
        "entry": "safe point to handler",
        "clock": "of that, reading the board's clock",
        "leaving": "handler's end to the interrupted operation",
    }
    context.result(
        listing(found, parts),
        board=found.board,
        raised=found.raised,
        counted=len(found.samples),
        bound=found.bound,
        latency=found.histogram(),
        entry_and_return=found.entry_and_return,
        parts={part: found.histogram(part) for part in parts},
    )


def listing(found: latency.Latency, parts: dict[str, str]) -> str:
    """A histogram, and below it the most that each part took."""
    counts = found.histogram()
    most = max(counts.values())
    rows = [(f"{n:,}", f"{times:,}", "#" * max(1, _WIDTH * times // most)) for n, times in counts.items()]
    lines = [table(("INSTRUCTIONS", "TIMES", ""), rows, right=(0, 1)), ""]
    lines.append(f"{len(found.samples):,} of {found.raised:,} interrupts: at most {found.most():,} instructions")
    lines += [f"  {text}: at most {found.most(part):,}" for part, text in parts.items()]
    lines.append(f"the VM's entry and return together, without the clock: at most {found.entry_and_return:,}")
    if found.bound is not None:
        lines.append(f"promised by wirq irq bound: {found.bound:,}")
    return "\n".join(lines)
