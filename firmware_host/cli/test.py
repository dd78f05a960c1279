"""`wirq test`: Robot and pytest suites over targets, in one report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from firmware_host.cli.context import Context
from firmware_host.errors import ToolMissing
from firmware_host.testing.outcome import Outcome
from firmware_host.testing.targets import Target

_HELP = """Run Robot suites and pytest tests, PATHS or without them wirq's own, on each target.

TARGET is the name of one that comes with wirq, such as qemu-stm32f4 or hw-microbit, a file of one's own (.json), a
board selector, such as port:/dev/ttyACM0, or `all`: every one but real boards. hw-NAME is the attached board that
answers as NAME. Without --on it is the board that -b names, else the one that every command would take.

pytest's tests get each board by the fixture `board`. What a target does not offer is left out and said so, and a
target whose program is missing is SKIPPED, never passed. After real boards comes the list of what only hands and eyes
can tell.

\b
Examples:
  wirq test --on host --on qemu-stm32f4 --junit report.xml
  wirq test my_tests suites/blink.robot --on port:/dev/ttyACM0
  wirq test --on all -k "storm or stop"
  wirq test --on hw-microbit --checklist
"""


@click.command("test", help=_HELP)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--on", "names", multiple=True, metavar="TARGET", help="What to run on. May be repeated.")
@click.option(
    "-k", "expression", default="", metavar="EXPRESSION", help="Only tests whose names fulfil this, as in pytest."
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write one JUnit report."
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where logs and consoles of all targets go (the cache's directory `results`).",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Targets at a time.")
@click.option("--checklist", is_flag=True, help="Run nothing: print what to try by hand on these boards.")
@click.pass_obj
@click.pass_context
def command(
    ctx: click.Context,
    context: Context,
    paths: tuple[Path, ...],
    names: tuple[str, ...],
    expression: str,
    junit: Path | None,
    output: Path | None,
    jobs: int,
    checklist: bool,
) -> None:
    from firmware_host import resources
    from firmware_host.selector import choose
    from firmware_host.testing import expression as expressions
    from firmware_host.testing import junit as reports
    from firmware_host.testing import targets as there
    from firmware_host.testing.suites import Suites, robot_log

    targets = there.find(names or [choose(context.board_selector, context.note)])
    if checklist:
        _checklists(context, targets)
        return
    expressions.matches(expression or "any", "")  # wrong ones are refused before anything runs
    suites = Suites.of(paths) if paths else Suites.own()
    targets = [there.reached(target, context.timeout) for target in targets]
    output = output or resources.cache_dir() / "results"
    outcomes = suites.run(targets, output, expression, jobs, lambda outcome: _say(context, outcome))
    if not outcomes:
        raise click.UsageError(
            f"-k {expression!r} selects no test" if expression else "no test can run on these targets"
        )
    log = robot_log(outcomes, output)
    if junit is not None:
        reports.write(outcomes, junit)
    skipped = [outcome for outcome in outcomes if outcome.skipped]
    if len(skipped) == len(outcomes):
        raise ToolMissing(f"nothing was tested: {skipped[0].target}: {skipped[0].skipped}", hint="wirq doctor")
    hardware = [target for target in targets if target.hardware]
    for target in hardware:
        context.say(f"\n{_checklist(target)}")
    context.result(
        _ending(outcomes, log, junit),
        ok=all(outcome.ok for outcome in outcomes),
        outcomes=[asdict(outcome) | {"ok": outcome.ok} for outcome in outcomes],
        log=None if log is None else str(log),
        junit=None if junit is None else str(junit),
        checklists={target.name: _checklist(target) for target in hardware},
    )
    ctx.exit(0 if all(outcome.ok for outcome in outcomes) else 1)


def _say(context: Context, outcome: Outcome) -> None:
    """A target's lines, as soon as it has ended."""
    lines = [outcome.line]
    lines += [f"           left out, {count}: needs {reason}" for reason, count in outcome.left_out.items()]
    lines += [f"           {failure}" for failure in outcome.failures]
    context.emit("outcome", "\n".join(lines), **asdict(outcome), ok=outcome.ok)


def _ending(outcomes: list[Outcome], log: Path | None, junit: Path | None) -> str:
    passed, failed = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("passed", "failed"))
    errors = sum(1 for outcome in outcomes if outcome.error)
    lines = [f"{passed} passed, {failed} failed" + (f", {errors} could not run" if errors else "")]
    lines += [f"log: {log}"] if log else []
    lines += [f"report: {junit}"] if junit else []
    skipped = list(dict.fromkeys(outcome.target for outcome in outcomes if outcome.skipped))
    if skipped:
        lines.append(f"*** SKIPPED, not passed: {', '.join(skipped)} ***")
    return "\n".join(lines)


def _checklist(target: Target) -> str:
    from firmware_host.boards import load_board
    from firmware_host.testing.checklist import text

    return text(load_board(target.board))


def _checklists(context: Context, targets: list[Target]) -> None:
    real = [target for target in targets if target.hardware]
    if not real:
        raise click.UsageError("--checklist is for real boards, such as --on hw-microbit")
    lists = {target.name: _checklist(target) for target in real}
    context.result("\n\n".join(lists.values()), checklists=lists)
