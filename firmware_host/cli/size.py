"""`wirq size`: what the VM and the whole firmware take of a board's flash and RAM."""

from __future__ import annotations

import click

from firmware_host.cli.build import board_of_selector
from firmware_host.cli.context import Context
from firmware_host.cli.tables import table

_HELP = """Print the flash of the VM by source file, its handler table in RAM, and flash and RAM of the whole firmware.

Without --board it is that of stm32f4. VM flash is text and read-only data of the VM's files after linking, without the
compiler's run-time library (soft float, 64-bit division).

\b
Examples:
  wirq size
  wirq size --board microbit --toolchain gcc --json
"""


@click.command("size", help=_HELP)
@click.option("--toolchain", metavar="KIND", help="zig (the default, from pip), gcc or clang; or WIRQ_TOOLCHAIN.")
@click.option("--variant", metavar="V", help="A variant of the board's firmware.")
@click.pass_obj
def command(context: Context, toolchain: str | None, variant: str | None) -> None:
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
    context.result(
        table((f"{name}, {image.toolchain}, {image.board.machine}", "bytes"), rows, right={1}),
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
    )
