"""Timelines: made of records, valid for trace viewers, nested as handlers nest, and at no cost to other builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from firmware_host import Board
from firmware_host.build.image import defined
from firmware_host.cli.main import run
from firmware_host.errors import BoardError
from firmware_host.info import SourceInfo
from firmware_host.inprocess import library
from firmware_host.trace import Record, Recorder, Timeline
from firmware_host.trace.picture import picture
from firmware_host.trace.records import DEFINE
from tests import needs

COUNTS = ("raised", "delivered", "missed", "faults", "worst_us")
PROGRAM = """#include "wirq_guest.h"
static volatile uint32_t sum;
static void work(uint32_t rounds) {
    for (uint32_t i = 0; i < rounds; i++) {
        sum = sum + i;
    }
}
WIRQ_HANDLER(button) { work((uint32_t)count * 2000); }
WIRQ_EXPORT("irq:soft0:1") void slow(int32_t source, int32_t count, int32_t context) {
    work((uint32_t)(source + count + context) * 10000);
    wirq_pend(WIRQ_SOURCE_BUTTON);
    work(10000);
}
int main(void) {
    for (int i = 0; i < 3; i++) {
        wirq_wait(1000);
        work(10000);
    }
    return 0;
}
"""


def source(number: int, name: str, priority: int) -> SourceInfo:
    values = {"flags": 3, "name": name, "class": 2, "priority": priority, "policy": 0, "vector": 0xFFFF, "function": 1}
    return SourceInfo.from_values(number, {**values, **dict.fromkeys(COUNTS, 0)})


SOURCES = [source(2, "button", 0), source(3, "soft0", 1)]


def timeline(*records: tuple[int, str, int]) -> Timeline:
    return Timeline.of([Record(*one) for one in records], SOURCES)


def spans(made: Timeline) -> list[tuple[int, str, int, int]]:
    return [(span.row, span.name, span.start, span.end) for span in made.spans]


def test_a_nested_handler_is_a_span_in_the_row_of_its_level() -> None:
    made = timeline(
        (100, "run", 0), (110, "raise", 3), (112, "enter", 3), (120, "raise", 2), (121, "enter", 2), (130, "leave", 2),
        (140, "leave", 3), (150, "end", 0),
    )  # fmt: skip
    assert spans(made) == [(0, "run", 0, 50), (2, "soft0", 12, 40), (1, "button", 21, 30)]
    assert made.rows == {0: "program", 1: "handlers, level 0", 2: "handlers, level 1"}
    assert [(one.name, one.time) for one in made.instants] == [("raise soft0", 10), ("raise button", 20)]


def test_a_wait_goes_on_while_handlers_run_and_ends_with_the_program() -> None:
    made = timeline(
        (0, "run", 0), (5, "wait", 0), (6, "enter", 2), (8, "leave", 2), (9, "woke", 0), (12, "wait", 0), (20, "end", 0)
    )
    assert spans(made) == [(0, "run", 0, 20), (0, "wait", 5, 9), (1, "button", 6, 8), (0, "wait", 12, 20)]


def test_what_has_no_beginning_or_no_end_is_no_harm() -> None:
    assert spans(timeline((7, "leave", 2), (8, "end", 0), (9, "woke", 0))) == []
    assert spans(timeline((7, "run", 0), (8, "enter", 3), (19, "raise", 2))) == [(0, "run", 0, 12), (2, "soft0", 1, 12)]
    assert spans(timeline()) == []


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The files of one run on the host board."""
    folder = tmp_path_factory.mktemp("trace")
    (folder / "levels.c").write_text(PROGRAM)
    target, svg = folder / "levels.json", folder / "levels.svg"
    command = ["trace", str(folder / "levels.c"), "-o", str(target), "--picture", str(svg)]
    assert run([*command, "-b", "host", "--raise", "soft0@500us", "--raise", "button@200us"]) == 0
    return json.loads(target.read_text(encoding="utf-8")), svg.read_text(encoding="utf-8")


