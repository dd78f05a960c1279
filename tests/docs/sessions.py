"""Runs the terminal sessions of a page and compares what they print with what the page shows.

A session is a block of the language `console`: `$ ` begins a command, `> ` goes on with it, everything else is what it
prints on the terminal. `…` alone on a line stands for any number of lines. Times and build ids are masked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from firmware_host import resources
from tests.docs.pages import ROOT, Block

#: Words that a block may carry.
OPTIONS = {
    "console": {"not-run", "needs", "unordered", "figures"},
    "c": {"file"},
    "python": {"file"},
    "toml": {"file"},
    "text": set[str](),
}

#: Why a session is not run by the tests: the only reasons that count.
NOT_RUN = {
    "setup": "it sets up the checkout that the tests run in",
    "hardware": "it needs a board of one's own",
    "keyboard": "it needs somebody who types",
    "suites": "it needs the public test suites beside the checkout",
}

_SECONDS = 300

_MASKS = (
    (re.compile(r"\[\d\d:\d\d:\d\d\.\d{3}\]"), "[TIME]"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "ID"),
    (re.compile(r"\(build [0-9a-f]{6}\)"), "(build ID)"),
    (re.compile(r"\b\d+ (us|ms)\b"), r"N \1"),
    (re.compile(r"\bcrash-\d{8}-\d{6}(-\d+)?\.json"), "crash-TIME.json"),
    (re.compile(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), " TIME"),
    (re.compile(r'"time": "[^"]*"'), '"time": "TIME"'),
    (re.compile(r'"build": "[0-9a-f]{6}"'), '"build": "ID"'),
    (re.compile(r" +$", re.MULTILINE), ""),
)
_FIGURE = re.compile(r"\d[\d,.]*")
_BOX = re.compile(r"[━─┏┓┗┛┡┩┳┻╇│┃ ]+")


@dataclass
class Step:
    """One command and what it prints."""

    command: str
    output: list[str] = field(default_factory=list)


def steps(block: Block) -> list[Step]:
    """The commands of a session."""
    found: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        elif line.startswith("> ") and found and found[-1].command.endswith("\\") and not found[-1].output:
            found[-1].command += f"\n{line[2:]}"
        else:
            assert found, f"line {block.line}: a session begins with a command"
            found[-1].output.append(line)
    return found


def masked(text: str, *, figures: bool = False) -> str:
    """The text without what differs from run to run; without any figure, if only the words are compared."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return _BOX.sub(" ", _FIGURE.sub("N", text)) if figures else text


def figures_agree(shown: list[str], printed: list[str], per_cent: float) -> bool:
    """Whether every figure is within so many per cent of the one that is shown. The words are known to agree."""
    pairs = zip(_figures(shown), _figures(printed), strict=True)
    return all(abs(now - before) <= before * per_cent / 100 for before, now in pairs)


def _figures(lines: list[str]) -> list[float]:
    return [float(figure.rstrip(".,").replace(",", "")) for line in lines for figure in _FIGURE.findall(line)]


def agrees(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines are the same, where `…` stands for any number of them."""
    if not shown:
        return not printed
    if shown[0] == "…":
        return any(agrees(shown[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and agrees(shown[1:], printed[1:])


class Terminal:
    """A directory that looks like the checkout, with `wirq` and `python` on PATH."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "wirq"
        self.directory.mkdir()
        for entry in ROOT.iterdir():
            if not entry.name.startswith(".") and entry.name != "build":
                (self.directory / entry.name).symlink_to(entry)
        programs = directory / "bin"
        programs.mkdir()
        for name, arguments in (("wirq", " -m firmware_host.cli.main"), ("python", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
            (programs / name).chmod(0o755)
        # Guests compiled here stay here; firmware and plugins that were built before are used.
        cache = directory / "cache"
        cache.mkdir()
        for built in ("firmware", "insncount", "symbols"):
            (resources.cache_dir() / built).mkdir(exist_ok=True)
            (cache / built).symlink_to(resources.cache_dir() / built)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WIRQ_")},
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "WIRQ_CACHE": str(cache),
            "XDG_CONFIG_HOME": str(directory / "config"),
            "XDG_STATE_HOME": str(directory / "state"),
            "COLUMNS": "120",
            "TERM": "dumb",
        }
        self._status = 0

    def write(self, block: Block) -> None:
        """Saves a block under the name that it gives."""
        path = self.directory / block.options["file"]
        path.unlink(missing_ok=True)  # a link to the project's own, as of pyproject.toml: not through it
        path.write_text(block.text, encoding="utf-8")

    def run(self, command: str) -> str:
        """What a command prints. `echo $?` tells the status of the one before."""
        if command == "echo $?":
            status, self._status = self._status, 0
            return f"{status}\n"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        self._status = done.returncode
        return done.stdout.replace(self._environment["XDG_STATE_HOME"], "~/.local/state")  # where it is by default


def is_run(block: Block) -> bool:
    """Whether the block is a session that the tests run."""
    return block.language == "console" and "not-run" not in block.options


def is_missing(block: Block) -> str | None:
    """The program that the block needs and that is not there."""
    needed = block.options.get("needs")
    return needed if needed and shutil.which(needed) is None else None


def differences(terminal: Terminal, block: Block, page: str) -> list[str]:
    """Runs a session; one text for each command that printed something else or failed without the page showing it."""
    wrong = []
    session = steps(block)
    figures = "figures" in block.options
    for number, step in enumerate(session):
        printed = terminal.run(step.command)
        shown = [masked(line, figures=figures) for line in step.output]
        lines = [masked(line, figures=figures) for line in printed.splitlines()]
        same = sorted(shown) == sorted(lines) if "unordered" in block.options else agrees(shown, lines)
        if same and block.options.get("figures"):
            same = figures_agree(step.output, printed.splitlines(), float(block.options["figures"]))
        is_shown = number + 1 < len(session) and session[number + 1].command == "echo $?"
        if not same or (terminal._status != 0 and not is_shown):
            wrong.append(
                f"{page}:{block.line}: $ {step.command}\nshown:\n{_indented(step.output)}\n"
                f"printed (status {terminal._status}):\n{_indented(printed.splitlines())}"
            )
    return wrong


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
