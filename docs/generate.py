#!/usr/bin/env python3
"""Writes the generated parts of README.md and docs/: python docs/generate.py

Such a part stands between `<!-- generated: NAME -->` and `<!-- end -->`; PARTS says what each name is made of. The rest
of a page is written by hand. A test compares every part with what this makes of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import click  # noqa: E402

from firmware_host import errors, status  # noqa: E402
from firmware_host.boards import BoardFacts, known_boards, load_board  # noqa: E402
from firmware_host.cli.main import COMMANDS, cli, global_options  # noqa: E402
from firmware_host.link import table as link  # noqa: E402
from tests.coverage import explained  # noqa: E402
from tests.wast import conformance as suites  # noqa: E402
from vm.ops import document  # noqa: E402
from vm.ops.document import table  # noqa: E402

_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


# ---- boards


def amount(size: int) -> str:
    """Bytes in the largest unit that gives a whole number."""
    unit = next(shift for shift in (30, 20, 10, 0) if size % (1 << shift) == 0)
    return f"{size >> unit} { {30: 'GiB', 20: 'MiB', 10: 'KiB', 0: 'bytes'}[unit] }"


def flashing(board: BoardFacts) -> str:
    """The ways by which `wirq flash` brings the firmware onto the chip."""
    if not board.flashers:
        if board.ram is None:
            return "nothing to flash: a process"
        return "emulator only, for conformance suites" if board.conformance_only else "emulator only"
    ways = []
    for row in board.flashers:
        drive = f" to the drive `{row.volume}`" if row.volume else ""
        ways.append(f"`{row.driver}`{drive}")
    return ", ".join(ways)


def selectors(board: BoardFacts) -> str:
    names = ["host"] if board.ram is None else [f"{kind}:{board.name}" for kind in ("qemu", "renode")]
    there = {"host": True, "qemu": board.qemu() is not None, "renode": board.renode() is not None}
    return ", ".join(f"`{name}`" for name in names if there[name.partition(":")[0]])


def boards() -> str:
    """Name, part, memory, emulators and flashing of every board."""
    rows = []
    for board in sorted(map(load_board, known_boards()), key=lambda b: (b.ram is not None, b.conformance_only, b.name)):
        memory = [amount(region.size) if region else "–" for region in (board.flash, board.ram)]
        arena = amount(board.vm.arena_size)
        rows.append((f"`{board.name}`", board.title, *memory, arena, selectors(board), flashing(board)))
    header = ("name", "what it is", "flash", "RAM", "of it for the VM", "`--board`", "how it is flashed")
    return table(header, rows)


# ---- statuses and features


def _statuses(kind: Callable[[int], bool]) -> str:
    rows = [(s.code, f"`{s.name}`", s.text, s.hint) for s in status.statuses().values() if kind(s.code)]
    return table(("code", "name `WIRQ_…`", "what happened", "what to do"), rows)


def built_features() -> set[str]:
    """Names of the features that vm/src/config.h builds unless it is told otherwise: always, or by an option."""
    config = (ROOT / "vm" / "src" / "config.h").read_text(encoding="utf-8")
    always = re.findall(r"1u << WIRQ_FEATURE_(\w+)", config)
    options = re.findall(r"#define WIRQ_WITH_(\w+) ([01])\n", config)
    assert always and options
    return {*always, *(name for name, value in options if value == "1")}


def features() -> str:
    built = built_features()
    rows = []
    for feature in status.features().values():
        standing = "built in" if feature.name in built else "refused by this name"
        rows.append((feature.bit, f"`{feature.text}`", standing, f"`{feature.flag}`" if feature.flag else ""))
    return table(("bit", "feature", "standing", "compiler flag that avoids it"), rows)


def refused_features() -> str:
    built = built_features()
    names = [feature.text for feature in status.features().values() if feature.name not in built]
    return ", ".join(names) + ".\n"


# ---- the example of an embedder


def embed() -> str:
    """The example whole, as a file that the page's session compiles."""
    source = (ROOT / "examples" / "embed" / "embed.c").read_text(encoding="utf-8")
    return f"```c file=embed.c\n{source}```\n"


