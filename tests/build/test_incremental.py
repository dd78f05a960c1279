"""Compiling again does what a change needs and nothing else."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_host.announce import listen
from firmware_host.build import toolchains
from firmware_host.build.incremental import Unit, compile_units, exclusively
from firmware_host.errors import BuildError


class Tree:
    """Two C files, one of which includes a header, in a directory whose name has a space."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "with space"
        self.directory.mkdir()
        self.header = self.directory / "shared.h"
        self.header.write_text("#define VALUE 1\n")
        self.user = self.directory / "user.c"
        self.user.write_text('#include "shared.h"\nint value = VALUE;\n')
        self.loner = self.directory / "loner.c"
        self.loner.write_text("int loner = 2;\n")
        compiler = toolchains.find("cortex-m0", "zig")
        self.command = (*compiler.command, *compiler.row.flags)

    def compile(self, *flags: str, identity: str = "zig") -> list[str]:
        units = [Unit(file, f"{file.stem}.o", (*self.command, *flags)) for file in (self.user, self.loner)]
        done = compile_units(units, self.directory / "obj", cwd=self.directory, identity=identity, jobs=2)
        return sorted(unit.object_name for unit in done)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    assert tree.compile() == ["loner.o", "user.o"]
    return tree


def test_nothing_is_compiled_twice(tree: Tree) -> None:
    assert tree.compile() == []


def test_a_changed_header_compiles_those_that_include_it(tree: Tree) -> None:
    tree.header.write_text("#define VALUE 7\n")
    assert tree.compile() == ["user.o"]
    assert tree.compile() == []


def test_a_file_that_was_only_touched_is_not_compiled(tree: Tree) -> None:
    for file in (tree.header, tree.user):
        os.utime(file, ns=(1, 1))
    assert tree.compile() == []


def test_other_flags_or_another_compiler_compile_everything(tree: Tree) -> None:
    assert tree.compile("-Os") == ["loner.o", "user.o"]
    assert tree.compile("-Os", identity="zig, next version") == ["loner.o", "user.o"]


def test_a_missing_object_is_made_again(tree: Tree) -> None:
    (tree.directory / "obj" / "loner.o").unlink()
    assert tree.compile() == ["loner.o"]


def test_an_error_names_file_and_line_and_stays_until_it_is_mended(tree: Tree) -> None:
    tree.loner.write_text("int loner = ;\n")
    for _ in range(2):
        with pytest.raises(BuildError, match=r"compiling loner\.c failed(.|\n)*loner\.c:1:"):
            tree.compile()
    tree.loner.write_text("int loner = 2;\n")
    assert tree.compile() == ["loner.o"]


def test_an_error_in_one_file_does_not_lose_the_work_on_another(tree: Tree) -> None:
    tree.loner.write_text("int loner = ;\n")
    tree.user.write_text('#include "shared.h"\nint value = VALUE + 1;\n')
    with pytest.raises(BuildError):
        tree.compile()
    tree.loner.write_text("int loner = 3;\n")
    assert tree.compile() == ["loner.o"]


def test_waiting_for_a_build_of_another_process_is_announced(tmp_path: Path) -> None:
    directory = tmp_path / "stm32f4-zig"
    script = (
        "import select, sys; from pathlib import Path; from firmware_host.build.incremental import exclusively\n"
        "with exclusively(Path(sys.argv[1])): print('held', flush=True); select.select([sys.stdin], [], [], 10)"
    )
    told: list[str] = []

    def end_the_other(text: str) -> None:
        told.append(text)
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()

    def listened() -> None:
        listen(end_the_other)
        with exclusively(directory):
            assert other.wait(10) == 0  # it held the lock until it was told to end
        with exclusively(directory):
            pass

    command = [sys.executable, "-c", script, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        contextvars.copy_context().run(listened)
    assert told == ["waiting for another process, which builds stm32f4-zig …"]