def test_a_run_on_a_board_has_its_handlers_raises_and_waits(traced: tuple[dict[str, Any], str]) -> None:
    events = traced[0]["traceEvents"]
    names = [one["name"] for one in events if one["ph"] == "X"]
    assert names.count("run") == 1 and names.count("soft0") == 1 and names.count("button") == 2
    assert names.count("wait") >= 1
    assert [one["name"] for one in events if one["ph"] == "i"].count("raise button") == 2


def test_the_file_is_what_trace_viewers_read(traced: tuple[dict[str, Any], str]) -> None:
    for one in traced[0]["traceEvents"]:
        assert one["ph"] in ("M", "X", "i", "C") and isinstance(one["name"], str)
        assert isinstance(one["pid"], int) and isinstance(one["tid"], int)
        if one["ph"] != "M":
            assert one["ts"] >= 0
        if one["ph"] == "X":
            assert one["dur"] >= 0


def test_spans_of_a_row_are_nested_or_apart_and_handlers_lie_within_what_they_interrupt(
    traced: tuple[dict[str, Any], str],
) -> None:
    found = [(one["tid"], one["ts"], one["ts"] + one["dur"]) for one in traced[0]["traceEvents"] if one["ph"] == "X"]
    for row, start, end in found:
        for other, first, last in found:
            if other == row:
                assert (
                    end <= first
                    or last <= start
                    or (first <= start and end <= last)
                    or (start <= first and last <= end)
                )
    (slow,) = [one for one in traced[0]["traceEvents"] if one["ph"] == "X" and one["name"] == "soft0"]
    inner = [one for one in traced[0]["traceEvents"] if one["ph"] == "X" and one["name"] == "button"][-1]
    assert slow["ts"] <= inner["ts"] and inner["ts"] + inner["dur"] <= slow["ts"] + slow["dur"]


def test_the_picture_has_a_bar_for_every_span(traced: tuple[dict[str, Any], str]) -> None:
    tree = ElementTree.fromstring(traced[1])
    bars = [one for one in tree.iter("{http://www.w3.org/2000/svg}rect") if len(one)]
    assert len(bars) == sum(one["ph"] == "X" for one in traced[0]["traceEvents"])


def test_names_are_no_markup() -> None:
    assert "<b>" not in picture(timeline((0, "run", 0), (5, "end", 0)), "<b>.c")


CALLS = """#include "wirq_guest.h"
static volatile uint32_t sum;
static __attribute__((noinline)) void inner(uint32_t n) { for (uint32_t i = 0; i < n; i++) sum = sum + i; }
static __attribute__((noinline)) void outer(uint32_t n) { inner(n); sum = 1; inner(n); sum = 2; }
WIRQ_HANDLER(button) { inner((uint32_t)count); sum = 3; }
int main(void) {
    outer(100);
    __builtin_wasm_memory_grow(0, 1000);
    wirq_wait(50000);
    outer(100);
    return 0;
}
"""


@pytest.mark.parametrize("board", ["host", "qemu:stm32f4", "qemu:microbit"])
def test_calls_lie_in_what_calls_them_and_memory_grows(board: str, tmp_path: Path) -> None:
    if board != "host":
        needs.program("qemu-system-arm", "calls in a timeline of an emulated board")
    (tmp_path / "calls.c").write_text(CALLS)
    target = tmp_path / "calls.json"
    command = ["-b", board, "trace", str(tmp_path / "calls.c"), "-o", str(target), "--raise", "button@1ms"]
    assert run([*command, "--events", "app,irq,call,mem"]) == 0
    events = json.loads(target.read_text())["traceEvents"]
    calls = [one for one in events if one["ph"] == "X"]
    program = [one["name"] for one in calls if one["tid"] == 0]
    assert program == ["run", "main", "outer", "inner", "inner", "wirq_wait", "outer", "inner", "inner"]
    assert [one["name"] for one in calls if one["tid"] == 1] == ["button", "inner"]
    outer = [one for one in calls if one["name"] == "outer"]
    for one in (one for one in calls if one["name"] == "inner" and one["tid"] == 0):
        assert any(o["ts"] <= one["ts"] and one["ts"] + one["dur"] <= o["ts"] + o["dur"] for o in outer)
    sizes = [one["args"]["bytes"] for one in events if one["ph"] == "C"]
    assert len(sizes) == 2 and sizes[1] - sizes[0] == 1000


