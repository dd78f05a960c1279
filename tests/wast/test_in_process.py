"""The VM in this process: a board's answers, however modules are fed, and no guest holds it up."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import status
from firmware_host.cli.main import run
from firmware_host.cli.wast import ARENA_SIZE
from firmware_host.errors import BadModule, BoardError, LinkTimeout, NoSpace, TrapError
from firmware_host.inprocess import InProcessBoard, Pieces
from firmware_host.wast import find_scripts
from firmware_host.wast.batch import run_scripts
from tests.vm.machine import wat

SCRIPTS = Path(__file__).parent / "scripts"

WAYS = [Pieces(), Pieces(1), Pieces(7), Pieces(100), Pieces(-1), Pieces(-2)]

ENDLESS = '(module (func (export "for_ever") (loop (br 0))) (func (export "one") (result i32) (i32.const 1)))'


@pytest.mark.parametrize("pieces", WAYS, ids=str)
def test_own_scripts_pass_however_modules_are_fed(pieces: Pieces) -> None:
    reports = list(run_scripts(lambda: InProcessBoard(ARENA_SIZE, pieces), find_scripts([SCRIPTS])))
    assert [report.unit for report in reports if not report.whole] == []
    assert sum(report.passed for report in reports) > 2000


#: Forms of dispatch and of lowered code that this machine's usual build does not have (vm/src/dispatch.h, code.h).
FORMS = {
    "dispatch in portable C": {"WIRQ_PORTABLE_DISPATCH": "1"},
    "units that are distances in bytes": {"WIRQ_PORTABLE_DISPATCH": "1", "WIRQ_SCALED_UNITS": "1"},
}


@pytest.mark.parametrize("define", FORMS.values(), ids=FORMS.keys())
def test_own_scripts_pass_in_every_form_of_the_interpreter(define: dict[str, str]) -> None:
    reports = list(run_scripts(lambda: InProcessBoard(ARENA_SIZE, define=define), find_scripts([SCRIPTS])))
    assert [report.unit for report in reports if not report.whole] == []
    assert sum(report.passed for report in reports) > 2000


@pytest.mark.parametrize("pieces", WAYS, ids=str)
def test_everything_is_given_back(pieces: Pieces) -> None:
    with InProcessBoard(1 << 20, pieces) as board:
        before = board.used
        board.put(wat("(module (memory 2) (table 5 funcref) (global i64 (i64.const 1)) (func) (elem (i32.const 0) 0))"))
        board.instantiate()
        assert board.used > before + 2 * 65536
        board.put(b"\0asm\1\0\0\0", replace=True)
        assert board.used == before


@pytest.mark.parametrize("pieces", WAYS, ids=str)
def test_a_refusal_names_the_same_place_however_modules_are_fed(pieces: Pieces) -> None:
    module = wat('(module (func (export "f") (result i32) (i32.const 1)))')
    bad = module.replace(b"\x41\x01", b"\x42\x01")  # i64.const
    assert bad != module
    with InProcessBoard(1 << 20, pieces) as board:
        before = board.used
        board.put(bad)
        with pytest.raises(BadModule) as caught:
            board.instantiate()
        assert caught.value.code == status.code("TYPE_MISMATCH")
        assert (caught.value.function, caught.value.offset) == (0, len(bad))
        assert board.used == before


def test_a_call_that_does_not_end_is_stopped_and_the_instance_answers_again() -> None:
    with InProcessBoard(1 << 20) as board:
        board.put(wat(ENDLESS))
        instance = board.instantiate()
        with pytest.raises(LinkTimeout, match=r"did not end within 0\.1 s"):
            instance.invoke("for_ever", timeout=0.1)
        assert instance.invoke("one", timeout=10.0) == [1]


def test_a_start_function_that_does_not_end_is_stopped() -> None:
    with InProcessBoard(1 << 20) as board:
        board.put(wat("(module (func $f (loop (br 0))) (start $f))"))
        with pytest.raises(LinkTimeout):
            board.instantiate(timeout=0.1)


def test_traps_and_refusals_are_those_of_a_board() -> None:
    with InProcessBoard(1 << 20) as board:
        board.put(wat('(module (func (export "f") unreachable) (global (export "g") i64 (i64.const -2)))'))
        instance = board.instantiate()
        with pytest.raises(TrapError, match=r"trap: unreachable in function 0 \(f\), 1 call deep"):
            instance.invoke("f")
        with pytest.raises(BoardError, match="no such export"):
            instance.invoke("g")
        with pytest.raises(BoardError, match="the arguments do not fit"):
            instance.invoke("f", [1])
        assert instance.global_get("g") == (0x7E, [0xFFFFFFFE, 0xFFFFFFFF])
        board.put(wat("(module (memory 17))"))
        with pytest.raises(NoSpace):
            board.instantiate(keep=True)


def test_an_arena_that_no_vm_fits_is_no_space() -> None:
    with pytest.raises(NoSpace):
        InProcessBoard(4096)


def test_two_of_them_know_nothing_of_each_other() -> None:
    counter = wat(
        '(module (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32)'
        " (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"
    )
    with InProcessBoard(1 << 20) as one, InProcessBoard(1 << 20) as other:
        one.put(counter)
        other.put(counter)
        first, second = one.instantiate(), other.instantiate()
        assert [first.invoke("next"), first.invoke("next"), second.invoke("next"), first.invoke("next")] == [
            [1],
            [2],
            [1],
            [3],
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wast", "--pieces", "1"], "--pieces needs --in-process"),
        (["-b", "qemu:stm32f4", "wast", "--in-process"], "--in-process is for this computer"),
        (["wast", "--in-process", "--pieces", "0"], "neither a number of bytes"),
        (["wast", "--in-process", "--pieces", "some"], "neither a number of bytes"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, str(SCRIPTS)]) == 2
    assert message in capsys.readouterr().err


def test_the_command_runs_scripts_in_this_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "good.wast"
    script.write_text('(module (func (export "f") (result i32) (i32.const 1)))(invoke "f")')
    for options in ([], ["--pieces", "3"], ["--pieces", "random"]):
        assert run(["wast", "--in-process", *options, str(script)]) == 0
        assert capsys.readouterr().out == "good  2 passed\n1 script: 2 passed; 0 failed\n"
