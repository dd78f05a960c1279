"""Which internal operations, pairs and triples of them the kernels execute: what decides on fused operations.

    python -m firmware_host.bench.profile --half tuning

Every kernel counts the same: figures are shares of its own dispatches, averaged. Tune by the tuning
half, check by the other.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from firmware_host.bench import suite
from firmware_host.bench.counting import Profile
from firmware_host.boards import load_board
from firmware_host.errors import WirqError
from firmware_host.symbols.operations import operations


@dataclass(frozen=True)
class Average:
    """Shares of dispatches, in percent, averaged over kernels; and instructions per operation over all of them."""

    ones: Counter[tuple[str, ...]]
    pairs: Counter[tuple[str, ...]]
    triples: Counter[tuple[str, ...]]
    instructions: dict[tuple[str, ...], float]
    per_dispatch: float


def average(profiles: Iterable[Profile], names: Sequence[str]) -> Average:
    """The mean of the profiles, with operations by name."""
    chosen = [profile for profile in profiles if profile.dispatches]
    ones: Counter[tuple[str, ...]] = Counter()
    pairs: Counter[tuple[str, ...]] = Counter()
    triples: Counter[tuple[str, ...]] = Counter()
    times: Counter[tuple[str, ...]] = Counter()
    instructions: Counter[tuple[str, ...]] = Counter()
    for profile in chosen:
        weight = 100 / profile.dispatches / len(chosen)
        counts: Sequence[tuple[Any, Mapping[Any, int]]] = (
            (ones, {(number,): n for number, n in profile.times.items()}),
            (pairs, profile.pairs),
            (triples, profile.triples),
        )
        for total, found in counts:
            for numbers, n in found.items():
                total[tuple(names[number] for number in numbers)] += n * weight
        for number, n in profile.times.items():
            times[(names[number],)] += n
            instructions[(names[number],)] += profile.instructions[number]
    mean = sum(sum(p.instructions.values()) / p.dispatches for p in chosen) / len(chosen) if chosen else 0.0
    return Average(ones, pairs, triples, {key: instructions[key] / n for key, n in times.items()}, mean)


@click.command()
@click.argument("names", nargs=-1, metavar="[KERNEL]...")
@click.option("--half", type=click.Choice(suite.HALVES), help="Only the kernels of that half.")
@click.option("--arithmetic", type=click.Choice(suite.ARITHMETIC), help="Only the kernels of that arithmetic.")
@click.option("--board", default="stm32f4", show_default=True, metavar="NAME", help="A board that QEMU plays.")
@click.option("--toolchain", metavar="KIND", help="zig or gcc: compiles the firmware.")
@click.option("--top", default=40, show_default=True, help="Rows of each list.")
def main(
    names: tuple[str, ...], half: str | None, arithmetic: str | None, board: str, toolchain: str | None, top: int
) -> None:
    """Profiles the internal operations that the kernels execute: singles, pairs and triples, most frequent first."""
    chosen = [
        kernel
        for kernel in suite.kernels(names)
        if half in (None, kernel.half) and arithmetic in (None, kernel.arithmetic)
    ]
    try:
        profiles = suite.profiles(load_board(board), chosen, toolchain=toolchain)
    except WirqError as error:
        click.echo(f"error: {error}" + (f"\n  {error.hint}" if error.hint else ""), err=True)
        sys.exit(error.exit_code)
    found = average(profiles.values(), [operation.name for operation in operations()])
    click.echo(f"{', '.join(profiles)}: {found.per_dispatch:.2f} instructions per dispatch")
    for title, counts in (("operations", found.ones), ("pairs", found.pairs), ("triples", found.triples)):
        click.echo(f"\n{title}, percent of dispatches" + (", instructions each" if counts is found.ones else ""))
        for key, share in counts.most_common(top):
            each = f" {found.instructions[key]:6.1f}" if counts is found.ones else ""
            click.echo(f"{share:7.2f}{each}  {' '.join(key)}")


if __name__ == "__main__":
    main()
