"""`wirq irq bound` and `wirq irq config` on the `host` board (R25, R46, R67-R69)."""

from __future__ import annotations

from pathlib import Path

import pytest
from wasmtime import Engine, Module

from firmware_host.wasm import HandlerSettings, read_settings, write_settings
from tests.cli.conftest import Wirq, WriteModule
from tests.interrupts.guest_modules import BUTTON, UART
from tests.vm.machine import wat

MODULE = """(module
  (import "wirq" "pend" (func $pend (param i32) (result i32)))
  (import "wirq" "poll" (func $poll))
  (memory (export "memory") 1)
  (func (export "irq:button:1") (param i32 i32 i32) (drop (call $pend (i32.const 3))))
  (func (export "irq:soft0:0") (param i32 i32 i32))
  (func (export "long") (param i32) {body}))"""
ADD = "(local.set 0 (i32.mul (i32.add (local.get 0) (i32.const 7)) (local.get 0)))"


@pytest.fixture
def app(write: WriteModule) -> Path:
    return write(wat(MODULE.format(body=ADD * 100)))


def test_r68_bound_shows_the_parts_of_each_sources_bound(wirq: Wirq, app: Path) -> None:
    assert wirq("irq", "config", app, "soft0", "--fuel", "10").code == 0
    ran = wirq("irq", "bound", app, "--json")
    button, soft = ran.last["bounds"]
    assert (button["name"], soft["name"]) == ("button", "soft0")
    assert button["gap"] >= 200
    assert button["wait"] == button["gap"]
    # Ten operations and the return of the other handler, its delivery, and one operation of what was interrupted (R42).
    assert button["handlers"] == 12 * (button["gap"] + 1) + 1
    for bound in (button, soft):
        parts = ("raise_", "wait", "deliver", "handlers", "section")
        assert bound["total"] == sum(bound[part] for part in parts)
    assert soft["handlers"] == 0
    assert "the longest run between two safe points is" in wirq("irq", "bound", app).out


def test_r68_bound_names_the_handler_without_a_budget(wirq: Wirq, app: Path) -> None:
    ran = wirq("irq", "bound", app)
    assert "the handler of soft0 has no budget, so there is no bound for button" in ran.out
    assert "wirq irq config APP soft0 --fuel" in ran.out


def test_bound_of_a_module_without_handlers(wirq: Wirq, write: WriteModule) -> None:
    assert "no source has a handler" in wirq("irq", "bound", write(wat('(module (func (export "main")))'))).out


def test_r69_a_module_that_demands_what_cannot_be_promised_is_refused(wirq: Wirq, app: Path) -> None:
    assert wirq("irq", "config", app, "button", "--latency", "50us").code == 0
    ran = wirq("irq", "bound", app)
    assert ran.code != 0
    assert "the latency that the module demands cannot be promised for source 2, button" in ran.err


def test_r32_a_handler_that_declares_more_stack_than_there_is_is_refused(wirq: Wirq, app: Path) -> None:
    assert wirq("irq", "config", app, "button", "--stack", "64").code == 0
    ran = wirq("irq", "bound", app)
    assert ran.code != 0
    assert "needs more stack than its level has, or than it declares" in ran.err


def test_r25_config_writes_settings_that_other_engines_skip(wirq: Wirq, app: Path, tmp_path: Path) -> None:
    before = app.read_bytes()
    other = tmp_path / "other.wasm"
    options = ("--class", "quiescent", "--priority", "0", "--policy", "contain", "--fuel", "2000", "--deadline", "1ms")
    more = ("--interval", "2ms", "--latency", "3ms", "--stack", "256", "--shadow-stack", "4096", "--section", "9")
    assert wirq("irq", "config", app, "button", *options, *more, "-o", other).code == 0
    assert app.read_bytes() == before
    assert read_settings(other.read_bytes()) == [HandlerSettings(BUTTON, 2, 1, 1, 2000, 1000, 2000, 3000, 256, 4096, 9)]
    Module(Engine(), other.read_bytes())
    shown = wirq("irq", "config", other)
    assert "2 button  class         quiescent" in shown.out
    assert "fuel          2,000 control operations" in shown.out
    assert wirq("irq", "config", other, "uart", "--fuel", "3").code == 0
    assert [one.source for one in read_settings(other.read_bytes())] == [UART, BUTTON]
    assert wirq("irq", "config", other, "2", "--clear").code == 0
    assert [one.source for one in read_settings(other.read_bytes())] == [UART]
    assert wirq("irq", "config", other, "--clear").code == 0
    assert other.read_bytes() == before


def test_config_changes_one_setting_and_keeps_the_others(wirq: Wirq, app: Path) -> None:
    wirq("irq", "config", app, "button", "--fuel", "5", "--policy", "host")
    wirq("irq", "config", app, "button", "--fuel", "0")
    assert read_settings(app.read_bytes()) == [HandlerSettings(BUTTON, policy=2)]


