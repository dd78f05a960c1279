"""`wirq info`: what a board is, what its build of the VM can do, and where its memory went."""

from __future__ import annotations

from dataclasses import asdict

import click

from firmware_host import status
from firmware_host.cli.context import Context
from firmware_host.cli.tables import table

_HELP = """Tell what a board is: its firmware, the features of WebAssembly that its build has, its memory.

A module that needs a feature which the build does not have is refused with the feature's name, the function and the
byte. Which features a build has is decided by options in vm/src/config.h.

\b
Examples:
  wirq info
  wirq -b qemu:microbit info --json
"""


@click.command("info", help=_HELP)
@click.pass_obj
def command(context: Context) -> None:
    with context.connect() as board:
        info, memory, selector = board.info, board.memory(), board.selector
    known = [feature.text for feature in status.features().values()]
    absent = [name for name in known if name not in info.features]
    newer = sorted(info.features.difference(known))
    present = [name for name in known if name in info.features] + newer
    store = f"{info.store_kind}, {info.store_size:,} bytes" if info.store_size else info.store_kind
    rows = [
        ("board", f"{info.name} ({selector})"),
        ("firmware", f"{info.vm_version}, build {info.build_id}, link protocol {info.protocol[0]}.{info.protocol[1]}"),
        ("unique id", info.unique_id if info.unique_id.strip("0") else "none"),
        ("memory for the VM", f"{info.arena_size:,} bytes, {memory.arena_used:,} in use, of it VM {memory.vm_bytes:,}"),
        ("largest free block", f"{memory.arena_largest_free:,} bytes"),
        ("store for uploads", store),
        ("code of stored modules", "RAM" if info.code_kind == "ram" else f"{info.code_kind}, if there is room"),
        ("operations", f"{info.operations}"),
        ("features", ", ".join(present)),
        ("refused by name", ", ".join(absent) or "none"),
    ]
    context.result(
        table(("", ""), rows).lstrip("\n"),
        board=info.name,
        selector=selector,
        info={**asdict(info), "features": present},
        absent_features=absent,
        memory=asdict(memory),
    )
