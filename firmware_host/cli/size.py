"""`wirq size`: what the VM and the whole firmware take of a board's flash and RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firmware_host.cli.build import board_of_selector
from firmware_host.cli.context import Context
from firmware_host.cli.tables import table

if TYPE_CHECKING:
    from firmware_host.build.features import FeatureCost

_HELP = """Print the flash of the VM by source file, its handler table in RAM, and flash and RAM of the whole firmware.

Without --board it is that of stm32f4. VM flash is text and read-only data of the VM's files after linking, without the
compiler's run-time library (soft float, 64-bit division).

With --features it also prints what each feature of WebAssembly costs the VM in flash, by building the firmware once
without each: minutes the first time, seconds when nothing has changed.

\b
Examples:
  wirq size
  wirq size --board microbit --toolchain gcc --json
  wirq size --features
"""


@click.command("size", help=_HELP)
@click.option("--toolchain", metavar="KIND", help="zig (the default, from pip), gcc or clang; or WIRQ_TOOLCHAIN.")
@click.option("--variant", metavar="V", help="A variant of the board's firmware.")
@click.option("--features", is_flag=True, help="Print the cost of each feature option, too.")
@click.pass_obj
def command(context: Context, toolchain: str | None, variant: str | None, features: bool) -> None:
    from firmware_host.build import sizes
    from firmware_host.build.image import Options, build

    name = board_of_selector(context.board_selector) or "stm32f4"
    image = build(Options(name, toolchain, variant))
    vm, whole = sizes.vm_size(image), sizes.firmware_size(image)
    rows = [[file, f"{count:,}"] for file, count in vm.files.items()]
    rows += [["literals, padding", f"{vm.rest:,}"], ["VM, flash", f"{vm.flash:,}"]]
    rows.append([f"handler table, RAM ({vm.operations} operations)", f"{vm.handler_table_ram:,}"])
    rows.append(["whole firmware, flash", f"{whole.flash.used:,}"])
    rows.append(["whole firmware, RAM (arena and C stack included)", f"{whole.ram.used:,}"])
    found = _costs(context, name, toolchain) if features else []
    sizes_of_all = table((f"{name}, {image.toolchain}, {image.board.machine}", "bytes"), rows, right={1})
    context.result(
        "\n\n".join([sizes_of_all, *_features(found)]),
        board=name,
        toolchain=image.toolchain,
        machine=image.board.machine,
        vm_flash=vm.flash,
        vm_files=vm.files,
        vm_literals=vm.rest,
        handler_table_ram=vm.handler_table_ram,
        operations=vm.operations,
        flash_used=whole.flash.used,
        flash_size=whole.flash.size,
        ram_used=whole.ram.used,
        ram_size=whole.ram.size,
        arena_size=whole.arena,
        c_stack_size=whole.c_stack,
        features=[
            {"feature": cost.option.text, "on": cost.option.on, "flash": cost.flash, "without": list(cost.without)}
            for cost in found
        ],
    )


def _costs(context: Context, name: str, toolchain: str | None) -> list[FeatureCost]:
    from firmware_host.build.features import costs

    with context.progress("features", in_bytes=False) as progress:
        return list(costs(name, toolchain, progress=progress))


def _features(found: list[FeatureCost]) -> list[str]:
    """The table of costs, if there is one."""
    if not found:
        return []
    texts = {cost.option.name: cost.option.text for cost in found}
    rows = [
        [
            cost.option.text,
            f"{cost.flash:,}",
            "yes" if cost.option.on else "no",
            ", ".join(texts[name] for name in cost.without),
        ]
        for cost in found
    ]
    return [table(("feature of the VM", "bytes", "on", "measured without what needs it"), rows, right={1})]