def test_r46_config_allows_or_forbids_imports_by_name(wirq: Wirq, app: Path) -> None:
    wirq("irq", "config", app, "button", "--allow", "wirq.poll")
    assert read_settings(app.read_bytes())[0].forbidden == 1
    assert wirq("irq", "config", app).out.split()[-1] == "wirq.pend"
    wirq("irq", "config", app, "button", "--forbid", "wirq.poll", "--forbid", "wirq.pend")
    assert read_settings(app.read_bytes())[0].forbidden == 3
    ran = wirq("irq", "config", app, "button", "--allow", "env.nothing")
    assert ran.code != 0
    assert "imports no function env.nothing" in ran.err
    assert "wirq.pend, wirq.poll" in ran.err


def test_r52_nothing_of_a_module_that_asyncify_has_rewritten_is_made_forced(wirq: Wirq, tmp_path: Path) -> None:
    app = tmp_path / "rewritten.wasm"
    state = '(func (export "asyncify_get_state") (result i32) (i32.const 0))'
    before = wat(f'(module {state} (func (export "irq:button") (param i32 i32 i32)))')
    app.write_bytes(before)
    ran = wirq("irq", "config", app, "button", "--class", "forced")
    assert (ran.code, app.read_bytes()) == (6, before)
    assert "rewritten by asyncify: its code is never interrupted by force" in ran.err
    app.write_bytes(write_settings(before, [HandlerSettings(BUTTON, class_=3)]))
    ran = wirq("irq", "bound", app)
    assert (ran.code, "code that asyncify has rewritten is never interrupted by force" in ran.err) == (6, True)
    assert wirq("irq", "config", app, "button", "--class", "quiescent").code == 0
    assert wirq("irq", "bound", app).code == 0


def test_r70_a_module_that_is_to_be_suspended_is_refused_by_the_feature(wirq: Wirq, tmp_path: Path) -> None:
    app = tmp_path / "suspended.wasm"
    app.write_bytes(wat('(module (tag $t) (export "irq:button" (tag $t)) (func (export "main")))'))
    ran = wirq("run", app)
    assert ran.code == 6
    assert "it needs stack-switching, which this board's build does not have (in section export" in ran.err


def test_config_says_what_is_wrong(wirq: Wirq, app: Path, tmp_path: Path) -> None:
    ran = wirq("irq", "config", app, "nonsense", "--fuel", "1")
    assert ran.code != 0
    assert "2 button" in ran.err
    assert "name the SOURCE" in wirq("irq", "config", app, "--fuel", "1").err
    broken = tmp_path / "broken.wasm"
    broken.write_bytes(b"\0asm\1\0\0\0\1")
    assert wirq("irq", "config", broken).code != 0
    assert "exports no handler irq:uart" in wirq("irq", "config", app, "uart", "--fuel", "1").err


def test_show_tells_everything_of_one_source(wirq: Wirq) -> None:
    ran = wirq("-b", "host", "irq", "show", "soft0")
    assert ran.code == 0
    assert ran.out.splitlines()[:4] == [
        "source      3 soft0",
        "vector      none: raised by software",
        "class       polled",
        "handler     none",
    ]
    shown = wirq("-b", "host", "irq", "show", "3", "--json").last
    assert (shown["source"]["name"], shown["source"]["raised"]) == ("soft0", 0)
    assert wirq("-b", "host", "irq", "show", "nosuch").code == 6


def test_watch_prints_what_moves_until_ctrl_c(wirq: Wirq, monkeypatch: pytest.MonkeyPatch) -> None:
    from firmware_host import Board

    looks = 0

    def wait(board: Board, seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            board.irq_raise(board.irq_number("soft0"), 3)
        elif looks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Board, "wait", wait)
    ran = wirq("-b", "host", "irq", "list", "--watch")
    assert ran.code == 130
    moved = [line for line in ran.out.splitlines() if line.startswith("[")]
    assert len(moved) == 1
    assert moved[0].endswith("soft0: raised 3, delivered 0, missed 0, pending")
    looks = 0
    ran = wirq("-b", "host", "--json", "irq", "list", "--watch")
    [told] = [one for one in ran.objects if one["type"] == "irq"]
    assert (told["source"], told["name"], told["vector"], told["event"], told["count"]) == (
        3,
        "soft0",
        None,
        "raised",
        3,
    )


@pytest.mark.parametrize("bytes_", [1, 7])
def test_a_stack_of_less_than_two_cells_is_refused(wirq: Wirq, app: Path, bytes_: int) -> None:
    ran = wirq("irq", "config", app, "button", "--stack", str(bytes_))
    assert ran.code == 2
    assert f"--stack {bytes_}: a stack has 8 bytes at least; 0 is its whole level's" in ran.err
