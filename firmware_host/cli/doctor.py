"""`wirq doctor`: checks what wirq needs on this machine and prints what would bring the rest."""

from __future__ import annotations

from dataclasses import asdict

import click

from firmware_host.cli.context import Context
from firmware_host.cli.tables import table

_HELP = """Check compilers, emulators, Python packages, serial ports and the firmware of attached boards.

Prints the command that brings what is missing; runs none. Exit code 8 if something is missing that is always needed.
With --fix it prints the commands only, one a line. A port given with --board is looked at whatever its adapter is.

\b
Examples:
  wirq doctor
  wirq doctor --fix
"""

_MARKS = {"ok": "ok", "missing": "MISSING", "optional": "not there", "warning": "look here"}


def _chosen_port(context: Context) -> str | None:
    """The port that --board means, by itself or by a name of the user's."""
    if context.board_selector is None:
        return None
    from firmware_host import config

    entry = config.load().boards.get(context.board_selector)
    selector = entry.selector if entry else context.board_selector
    if selector.startswith("port:"):
        return selector.removeprefix("port:")
    if not selector.startswith("id:"):  # those are looked at anyhow
        context.note(f"doctor looks at what is attached; {selector} needs no looking at")
    return None


@click.command("doctor", help=_HELP)
@click.option("--fix", is_flag=True, help="Print just the commands that bring what is missing. Runs none.")
@click.pass_obj
def command(context: Context, fix: bool) -> int:
    from firmware_host import doctor
    from firmware_host.errors import ToolMissing

    findings = list(doctor.examine(_chosen_port(context)))
    usable = doctor.is_usable(findings)
    fixes = list(dict.fromkeys(finding.fix for finding in findings if finding.fix))
    if fix:
        text = "\n".join(fixes)
    else:
        rows = [[_MARKS[finding.state], finding.what, finding.detail] for finding in findings]
        text = table(("", "WHAT", "STATE"), rows)
        for finding in findings:
            if finding.fix:
                text += f"\n{finding.what}:  {finding.fix}"
    context.result(text or None, ok=usable, findings=[asdict(finding) for finding in findings], fixes=fixes)
    return 0 if usable else ToolMissing.exit_code
