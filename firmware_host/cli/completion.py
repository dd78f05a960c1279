"""`wirq completion`: prints what a shell needs to complete commands, options, boards and files."""

from __future__ import annotations

import click

from firmware_host.cli.context import Context

_HELP = """Print the completion script of a shell: commands, options, boards and files are completed with it.

\b
Examples:
  eval "$(wirq completion bash)"                                  in ~/.bashrc
  eval "$(wirq completion zsh)"                                   in ~/.zshrc
  wirq completion fish > ~/.config/fish/completions/wirq.fish
"""


@click.command("completion", help=_HELP)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_obj
def command(context: Context, shell: str) -> None:
    from click.shell_completion import get_completion_class

    from firmware_host.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "wirq", "_WIRQ_COMPLETE").source().strip()
    context.result(script, script=script)


def boards(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Selectors that begin like this. Ports are looked at, none is opened."""
    from firmware_host import config
    from firmware_host.boards import known_boards, load_board
    from firmware_host.discovery import candidate_ports
    from firmware_host.errors import WirqError

    selectors = ["host"]
    try:
        selectors += list(config.load().boards)
        for name in known_boards():
            facts = load_board(name)
            selectors += [f"{engine}:{name}" for engine in ("qemu", "renode") if getattr(facts, engine)() is not None]
        selectors += [found.selector for found in candidate_ports()]
    except WirqError:
        pass  # a broken file is for the command to tell, not for the completion
    return [one for one in selectors if one.startswith(incomplete)]
