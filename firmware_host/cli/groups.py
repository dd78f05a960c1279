"""Commands that have commands below them."""

from __future__ import annotations

import click

from firmware_host.cli.context import Context


class Group(click.Group):
    """Tells the run's Context which command it is, by all of its words: `irq list`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        above = ctx.command_path.split()[1:]  # without the program's name
        ctx.ensure_object(Context).command = " ".join([*above, name or ""])
        return name, command, rest
