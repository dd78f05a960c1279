"""An exception that nobody catches is told with its tag's name and its values, and kept in the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from firmware_host import Board, TrapError
from firmware_host.cli.traps import trap_of_error
from firmware_host.symbols.report import Report, directory
from firmware_host.symbols.symbols import Symbols
from firmware_host.wasm import Module
from firmware_host.wast.assemble import assemble
from tests.symbols.conftest import Wirq, last

TEXT = b"""(module
  (tag $overflow (param i32 f64 i64))
  (tag $plain (export "plain"))
  (tag $unnamed (param f32))
  (func $inner (param i32) (throw $overflow (local.get 0) (f64.const 0.5) (i64.const -7)))
  (func (export "main") (result i32) (call $inner (i32.const 42)) (i32.const 0))
  (func (export "raw") (throw $plain))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0))))"""

#: The second module throws the tag of the first.
THROWER = b"""(module (import "first" "plain" (tag $t)) (func (export "go") (throw $t)))"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "thrower.wasm"
    path.write_bytes(assemble(TEXT))
    return path


@pytest.mark.parametrize("board", ["host", "qemu:stm32f4", "qemu:microbit"])
def test_run_shows_the_tags_name_and_the_values(wirq: Wirq, app: Path, board: str) -> None:
    code, out, _ = wirq("-b", board, "run", app)
    assert code == 1
    assert "trap: uncaught exception overflow(42, 0.5, -7) at thrower.wasm+0x" in out
    assert "#0 inner" in out


def test_the_values_are_in_the_json_object_with_their_types(wirq: Wirq, app: Path) -> None:
    _, out, _ = wirq("-b", "host", "--json", "run", app)
    assert last(out)["trap"]["exception"] == {
        "name": "overflow",
        "values": [
            {"type": "i32", "value": "42"},
            {"type": "f64", "value": "0.5"},
            {"type": "i64", "value": "-7"},
        ],
    }


def test_call_and_crash_show_it_too(wirq: Wirq, app: Path) -> None:
    code, _, err = wirq("-b", "host", "call", app, "raw")
    assert code == 1
    assert "uncaught exception plain() at" in err
    [report] = directory().glob("crash-*.json")
    assert Report.load(report).thrown is not None
    code, out, _ = wirq("crash", report)
    assert code == 0
    assert "trap: uncaught exception plain() at thrower.wasm+0x" in out


def test_another_trap_has_no_exception_even_after_one(app: Path) -> None:
    with Board.connect("host") as board:
        instance = board.load(app)
        for export, arguments, thrown in (("raw", (), True), ("divide", (0,), False)):
            with pytest.raises(TrapError) as error:
                instance.call(export, *arguments)
            report = board.report(trap_of_error(error.value), instance)
            assert (report.thrown is not None) is thrown


def test_a_tag_of_another_module_is_told_by_its_name() -> None:
    with Board.connect("host") as board:
        board.load(assemble(TEXT)).register("first")
        second = board.load(assemble(THROWER), keep=True)
        with pytest.raises(TrapError) as error:
            second.call("go")
        report = board.report(trap_of_error(error.value), second)
        symbols = Symbols(Module.parse(assemble(THROWER)))
        told = symbols.exception(report)
        assert told is not None
        assert told.text == "plain()"
        [linked] = report.linked
        unknown = symbols.exception(replace(report, linked=(replace(linked, build="0" * 64),)))
        assert unknown is not None
        assert unknown.text == "tag 1 of build 000000()"
        untold = symbols.exception(replace(report, linked=()))
        assert untold is not None
        assert untold.text == "tag 1 of another module()"


def test_values_that_did_not_fit_a_frame_are_told_as_missing(app: Path) -> None:
    with Board.connect("host") as board:
        instance = board.load(app)
        with pytest.raises(TrapError) as error:
            instance.call("main")
        report = board.report(trap_of_error(error.value), instance)
        assert report.thrown is not None
        values = report.to_json()
        values["thrown"]["cells"] = values["thrown"]["cells"][:2]
        told = Symbols(Module.parse(app.read_bytes())).exception(Report.from_json(values))
        assert told is not None
        assert told.text == "overflow(42, …)"
