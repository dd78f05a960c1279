"""What `wirq repl` does with a line: a few words are the tool's own, everything else is the board's console's."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from firmware_host.boards import known_boards, load_board
from firmware_host.cli.attached import Attached
from firmware_host.cli.call import argument_cells, function_type
from firmware_host.cli.context import Context
from firmware_host.cli.modules import AppFile, load_app, send
from firmware_host.cli.traps import explained_errors
from firmware_host.errors import LinkError, WirqError
from firmware_host.instance import Instance
from firmware_host.values import format_value, split_results
from firmware_host.wasm import Kind

#: The tool's own words, and what they do.
OWN = {
    "load": "FILE: compile it if it is C, send it, and make an instance of it",
    "call": "EXPORT ARGS…: call an export of the loaded module with values of its own types",
    "exports": "the functions that the loaded module exports, with their types",
    "irq show": "SOURCE: all that is known of it, its handler by name",
    "irq bound": "how long interrupts wait for their handlers at most",
}

#: Commands of the board's console: boards/firmware/console_commands.c.
CONSOLE = ("help", "info", "ps", "irq", "peek", "pins", "ls", "df", "rm", "run", "boot")
_IRQ = ("list", "raise", "mask", "unmask", "show", "bound")
#: Those of them that a source's name follows.
_OF_SOURCES = ("raise", "mask", "unmask", "show")


class ReplSession:
    """A board, what is loaded on it, and a way to answer."""

    def __init__(self, context: Context, attached: Attached, show: Callable[[bytes], None]) -> None:
        self._context = context
        self._attached = attached
        self._show = show
        self._file: AppFile | None = None
        self._instance: Instance | None = None

    def do(self, line: str) -> None:
        """Does what a line says and shows the answer, an error too. Raises LinkError when the board has gone."""
        try:
            words = shlex.split(line)
        except ValueError:  # an odd quotation mark is the board's to judge
            words = line.split()
        try:
            if words and words[0] == "irq" and " ".join(words[:2]) in OWN:
                self._irq(words[1], words[2:])
            elif not words or words[0] not in OWN:
                self._attached.board.console.write_line(line)
                if words == ["help"]:
                    self._say("of the tool:")
                    for name, what in OWN.items():
                        self._say(f"  {name:<11}{what}")
            elif words[0] == "load":
                self._load(words[1:])
            elif words[0] == "call":
                self._call(words[1:])
            else:
                self._say(*self._exports())
        except LinkError:
            raise
        except click.UsageError as error:
            self._say(f"error: {error.message}")
        except WirqError as error:
            self._say(f"error: {error}", *([f"  {error.hint}"] if error.hint else []))

    def forget(self) -> None:
        """The board was restarted: nothing is loaded on it."""
        self._instance = None

    def completions(self, before: str) -> Iterator[tuple[str, str]]:
        """Words that may stand where the last one of `before` is typed, with a remark each."""
        words = before.split()
        typed = "" if not before or before[-1].isspace() else words.pop()
        for word, remark in self._candidates(words, typed):
            if word.startswith(typed):
                yield word, remark

    def _candidates(self, words: list[str], typed: str) -> Iterator[tuple[str, str]]:
        if not words:
            yield from ((name, what) for name, what in OWN.items() if " " not in name)
            yield from ((name, "") for name in CONSOLE)
        elif words == ["load"]:
            yield from _files(typed)
        elif words == ["call"]:
            yield from self._functions()
        elif words == ["irq"]:
            yield from ((verb, "") for verb in _IRQ)
        elif words[0] == "irq" and words[1] in _OF_SOURCES and len(words) == 2:
            name = self._attached.board.info.name
            sources = load_board(name).irq_sources if name in known_boards() else ()
            yield from ((source.name, f"source {source.number}") for source in sources)

    def _irq(self, verb: str, words: list[str]) -> None:
        """The verbs that the board's console does not have."""
        from firmware_host.cli import irq, irq_bound

        board = self._attached.board
        if verb == "show":
            if len(words) != 1:
                self._say("error: which source?", "  irq show SOURCE")
                return
            [info] = board.irq_named([board.irq_show(board.irq_number(words[0]))])
            self._say(irq.details(info))
            return
        sources = [source for source in board.irq_sources() if source.attached]
        bounds = [board.irq_bound(source.number) for source in sources]
        self._say(irq_bound.listing(sources, bounds) if sources else "no source has a handler")

    def _functions(self) -> Iterator[tuple[str, str]]:
        if self._file is not None:
            for export in self._file.module.exports:
                if export.kind == Kind.FUNCTION:
                    yield export.name, str(self._file.module.exported_function(export.name))

    def _exports(self) -> list[str]:
        if self._file is None:
            return ["error: no module is loaded", "  load FILE"]
        return [f"{name}  {type_}" for name, type_ in self._functions()] or [f"{self._file.name} exports no function"]

    def _load(self, words: list[str]) -> None:
        if len(words) != 1 or not Path(words[0]).is_file():
            self._say(f"error: {' '.join(words) or 'nothing'} is no file; nothing was sent", "  load FILE")
            return
        file = load_app(Path(words[0]), self._context)
        board = self._attached.board
        self._file, self._instance = None, None
        send(board, file, replace(self._context, verbosity=-1))  # no bar: the prompt owns the terminal
        with explained_errors(board, file):
            self._instance = board.instantiate()
        self._file = file
        self._say(f"{file.name} is loaded (build {file.build}): " + ", ".join(name for name, _ in self._functions()))

    def _call(self, words: list[str]) -> None:
        if self._file is None or self._instance is None:
            self._say("error: no module is loaded; nothing was called", "  load FILE")
            return
        if not words:
            self._say("error: which export?", *self._exports())
            return
        type_ = function_type(self._file, words[0])
        cells = argument_cells(words[0], type_, tuple(words[1:]))
        with explained_errors(self._attached.board, self._file, self._instance):
            result = self._instance.invoke(words[0], cells)
        for kind, part in zip(type_.results, split_results(type_.results, result), strict=True):
            self._say(format_value(kind, part))

    def _say(self, *lines: str) -> None:
        for line in lines:
            self._show(f"{line}\n".encode())


def _files(typed: str) -> Iterator[tuple[str, str]]:
    """Modules and C files, and directories on the way to them."""
    directory = Path(typed).parent if not typed.endswith("/") else Path(typed)
    with contextlib.suppress(OSError):
        for entry in sorted(directory.iterdir()):
            if entry.is_dir() and not entry.name.startswith("."):
                yield f"{entry}/", ""
            elif entry.suffix in (".wasm", ".c"):
                yield str(entry), ""