# ---- conformance


def conformance() -> str:
    """Commands that passed, by group and board, as the last run on each board kept them."""
    boards = [selector for selector in suites.BOARDS if suites.kept_path(selector).exists()]
    figures = {selector: suites.kept(selector) for selector in boards}
    rows = []
    for group in suites.GROUPS:
        host = figures["host"].groups[group]
        skipped = ", ".join(f"{n:,} {name}" for name, n in host.items() if name != "passed")
        rows.append((f"`{group}`", *(_passed(figures[one].groups.get(group, {})) for one in boards), skipped or "–"))
    totals = [sum(counts.get("passed", 0) for counts in figures[one].groups.values()) for one in boards]
    rows.append(("all", *(f"{total:,}" for total in totals), ""))
    return table(("group", *(f"`{one}`" for one in boards), "skipped on `host`"), rows)


def _passed(counts: Mapping[str, int]) -> str:
    too_large = counts.get(suites.DOES_NOT_FIT, 0)
    return f"{counts.get('passed', 0):,}" + (f" (+ {too_large:,})" if too_large else "")


def too_large() -> str:
    """Files that a board has no room for, with the reason that its first such command gave."""
    parts = []
    for selector in suites.BOARDS:
        rows = suites.kept(selector).too_large if suites.kept_path(selector).exists() else {}
        if rows:
            lines = [(f"`{unit}`", f"{ran:,}", f"{out:,}", why) for unit, (ran, out, why) in sorted(rows.items())]
            head = ("file", "passed", "do not fit", "because")
            parts.append(f"### `{selector}`: {len(rows)} files\n\n" + table(head, lines))
    return "\n".join(parts)


# ---- lines that no test reaches


def unreached() -> str:
    rows = []
    for one in explained.explanations():
        rows.append((f"`{one.file}`", "<br>".join(f"`{line}`" for line in one.lines), one.why))
    return table(("file", "lines", "why"), rows)


# ---- the link


def _fields(fields: link.Fields) -> str:
    return ", ".join(f"`{name}` {kind}" for name, kind in fields) or "–"


def _numbers(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items()) + "\n"


def link_frames() -> str:
    return (
        f"Protocol {link.PROTOCOL_MAJOR}.{link.PROTOCOL_MINOR}.\n\n"
        + table(
            ("what", "fields, in order"),
            [
                ("header, in every frame", _fields(link.HEADER)),
                ("payload of hello", _fields(link.HELLO)),
                ("payload of welcome", _fields(link.WELCOME)),
                ("payload of stamp", _fields(link.STAMP)),
                ("response after a status other than 0", _fields(link.FAILURE)),
            ],
        )
        + "\n"
        + table(
            ("numbers", ""),
            [
                ("kinds", _numbers(link.KINDS).strip()),
                ("of these sequenced, and sent again until acknowledged", ", ".join(link.SEQUENCED)),
                ("channels", _numbers(link.CHANNELS).strip()),
                ("stores", _numbers(link.STORES).strip()),
                ("flags of `app.instantiate`", _numbers(link.INSTANTIATE_FLAGS).strip()),
                ("flags of `irq.show`", _numbers(link.IRQ_FLAGS).strip()),
                ("states of `app.state`", _numbers(link.APP_STATES).strip()),
                ("`hz` of `control.set_tick`", "{least:,} to {most:,}".format(**link.TICK_HZ)),
            ],
        )
    )


def link_commands() -> str:
    rows = []
    for command in link.COMMANDS:
        name = f"`{command.channel}.{command.name}`" + (", deferred" if command.deferred else "")
        rows.append((name, command.number, _fields(command.request), _fields(command.response), _help(command.help)))
    return table(("command", "number", "request", "response after status 0", "does"), rows)


