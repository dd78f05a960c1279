"""What the documentation shows is what happens: its sessions are run, with its programs, in the order of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Block, Page, pages
from tests.docs.sessions import NOT_RUN, OPTIONS, Terminal, agrees, differences, is_missing, is_run, masked, steps

#: Pages whose commands take more than a few seconds.
SLOW = ("docs/explanation/measurements.md", "docs/how-to/embed-the-vm.md")

RUN = [
    pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in pages()
    if any(is_run(block) for block in page.blocks)
]


@pytest.mark.parametrize("page", RUN)
def test_a_page_shows_what_its_commands_print(page: Page, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    wrong: list[str] = []
    left_out = []
    for block in page.blocks:
        if "file" in block.options:
            terminal.write(block)
        elif is_run(block):
            if missing := is_missing(block):
                left_out.append(f"line {block.line} needs {missing}")
            else:
                wrong += differences(terminal, block, page.name)
    assert not wrong, "\n\n".join(["", *wrong])
    if left_out:
        pytest.skip(f"SKIPPED in {page.name}: {', '.join(left_out)}")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_blocks_say_what_they_are(page: Page) -> None:
    for block in page.blocks:
        where = f"{page.name}:{block.line}"
        assert block.language in OPTIONS, where
        assert set(block.options) <= OPTIONS[block.language], where
        assert block.language not in ("c", "python") or "file" in block.options, f"{where}: a program has a name"
        assert block.options.get("not-run", "setup") in NOT_RUN, where


def test_every_program_is_used_by_a_session_after_it() -> None:
    for page in pages():
        for number, block in enumerate(page.blocks):
            name = block.options.get("file") if block.language in ("c", "python") else None
            later = "".join(one.text for one in page.blocks[number + 1 :] if "not-run" not in one.options)
            assert name is None or name in later, f"{page.name}:{block.line}: nothing runs {name}"


def test_a_session_that_prints_something_else_is_noticed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    right = Block("console", {}, "$ echo one; echo two\none\n…\n$ sh -c 'exit 3'\n$ echo $?\n3\n", 1)
    assert differences(terminal, right, "page") == []
    for text in (
        "$ echo one\ntwo\n",
        "$ echo one\n",
        "$ echo one\none\ntwo\n",
        "$ sh -c 'exit 3'\n",
        "$ true\n$ echo $?\n3\n",
    ):
        assert differences(terminal, Block("console", {}, text, 1), "page"), text
    unordered = Block("console", {"unordered": ""}, "$ echo one; echo two\ntwo\none\n", 1)
    assert differences(terminal, unordered, "page") == []
    figures = Block("console", {"figures": ""}, "$ echo 1,234 bytes\n99 bytes\n", 1)
    assert differences(terminal, figures, "page") == []
    for figure, right_so in (("1,100", True), ("900", True), ("1,101", False), ("899", False)):
        near = Block("console", {"figures": "10"}, f"$ echo {figure} bytes\n1,000 bytes\n", 1)
        assert (differences(terminal, near, "page") == []) is right_so


def test_a_command_may_have_several_lines() -> None:
    block = Block("console", {}, "$ echo a \\\n>     b\na b\n", 1)
    assert [(step.command, step.output) for step in steps(block)] == [("echo a \\\n    b", ["a b"])]


def test_only_times_and_ids_are_masked() -> None:
    assert masked("[09:38:07.613] started (build e9c3d0)") == masked("[10:00:00.000] started (build 012345)")
    assert masked("3245 primes") != masked("3246 primes")
    assert masked("    16 us") == masked("    9 us") != masked("    9 ns")


def test_an_ellipsis_stands_for_any_lines_but_no_others() -> None:
    assert agrees(["a", "…", "z"], ["a", "z"])
    assert agrees(["a", "…", "z"], ["a", "b", "c", "z"])
    assert not agrees(["a", "…", "z"], ["a", "b"])
    assert not agrees(["a"], ["a", "b"])
