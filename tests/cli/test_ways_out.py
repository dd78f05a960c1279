"""Errors name the way out that applies to what was given: to C, to text, to a board that is never flashed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Wirq

FIB = (
    '__attribute__((export_name("fib"))) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\n'
    "int main(void) { return fib(3); }\n"
)


@pytest.fixture
def fib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """C that exports a function, but not its main, in the working directory."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "fib.c"
    source.write_text(FIB)
    return source


def hints(wirq: Wirq, *arguments: str | Path) -> list[str]:
    """What is said below the one error."""
    ran = wirq(*arguments)
    assert ran.code != 0
    lines = ran.err.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[:1], ran.err
    return [line.strip() for line in lines[1:]]


def test_c_without_an_exported_main_is_told_of_the_header_first(wirq: Wirq, fib: Path) -> None:
    header = '#include "wirq_guest.h" in it: that exports main'
    assert hints(wirq, "-b", "host", "run", fib) == [
        header,
        "it exports fib: wirq call fib.c EXPORT calls one",
    ]
    fib.write_text("int main(void) { return 0; }\n")
    assert hints(wirq, "-b", "host", "run", fib) == [header]
    fib.write_text(f'#include "wirq_guest.h"\n{FIB}')
    assert wirq("-b", "host", "run", fib).code == 1  # main's own answer


@pytest.mark.parametrize("header", ["stdio.h", "string.h", "sys/time.h"])
def test_a_header_of_the_c_library_is_told_to_be_none(wirq: Wirq, fib: Path, header: str) -> None:
    fib.write_text(f"#include <{header}>\n{FIB}")
    told = hints(wirq, "-b", "host", "run", fib)
    assert told[-1].startswith(f"there is no C library, so no {header}: wirq_guest.h has wirq_print")
    assert not any("it was: " in line for line in told)
    told = wirq("-b", "host", "-v", "run", fib).err.splitlines()
    assert told[-2].strip().startswith("there is no C library")
    assert told[-1].strip().startswith("it was: ")


def test_a_header_of_ones_own_is_not_taken_for_one_of_the_c_library(wirq: Wirq, fib: Path) -> None:
    fib.write_text(f'#include "sensors.h"\n{FIB}')
    told = hints(wirq, "-b", "host", "run", fib)
    assert any("'sensors.h' file not found" in line for line in told)
    assert not any("library" in line or "it was: " in line for line in told)


def test_a_function_that_is_nowhere_is_told_of_the_missing_library_too(wirq: Wirq, fib: Path) -> None:
    fib.write_text('int printf(const char *, ...);\n#include "wirq_guest.h"\nint main(void) { return printf(""); }\n')
    told = hints(wirq, "-b", "host", "run", fib)
    assert "undefined symbol: printf" in told[0]
    assert "there is no C library" in told[-1]


@pytest.mark.parametrize("text", ["(module)\n", "\n  ;; empty\n(module)\n"])
@pytest.mark.parametrize("command", [("-b", "host", "run"), ("-b", "host", "call"), ("irq", "config"), ("inspect",)])
def test_text_is_told_how_to_become_a_module(
    wirq: Wirq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "app.wat"
    source.write_text(text)
    [hint] = hints(wirq, *command, source, *(("main",) if "call" in command else ()))
    assert "wat2wasm app.wat -o app.wasm, or wasm-tools parse app.wat -o app.wasm" in hint


def test_the_settings_of_c_are_shown_and_written_into_a_module(wirq: Wirq, fib: Path) -> None:
    assert wirq("irq", "config", fib).out == "fib.c has no settings, all is as by default\n"
    for change in (("button", "--fuel", "3"), ("--clear",)):
        assert hints(wirq, "irq", "config", fib, *change) == ["add -o fib.wasm"]
    assert fib.read_text() == FIB
    assert wirq("irq", "config", fib, "button", "--fuel", "3", "-o", "fib.wasm").code == 0
    assert "3 control operations" in wirq("irq", "config", "fib.wasm").out


def test_settings_of_what_is_no_module_are_refused_by_its_name(wirq: Wirq, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    ran = wirq("irq", "config", other)
    assert ran.code == 6
    assert ran.err.startswith("error: notes.txt is refused: ")
    assert ran.err.endswith("\n  give a binary module (.wasm) or a C file (.c)\n")


def test_c_needs_no_shrinking_and_is_told_so(wirq: Wirq, fib: Path) -> None:
    ran = wirq("shrink", fib)
    assert ran.code == 6
    assert "wirq compiles it to a memory of single bytes" in ran.err
    assert "__heap_base" not in ran.err
    assert list(fib.parent.glob("*.shrunk.wasm")) == []


@pytest.mark.parametrize(
    ("board", "selector"), [("host", "host"), ("virt", "qemu:virt"), ("mps2-an505", "qemu:mps2-an505")]
)
def test_a_board_that_is_not_flashed_is_told_how_it_runs(wirq: Wirq, board: str, selector: str) -> None:
    told = hints(wirq, "flash", "-b", board)
    assert told[0] == f"it needs no flashing:  wirq -b {selector} run APP"
    assert told[1].startswith("what is flashed:  wirq flash -b hifive1 | ")
    assert board not in told[1].split()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("bench", "fib.c", "fib", "10"), "wirq bench fib.c --invoke fib 10"),
        (("-b", "qemu:stm32f4", "bench", "fib.c", "fib", "-5"), "wirq -b qemu:stm32f4 bench fib.c --invoke fib -5"),
        (("bench", "a b.c"), "wirq bench 'a b.c' --invoke EXPORT"),
    ],
)
def test_bench_without_its_option_shows_the_command_that_was_meant(
    wirq: Wirq, given: tuple[str, ...], meant: str
) -> None:
    assert hints(wirq, *given) == [meant]
    assert wirq("--json", *given).last["hint"] == meant


def test_one_argument_is_no_plural(wirq: Wirq, fib: Path) -> None:
    for given, told in (((), "1 argument, not 0"), (("1", "2"), "1 argument, not 2")):
        ran = wirq("-b", "host", "call", fib, "fib", *given)
        assert ran.code == 2
        assert ran.err.startswith(f"error: fib has type [i32] -> [i32]: {told}\n")
