"""`wirq irq config`: the settings of a module's interrupt handlers, in its section wirq.cfg."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import click

from firmware_host.boards import known_boards, load_board
from firmware_host.cli.context import Context
from firmware_host.cli.modules import is_c, load_app
from firmware_host.cli.output import write_file
from firmware_host.cli.tables import table
from firmware_host.cli.times import TimeType
from firmware_host.cli.usage import Misuse
from firmware_host.errors import BadModule, WirqError
from firmware_host.wasm import HandlerSettings, Module, read_settings, write_settings
from firmware_host.wasm.settings import CLASSES, IMPORT_BITS, POLICIES

_HELP = """Show or change what the module APP says about the handler of SOURCE.

The settings are a custom section, wirq.cfg, which every other engine skips; a board reads them when it loads APP.
Without options they are shown. With options they are written: into APP itself, or with -o into another file. C (.c) is
compiled first, and needs -o then.

\b
Examples:
  wirq irq config app.wasm
  wirq irq config app.wasm button --priority 0 --fuel 2000 --policy contain
  wirq irq config app.wasm timer --latency 50us -o app-bound.wasm
  wirq irq config app.wasm uart --allow wirq.pend --allow env.log
  wirq irq config app.wasm button --clear
"""


#: Bytes of the smallest stack there is, of two cells. What a handler needs is more, and a board refuses less than that.
_LEAST_STACK = 8


@click.command("config", help=_HELP)
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("source", required=False)
@click.option("--class", "class_", type=click.Choice(CLASSES), help="When the handler may run.")
@click.option("--priority", type=click.IntRange(0, 7), help="Its level, 0 is the most urgent; ...:N in its name wins.")
@click.option("--policy", type=click.Choice(POLICIES), help="What becomes of a handler that traps or overruns.")
@click.option("--fuel", type=click.IntRange(0, 0xFFFFFFFE), help="Control operations of one run, 0: no limit.")
@click.option("--deadline", type=TimeType(), metavar="TIME", help="How long one run may take, 0us: no limit.")
@click.option("--interval", type=TimeType(), metavar="TIME", help="The least time between two runs.")
@click.option("--latency", type=TimeType(), metavar="TIME", help="The bound demanded; a board that cannot refuses.")
@click.option("--stack", type=click.IntRange(0), metavar="BYTES", help="Its part of the level's wasm stack.")
@click.option("--shadow-stack", type=click.IntRange(0, 0xFFFFFFF0), metavar="ADDRESS", help="Top of its C stack.")
@click.option("--section", type=click.IntRange(0, 0xFFFE), help="Longest critical section, in control operations.")
@click.option("--allow", multiple=True, metavar="IMPORT", help="It may call MODULE.NAME, and no other import.")
@click.option("--forbid", multiple=True, metavar="IMPORT", help="It may not call MODULE.NAME.")
@click.option("--ring/--no-ring", default=None, help="It needs a ring of records: a board without them refuses APP.")
@click.option("--clear", is_flag=True, help="Forget what was set for SOURCE, or for all.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write this file, not APP.")
@click.pass_obj
def command(
    context: Context,
    app: Path,
    source: str | None,
    class_: str | None,
    priority: int | None,
    policy: str | None,
    fuel: int | None,
    deadline: int | None,
    interval: int | None,
    latency: int | None,
    stack: int | None,
    shadow_stack: int | None,
    section: int | None,
    allow: tuple[str, ...],
    forbid: tuple[str, ...],
    ring: bool | None,
    clear: bool,
    output: Path | None,
) -> None:
    module = load_app(app, context).module
    data = module.data
    if stack is not None and 0 < stack < _LEAST_STACK:
        raise click.UsageError(f"--stack {stack}: a stack has {_LEAST_STACK} bytes at least; 0 is its whole level's")
    names = source_names(context.board_selector)
    before = {one.source: one for one in read_settings(data)}
    number = None if source is None else source_number(source, names)
    changes: dict[str, Any] = {
        "class_": None if class_ is None else CLASSES.index(class_) + 1,
        "priority": None if priority is None else priority + 1,
        "policy": None if policy is None else POLICIES.index(policy),
        "fuel": fuel,
        "deadline_us": deadline,
        "interval_us": interval,
        "latency_us": latency,
        "stack_bytes": stack,
        "shadow_stack": shadow_stack,
        "section": section,
        "forbidden": forbidden(module, allow, forbid),
        "ring": None if ring is None else int(ring),
    }
    changes = {key: value for key, value in changes.items() if value is not None}
    if class_ == "forced" and module.exported_function("asyncify_get_state") is not None:
        raise BadModule(
            f"{app.name} has been rewritten by asyncify: its code is never interrupted by force",
            hint="its handlers can be quiescent, which is what they are by default",
        )
    after = dict(before)
    if is_c(app) and output is None and (changes or clear):
        raise Misuse(f"{app.name} is C, and settings are kept in a module", hint=f"add -o {app.stem}.wasm")
    if changes and number is None:
        raise click.UsageError("name the SOURCE whose handler that is for")
    if clear:
        after = {} if number is None else {key: one for key, one in after.items() if key != number}
    if changes and number is not None:
        after[number] = replace(after.get(number, HandlerSettings(number)), **changes)
    shown = [after[key] for key in sorted(after) if number in (None, key)]
    if changes or clear:
        written = write_settings(data, [after[key] for key in sorted(after)])
        target = output or app
        write_file(target, written)
        if number is not None and not clear and not _has_handler(module, number, names):
            context.note(f"{app.name} exports no handler irq:{names.get(number, number)}: this is for wirq.attach")
    else:
        target = app
    context.result(
        listing(shown, names, module) if shown else f"{target.name} has no settings, all is as by default",
        file=str(target),
        settings=[{"name": names.get(one.source), **asdict(one)} for one in shown],
    )


def source_names(selector: str | None) -> dict[int, str]:
    """Names of the sources of the board that is meant, or of those that all boards have."""
    board = (selector or "host").rpartition(":")[2]
    try:
        return {one.number: one.name for one in load_board(board if board in known_boards() else "host").irq_sources}
    except WirqError:
        return {}


def source_number(text: str, names: dict[int, str]) -> int:
    """The number of a source that is named or numbered. Raises BadParameter."""
    if text.isdecimal() and int(text) < IMPORT_BITS:
        return int(text)
    for number, name in names.items():
        if name == text:
            return number
    there = ", ".join(f"{number} {name}" for number, name in sorted(names.items()))
    raise click.BadParameter(f"there is no source {text!r}; there are {there}", param_hint="SOURCE")


def _functions(module: Module) -> list[str]:
    return [f"{one.module}.{one.name}" for one in module.imports if one.kind == 0]


def forbidden(module: Module, allow: tuple[str, ...], forbid: tuple[str, ...]) -> int | None:
    """The setting of the same name: a bit for each imported function, the last one for all from there on."""
    if not allow and not forbid:
        return None
    functions = _functions(module)
    for name in (*allow, *forbid):
        if name not in functions:
            there = ", ".join(functions) or "none"
            raise BadModule(f"the module imports no function {name}", hint=f"its imports: {there}")
    bits = 0
    last = IMPORT_BITS - 1
    for index, name in enumerate(functions):
        if name in forbid or (allow and name not in allow):
            bits |= 1 << min(index, last)
    for index, name in enumerate(functions):
        if index >= last and bits >> last & 1 and name in allow:
            raise BadModule(f"{name} is import {index}: those from {last} on can only be allowed or forbidden together")
    return bits


def _has_handler(module: Module, number: int, names: dict[int, str]) -> bool:
    said = {str(number), names.get(number, str(number))}
    return any(one.name.startswith("irq:") and one.name.split(":")[1] in said for one in module.exports)


def listing(settings: list[HandlerSettings], names: dict[int, str], module: Module) -> str:
    """One row for each setting that is not as by default."""
    functions = _functions(module)
    rows = []
    for one in settings:
        source = f"{one.source} {names.get(one.source, '')}".rstrip()
        for key in (field.name for field in fields(one) if field.name != "source"):
            value = getattr(one, key)
            if value:
                rows.append((source, key.rstrip("_"), _said(key, value, functions)))
    return table(("SOURCE", "SETTING", "VALUE"), rows) if rows else "all is as by default"


def _said(key: str, value: int, functions: list[str]) -> str:
    if key == "class_":
        return CLASSES[value - 1] if value <= len(CLASSES) else str(value)
    if key == "priority":
        return str(value - 1)
    if key == "policy":
        return POLICIES[value] if value < len(POLICIES) else str(value)
    if key == "forbidden":
        bit = [index for index in range(len(functions)) if value >> min(index, IMPORT_BITS - 1) & 1]
        return ", ".join(functions[index] for index in bit)
    if key == "ring":
        return "needed"
    if key == "shadow_stack":
        return hex(value)
    units = {"fuel": " control operations", "section": " control operations", "stack_bytes": " bytes"}
    return f"{value:,}{' us' if key.endswith('_us') else units.get(key, '')}"
