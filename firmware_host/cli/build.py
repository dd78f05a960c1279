"""`wirq build`: builds a board's firmware and prints what it takes of flash and RAM."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_host.cli.context import Context

_HELP = """Build the firmware of BOARD; without one, of the board that -b or WIRQ_BOARD names, else of `host`.

Only what has changed is compiled. VARIANT is one of the board's variants, or `sanitize` for the host board: address and
undefined-behaviour sanitizers, with gcc. For chips an Intel HEX file is made beside the ELF file.

--freeze makes a module, or C that is compiled to one, part of the image: it is run in place, from the image, when the
board boots, and needs no tool. It is listed by `wirq ls`; `wirq autostart` chooses another one or none.

\b
Examples:
  wirq build stm32f4
  wirq build stm32f4 --toolchain gcc
  wirq build host --variant sanitize
  wirq build microbit --freeze app.wasm
"""


@click.command("build", help=_HELP)
@click.argument("name", metavar="[BOARD]", required=False)
@click.option("--toolchain", metavar="KIND", help="zig (the default, from pip), gcc or clang; or WIRQ_TOOLCHAIN.")
@click.option("--variant", metavar="V", help="A variant of the board's firmware.")
@click.option("--define", multiple=True, metavar="K=V", help="A constant for all C files. May be repeated.")
@click.option(
    "--freeze",
    multiple=True,
    metavar="APP",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A module to put into the image; the first one runs at boot. May be repeated.",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Compilers at a time.")
@click.pass_obj
def command(
    context: Context,
    name: str | None,
    toolchain: str | None,
    variant: str | None,
    define: tuple[str, ...],
    freeze: tuple[Path, ...],
    jobs: int,
) -> None:
    from firmware_host.build import sizes
    from firmware_host.build.image import FrozenModule, Options, build
    from firmware_host.files import prepared

    name = name or board_of_selector(context.board_selector) or "host"
    modules = [prepared(path) for path in freeze]
    for module in modules:
        module.remember()
    frozen = tuple(FrozenModule.of(module.name, module.data) for module in modules)
    image = build(Options(name, toolchain, variant, _defines(define), frozen), jobs)
    size = sizes.firmware_size(image)
    files = [image.elf, *(file for kind in (".hex", ".uf2") if (file := image.elf.with_suffix(kind)).is_file())]
    lines = [f"{name}, {image.toolchain}: {_amount(len(image.compiled))}"]
    lines += [f"  {_shown(file)}" for file in files]
    lines += [f"  flash {_use(size.flash)}", f"  RAM   {_use(size.ram)}"]
    other = size.static - size.arena
    if size.ram.size is not None:
        lines.append(f"        arena {size.arena:,}, C stack {size.c_stack:,}, other variables {other:,}")
    lines += [f"  frozen {one.name}, {len(one.data):,} bytes" for one in frozen]
    context.result(
        "\n".join(lines),
        board=name,
        frozen=[one.name for one in frozen],
        toolchain=image.toolchain,
        files=[str(file) for file in files],
        compiled=list(image.compiled),
        flash_used=size.flash.used,
        flash_size=size.flash.size,
        ram_used=size.ram.used,
        ram_size=size.ram.size,
        arena_size=size.arena,
        c_stack_size=size.c_stack,
    )


def board_of_selector(selector: str | None) -> str | None:
    """The board's name in a selector such as qemu:stm32f4; None where a selector names no kind of board."""
    import os

    from firmware_host.selector import ENVIRONMENT_VARIABLE

    scheme, _, name = (selector or os.environ.get(ENVIRONMENT_VARIABLE) or "").rpartition(":")
    return name or None if scheme in ("", "qemu", "renode") else None


def _defines(texts: tuple[str, ...]) -> dict[str, str]:
    define = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name.isidentifier():
            raise click.UsageError(f"--define {text}: write NAME=VALUE")
        define[name] = value or "1"
    return define


def _amount(count: int) -> str:
    return "up to date" if not count else f"{count} file{'s' if count > 1 else ''} compiled"


def _use(memory: object) -> str:
    from firmware_host.build.sizes import Memory

    assert isinstance(memory, Memory)
    if memory.size is None:
        return f"{memory.used:,} bytes"
    return f"{memory.used:,} of {memory.size:,} bytes, {100 * memory.used / memory.size:.1f} %"


def _shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
