"""Traps through linked modules: each level of the stack is told in the words of the module that it is of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmware_host import Board, TrapError, sent
from firmware_host.cli.main import run
from firmware_host.cli.traps import of_report, trap_of_error
from firmware_host.symbols.report import Report
from firmware_host.symbols.symbols import Symbols
from firmware_host.wasm import Module
from firmware_host.wast.assemble import assemble

#: Function 0 of one is not function 0 of the other.
LIBRARY = b"""(module $library
  (func $unused)
  (func $divide (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))"""
PROGRAM = b"""(module $program
  (import "library" "divide" (func $divide (param i32 i32) (result i32)))
  (func $half (param i32) (result i32) (call $divide (local.get 0) (i32.const 0)))
  (func $start (export "start") (result i32) (call $half (i32.const 7))))"""


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sent, "_folder", lambda: tmp_path / "sent")
    return tmp_path / "sent"


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Of a trap in the library, which the program has called."""
    program = tmp_path / "program.wasm"
    program.write_bytes(assemble(PROGRAM))
    library = tmp_path / "library.wasm"
    library.write_bytes(assemble(LIBRARY))
    with Board.connect("host") as board:
        board.load(library).register("library")
        instance = board.load(program, keep=True)
        with pytest.raises(TrapError, match=r"integer divide by zero in function 1 \(divide\)") as error:
            instance.call("start")
        return board.report(trap_of_error(error.value), instance)


def test_each_level_has_the_name_and_the_place_in_its_own_module(report: Report) -> None:
    frames = Symbols(Module.parse(assemble(PROGRAM))).frames(report)
    assert [(frame.name, frame.module) for frame in frames] == [
        ("divide", "library.wasm"),
        ("half", ""),
        ("start", ""),
    ]
    library = assemble(LIBRARY)
    at = frames[0].module_offset
    assert at is not None
    assert library[at] == 0x6D  # i32.div_s
    program = assemble(PROGRAM)
    assert frames[1].module_offset is not None
    assert program[frames[1].module_offset] == 0x10  # call


def test_the_headline_names_the_module_that_trapped(report: Report) -> None:
    explained = of_report(report, Symbols(Module.parse(assemble(PROGRAM))), "program.wasm")
    assert explained.headline.startswith("trap: integer divide by zero at library.wasm+0x")
    assert explained.stack[0].endswith("(library.wasm)")
    assert "library" not in explained.stack[1]


def test_a_module_that_was_not_sent_from_here_is_told_by_its_build(report: Report, kept: Path) -> None:
    for file in kept.iterdir():
        file.unlink()
    frames = Symbols(Module.parse(assemble(PROGRAM))).frames(report)
    [linked] = report.linked
    assert [frame.name for frame in frames] == [f"function 1 of build {linked.build[:6]}", "half", "start"]


def test_a_report_that_was_kept_tells_the_same(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    saved = report.save(tmp_path / "reports")
    assert run(["crash", str(saved), "--app", str(tmp_path / "program.wasm")]) == 0
    out = capsys.readouterr().out
    assert "trap: integer divide by zero at library.wasm+0x" in out
    assert "#0 divide" in out


def test_a_report_of_an_earlier_version_is_read(report: Report) -> None:
    values = report.to_json()
    del values["instance"], values["linked"]
    values["places"] = values["places"][1:]
    old = Report.from_json(values)
    assert old.instance == report.places[1].instance
    assert [frame.name for frame in Symbols(Module.parse(assemble(PROGRAM))).frames(old)] == ["half", "start"]