def link_events() -> str:
    rows = [(f"`{e.channel}.{e.name}`", e.number, _fields(e.fields), _help(e.help)) for e in link.EVENTS]
    return table(("event", "number", "fields", "says"), rows)


def _help(text: str) -> str:
    # Some rows cite a chapter of a document that is not part of the project.
    return re.sub(r" \(\w+\.md [^)]*\)", "", text)


# ---- the command line


def _option_rows(options: list[click.Option]) -> str:
    rows = []
    for option in options:
        flags = ", ".join(f"`{flag}`" for flag in option.opts)
        value = "" if option.is_flag or option.count else f"`{_value_name(option)}`"
        rows.append((flags, value, option.help or ""))
    return table(("option", "value", "means"), rows)


def _value_name(option: click.Option) -> str:
    return option.metavar or ("N" if isinstance(option.type, click.IntRange) else option.type.name.upper())


_CONTEXT = click.Context(cli)
_GLOBAL = {flag for option in global_options() for flag in option.opts}


def _command(name: str, command: click.Command) -> Iterator[str]:
    below = command.commands.items() if isinstance(command, click.Group) else ()
    if not below:
        arguments = [piece for piece in command.collect_usage_pieces(_CONTEXT) if piece != "[OPTIONS]"]
        yield f"### `{' '.join([name, *arguments])}`\n\n"
        text, _, examples = (command.help or "").partition("\b\n")
        yield " ".join(text.split()) + "\n\n"
        own = [p for p in command.params if isinstance(p, click.Option) and not _GLOBAL.intersection(p.opts)]
        if own:
            yield _option_rows(own) + "\n"
        if examples:
            yield "```text\n" + "\n".join(line.strip() for line in examples.rstrip().splitlines()[1:]) + "\n```\n\n"
    for child, one in below:
        yield from _command(f"{name} {child}", one)


def cli_commands() -> str:
    parts: list[str] = []
    for name in COMMANDS:
        command = cli.get_command(_CONTEXT, name)
        assert command is not None
        parts += _command(f"wirq {name}", command)
    return "".join(parts).rstrip("\n") + "\n"


def exit_codes() -> str:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.WirqError)]
    rows = []
    for code, text in errors.EXIT_CODES:
        of_it = [f"`{c.__name__}`" for c in classes if c.exit_code == code and c is not errors.WirqError]
        rows.append((code, text, ", ".join(of_it) or "–"))
    return table(("code", "meaning", "exceptions in Python"), rows)


# ---- all of it

PARTS: Mapping[str, Callable[[], str]] = {
    "embed": embed,
    "boards": boards,
    "refused-features": refused_features,
    "features": features,
    "conformance": conformance,
    "too-large": too_large,
    "unreached": unreached,
    "traps": lambda: _statuses(lambda code: 1 <= code < 32),
    "refusals": lambda: _statuses(lambda code: 32 <= code < 112),
    "interrupt-errors": lambda: _statuses(lambda code: 112 <= code < 128),
    "link-errors": lambda: _statuses(lambda code: 128 <= code < 240),
    "inner-answers": lambda: _statuses(lambda code: code == 0 or code >= 240),
    "link-frames": link_frames,
    "link-commands": link_commands,
    "link-events": link_events,
    "cli-global-options": lambda: _option_rows(global_options()),
    "cli-commands": cli_commands,
    "exit-codes": exit_codes,
    **{f"ops-{name}": make for name, make in document.SECTIONS.items()},
}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def part_names(text: str) -> list[str]:
    """Names of the generated parts of a page."""
    return [found[2] for found in _PART.finditer(text)]


def renewed(text: str) -> str:
    """The page with all its generated parts made anew. Raises KeyError for a name that is not in PARTS."""

    def fill(found: re.Match[str]) -> Any:
        return f"{found[1]}{PARTS[found[2]]()}{found[4]}"

    return _PART.sub(fill, text)


def main() -> int:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        new = renewed(text)
        if new != text:
            page.write_text(new, encoding="utf-8")
            print(f"written: {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
