"""A trap is told in functions, files and lines, through calls and interrupts, and in reports kept."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from firmware_host.errors import BadModule
from firmware_host.symbols.report import Report, directory, shown_path
from firmware_host.wasm import Module
from tests.symbols.conftest import Wirq, last

SOURCE = Path(__file__).parent / "programs" / "deep.c"
BOARDS = ["host", "qemu:stm32f4"]
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def line_of(mark: str) -> int:
    return next(i for i, line in enumerate(SOURCE.read_text().splitlines(), 1) if mark in line)


def frames(result: dict[str, Any]) -> list[tuple[str, int | None, bool]]:
    return [(one["function_name"], one["line"], one["inlined"]) for one in result["frames"]]


STACK_OF_MIDDLE = [
    ("quotient", line_of("the division"), True),
    ("sum_of_quotients", line_of("calls quotient"), False),
    ("middle", line_of("calls sum_of_quotients"), False),
]


@pytest.mark.parametrize("board", BOARDS)
def test_a_trap_shows_every_call_inlined_ones_too(wirq: Wirq, board: str) -> None:
    code, out, _ = wirq("-b", board, "--json", "run", SOURCE)
    assert code == 1
    trap = last(out)["trap"]
    assert frames(trap) == [*STACK_OF_MIDDLE, ("main", line_of("calls middle"), False)]
    assert all(one["file"].endswith("deep.c") for one in trap["frames"])


def test_a_trap_of_a_call_shows_the_same(wirq: Wirq) -> None:
    code, out, _ = wirq("-b", "host", "--json", "call", SOURCE, "middle", "0")
    assert code == 1
    assert frames(last(out)) == STACK_OF_MIDDLE
    code, _, err = wirq("-b", "host", "call", SOURCE, "middle", "0")
    assert f"#0 quotient           deep.c:{line_of('the division')}" in err


@pytest.mark.parametrize("board", BOARDS)
def test_a_trap_of_a_handler_shows_the_source_and_what_it_interrupted(wirq: Wirq, board: str) -> None:
    code, out, _ = wirq("-b", board, "run", SOURCE, "--raise", "button")
    assert code == 1
    rows = [line for line in out.splitlines() if line.lstrip().startswith("#")]
    handler = next(row for row in rows if f"deep.c:{line_of('in the handler')}" in row)
    assert handler == rows[0]
    assert any("(source 2, button)" in row for row in rows)
    below = next(i for i, row in enumerate(rows) if "(interrupted here)" in row)
    assert 0 < below < len(rows)
    assert "main" in rows[-1]


def test_what_was_stopped_is_told_by_its_line(wirq: Wirq, tmp_path: Path) -> None:
    endless = tmp_path / "endless.c"
    endless.write_text(
        'volatile int x;\n__attribute__((export_name("main"))) int run(void) {\n    for (;;)\n        x++;\n}\n'
    )
    from firmware_host import Board
    from firmware_host.build.guest import compile_c
    from firmware_host.symbols.symbols import Symbols

    module = Module.parse(compile_c(endless, tmp_path / "endless.wasm").read_bytes())
    with Board.connect("host") as board:
        board.put(module.strip(), symbols=module.data)
        instance = board.instantiate()
        result = board.run(instance).stop()
        assert result.trap is not None
        frame = Symbols(module).frames(board.report(result.trap, instance))[0]
    assert (frame.name, frame.where) in [("run", "endless.c:3"), ("run", "endless.c:4")]


def test_a_report_is_kept_and_shown_again(wirq: Wirq) -> None:
    _, out, _ = wirq("-b", "host", "run", SOURCE)
    path = Path(out.splitlines()[-1].split()[1].rstrip(";"))
    assert path.is_file()
    assert path.parent == directory()
    name = path.name
    _, again, _ = wirq("crash")
    shown = [line.partition("] ")[2].partition(", 0 int")[0] or line for line in out.splitlines()[1:-1]]
    assert again.splitlines()[1:] == shown
    assert wirq("crash", name)[1] == again
    assert wirq("crash", directory() / name, "--app", SOURCE)[1] == again


def test_a_report_of_another_build_is_refused_with_both_ids(wirq: Wirq, tmp_path: Path) -> None:
    _, out, _ = wirq("-b", "host", "run", SOURCE)
    build = out.splitlines()[0].partition("(build ")[2].rstrip(")")
    other = tmp_path / "other.c"
    other.write_text(SOURCE.read_text().replace("100, i", "101, i"))
    code, _, err = wirq("crash", "--app", other)
    assert code == 6
    told = rf"error: (crash-[-\d]+\.json) \(deep\.c, {TIME}\) is from build {build}, other\.c is build [0-9a-f]{{6}}; "
    found = re.match(told, err)
    assert found is not None, err
    assert (directory() / found[1]).is_file()
    assert "--force-symbols" in err
    code, out, _ = wirq("crash", "--app", other, "--force-symbols")
    assert code == 0
    assert "quotient" in out


def test_what_is_no_report_is_refused(wirq: Wirq, tmp_path: Path) -> None:
    assert wirq("crash")[0] == 6
    for text in ("", "[]", "{}", '{"format": 1}', '{"format": 99}'):
        file = tmp_path / "bad.json"
        file.write_text(text)
        code, _, err = wirq("crash", file)
        assert code == 6
        assert "bad.json" in err
        assert "char 0" not in err
        assert "\n  wirq run and wirq call write them when a guest traps" in err
    with pytest.raises(BadModule):
        Report.load(tmp_path)


def test_a_report_that_is_not_there_is_told_where_they_are(wirq: Wirq) -> None:
    code, _, err = wirq("crash", "nosuch.json")
    assert code == 6
    assert err.startswith("error: cannot read nosuch.json: ")
    assert f"they are kept in {directory()}" in err


def test_an_app_instead_of_a_report_is_told_its_option(wirq: Wirq, tmp_path: Path) -> None:
    for name in ("my app.c", "app.wasm"):  # whether it is there or not
        code, _, err = wirq("crash", name)
        assert code == 6
        assert err == f"error: {name} is an app, not a trap report\n  wirq crash --app {shlex.quote(name)}\n"


def test_the_newest_report_is_that_of_the_working_directory(
    wirq: Wirq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("first", "second", "third"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        if place != "third":
            Path(f"{place}.c").write_text(SOURCE.read_text())
            assert wirq("-b", "host", "run", f"{place}.c")[0] == 1
    assert wirq("crash")[1].startswith("second.c ")  # nothing trapped here: the newest of all
    for place in ("first", "second"):
        monkeypatch.chdir(tmp_path / place)
        assert wirq("crash")[1].startswith(f"{place}.c ")
    report = max(directory().iterdir(), key=lambda one: one.name)
    report.write_text("{}")  # what cannot be read is in nobody's way
    monkeypatch.chdir(tmp_path / "first")
    assert wirq("crash")[1].startswith("first.c ")


def test_a_path_is_shown_with_the_home_directory_as_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shown_path(tmp_path / "state" / "a.json") == "~/state/a.json"
    assert shown_path(Path("/elsewhere/a.json")) == "/elsewhere/a.json"


def test_debug_information_that_is_broken_costs_the_lines_only(tmp_path: Path) -> None:
    from firmware_host import Board
    from firmware_host.build.guest import compile_c
    from firmware_host.cli.traps import trap_of_error
    from firmware_host.errors import TrapError
    from firmware_host.symbols.symbols import Frame, Symbols

    data = compile_c(SOURCE, tmp_path / "deep.wasm").read_bytes()
    whole = Module.parse(data)
    with Board.connect("host") as board:
        board.put(whole.strip(), symbols=data)
        instance = board.instantiate()
        with pytest.raises(TrapError) as caught:
            instance.invoke("middle", [0])
        report = board.report(trap_of_error(caught.value), instance)

    def functions(frames: list[Frame]) -> list[tuple[str, int | None]]:
        return [(one.name, one.module_offset) for one in frames if not one.inlined]

    def lines(frames: list[Frame]) -> list[str]:
        return [f"{one.name} {one.where}" for one in frames]

    told = Symbols(whole).frames(report)
    assert [name for name, *_ in STACK_OF_MIDDLE] == [one.name for one in told]
    lost = set()
    for name in (".debug_info", ".debug_line", ".debug_abbrev"):
        section = next(one for one in whole.sections if one.name == name)
        for i in range(section.start + 20, section.end, max(1, section.size // 40)):
            broken = bytearray(data)
            broken[i] ^= 0xFF
            frames = Symbols(Module.parse(bytes(broken))).frames(report)
            assert functions(frames) == functions(told)
            if lines(frames) != lines(told):
                lost.add(name)
    assert lost == {".debug_info", ".debug_line", ".debug_abbrev"}  # it was broken where it matters
