"""Pages lead somewhere: links, names of commands and files are those that exist, on every machine."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from firmware_host.cli.main import COMMANDS, cli
from tests.docs.pages import ROOT, Page, all_pages, pages
from tests.docs.sessions import steps

ALL = pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)

#: Files of a reader's own, in commands that only show a form.
_PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*")
_TREES = ("vm/", "boards/", "guests/", "examples/", "benchmarks/", "tests/", "firmware_host/", "docs/", "tools/")


@ALL
def test_links_lead_to_files_and_headings(page: Page) -> None:
    by_path = {one.path: one for one in all_pages()}
    for target in page.links:
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.path.parent / name).resolve() if name else page.path
        assert file.exists(), f"{page.name}: {target}"
        assert file.is_relative_to(ROOT), f"{page.name}: {target} leaves the project"
        assert not anchor or anchor in by_path[file].anchors, f"{page.name}: {target}: no such heading"


@ALL
def test_files_that_are_named_exist(page: Page) -> None:
    for span in page.code_spans:
        path = span.split(":")[0].split(" ")[0]
        if path.startswith(_TREES) and _PATH.fullmatch(path):
            assert (ROOT / path).exists(), f"{page.name}: {span}"


def test_every_page_can_be_reached_from_the_first() -> None:
    by_path = {page.path: page for page in all_pages()}
    reached = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in by_path:
            continue
        reached.add(path)
        names = (target.partition("#")[0] for target in by_path[path].links)
        waiting += [(path.parent / name).resolve() for name in names if name and "://" not in name]
    assert {page.name for page in all_pages()} - {by_path[path].name for path in reached} == set()


def command_lines(page: Page) -> list[str]:
    """Every command line that the page shows or mentions, placeholders included."""
    lines = [span for span in page.code_spans if span.startswith("wirq ")]
    for block in page.blocks:
        if block.language == "console":
            commands = "\n".join(step.command for step in steps(block)).replace("\\\n", " ")
            lines += re.findall(r"(?:^|[|;] *)(wirq .*)", commands, re.MULTILINE)
        elif block.language == "text":
            lines += re.findall(r"^(wirq .*)$", block.text, re.MULTILINE)
    return lines


_WITH_A_VALUE = ("-b", "--board", "--timeout")


def check_command_line(line: str) -> None:
    """Raises click.UsageError if a command, an option or their order is not what the tool knows."""
    words = shlex.split(line.replace("…", "").replace("[", "").replace("]", ""), comments=True)[1:]
    command: click.Command = cli
    context = click.Context(cli)
    flags = {flag for parameter in cli.params for flag in parameter.opts}
    for number, word in enumerate(words):
        if word in ("|", ">", "COMMAND"):
            break
        if word.startswith("-") and word not in ("-", "--") and not re.fullmatch(r"-[\d.]+", word):
            if word.partition("=")[0] not in flags:
                raise click.UsageError(f"{line}: {command.name} has no option {word}")
        elif isinstance(command, click.Group) and (number == 0 or words[number - 1] not in _WITH_A_VALUE):
            below = command.get_command(context, word)
            if below is None:
                raise click.UsageError(f"{line}: {command.name} has no command {word}")
            command = below
            flags = {flag for parameter in command.params for flag in parameter.opts} | {"--help", "-h"}


@ALL
def test_commands_and_options_that_are_named_exist(page: Page) -> None:
    for line in command_lines(page):
        check_command_line(line)


def test_a_command_or_option_that_does_not_exist_is_noticed() -> None:
    for wrong in ("flahs", "run app.c --rise button", "irq unpend", "-b host list", "--bord host"):
        with pytest.raises(click.UsageError):
            check_command_line(f"wirq {wrong}")
    for right in ("-b host irq raise button --count 3", "call app.wasm scale -1.5 | cat", "run APP [--raise SOURCE]"):
        check_command_line(f"wirq {right}")


def test_every_command_is_documented() -> None:
    mentioned = {word for page in pages() for line in command_lines(page) for word in line.split()}
    assert set(COMMANDS) <= mentioned


@ALL
def test_nothing_names_one_machine(page: Page) -> None:
    wrong = re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users|opt|mnt|usr/local)/\S*", page.text)
    assert not wrong, page.name


@ALL
def test_lines_end_in_text(page: Page) -> None:
    for number, line in enumerate(page.text.splitlines(), 1):
        assert line == line.rstrip(), f"{page.name}:{number}"
    assert page.text.endswith("\n")