def test_functions_that_are_left_without_a_word_end_with_what_goes_on() -> None:
    records = [
        Record(0, "run"), Record(1, "call", 7, 1), Record(2, "call", 8, 2), Record(3, "call", 9, 3),  # 9 throws to 7
        Record(5, "call", 10, 2), Record(6, "call", 11, 2),  # 10 calls 11 as its last deed
        Record(8, "return", 0, 2), Record(9, "return", 0, 1), Record(10, "end"),
    ]  # fmt: skip
    assert spans(Timeline.of(records, SOURCES)) == [
        (0, "run", 0, 10), (0, "function 7", 1, 9), (0, "function 8", 2, 5), (0, "function 9", 3, 5),
        (0, "function 10", 5, 6), (0, "function 11", 6, 8),
    ]  # fmt: skip


def test_firmware_that_records_no_calls_says_how_to_have_them() -> None:
    with defined(DEFINE), Board.connect("host") as board, pytest.raises(BoardError, match="no calls") as caught:
        Recorder(board, calls=True)
    assert "WIRQ_TRACE=2" in caught.value.hint


def test_other_firmware_records_nothing_and_says_how_to_have_it() -> None:
    with Board.connect("host") as board, pytest.raises(BoardError, match="records nothing") as caught:
        Recorder(board)
    assert "WIRQ_TRACE=1" in caught.value.hint


def test_without_the_option_nothing_of_it_is_in_the_vm() -> None:
    built = library.build().read_bytes()
    assert b"wirq_raise" in built and b"wirq_port_trace" not in built


def test_a_file_that_is_no_module_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "bad.wasm").write_bytes(b"nothing")
    target = tmp_path / "bad.json"
    assert run(["trace", str(tmp_path / "bad.wasm"), "-o", str(target)]) == 6
    assert not target.exists()


def test_events_choose_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "short.c"
    program.write_text(
        '#include "wirq_guest.h"\nWIRQ_HANDLER(soft0) {}\nint main(void) { return wirq_wait(20000) < 0; }\n'
    )
    output = tmp_path / "t.json"
    command = ["-b", "host", "trace", str(program), "-o", str(output), "--raise", "soft0@1ms", "--json"]
    assert run([*command, "--events", "raise,app"]) == 0
    names = {one["name"] for one in json.loads(output.read_text())["traceEvents"] if one["ph"] != "M"}
    assert names == {"run", "raise soft0"}
    assert run([*command, "--events", "load"]) == 2
    assert "'load' is not recorded by firmware" in capsys.readouterr().out


def test_an_app_that_traps_or_ends_badly_says_so_and_its_timeline_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "t.json"
    program = tmp_path / "bad.c"
    for body, told in (("__builtin_trap();", "#0 main   bad.c:2\n"), ("return 3;", "the app ended with 3\n")):
        program.write_text(f'#include "wirq_guest.h"\nint main(void) {{ {body} }}\n')
        output.unlink(missing_ok=True)
        assert run(["-b", "host", "trace", str(program), "-o", str(output)]) == 1
        assert told in capsys.readouterr().out
        assert json.loads(output.read_text())["traceEvents"]
    assert run(["-b", "host", "trace", str(program), "-o", str(output), "--json"]) == 1
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["ok"], result["app_status"], result["trap"]) == (False, 3, None)
