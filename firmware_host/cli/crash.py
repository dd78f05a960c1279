"""`wirq crash`: shows a trap report again: what happened, in which lines of which functions."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from firmware_host.cli.context import Context
from firmware_host.cli.modules import C_SUFFIXES, AppFile, load_app
from firmware_host.cli.traps import of_report
from firmware_host.errors import BadModule
from firmware_host.symbols import report as reports
from firmware_host.symbols.report import SHOWN, Report
from firmware_host.symbols.symbols import Symbols

_HELP = """Show the newest trap report, or FILE, as `run` and `call` keep them when a guest traps.

Without FILE it is the newest that a command in this directory left; if there is none, the newest of all.

Names and lines come from the app that was run, or from --app: a module with names and debug information, or its C file.
One of another build is refused, for its lines would be wrong.

\b
Examples:
  wirq crash
  wirq crash crash-20261121-091405.json --app app.wasm
"""


@click.command("crash", help=_HELP)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--app", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The app that trapped.")
@click.option("--force-symbols", is_flag=True, help="Use the app although it is of another build.")
@click.pass_obj
def command(context: Context, file: Path | None, app: Path | None, force_symbols: bool) -> None:
    path = _path(file)
    report = Report.load(path)
    loaded = _app(report, app, context)
    symbols = Symbols(loaded.module, loaded.stripped)
    if not force_symbols:
        symbols.check(report, loaded.name, path.name)
    explained = of_report(report, symbols, loaded.module_name)
    head = f"{report.app} (build {report.build[:SHOWN]}) on {report.board}, {report.when}"
    text = "\n".join((head, explained.headline, *explained.stack))
    context.result(text, report=report.to_json(), path=str(path), **explained.fields)


def _path(file: Path | None) -> Path:
    """The report that is meant: a file, or the name of one that was kept."""
    if file is None:
        newest = reports.newest(reports.here())
        if newest is None:
            hint = "wirq crash FILE shows one of your own"
            raise BadModule("no guest has trapped yet, so there is no report", hint=hint)
        return newest
    if file.suffix in (*C_SUFFIXES, ".wasm"):
        raise BadModule(f"{file.name} is an app, not a trap report", hint=f"wirq crash --app {shlex.quote(str(file))}")
    kept = reports.directory() / file.name
    if not file.exists() and file.name == str(file) and kept.is_file():
        return kept
    return file


def _app(report: Report, app: Path | None, context: Context) -> AppFile:
    found = app or (Path(report.app_file) if report.app_file else None)
    if found is None or not found.is_file():
        raise BadModule(
            f"{report.app}, of which the report is, is not where it was", hint="name it:  wirq crash --app APP.wasm"
        )
    return load_app(found, context)
