"""`wirq run`: compiles, sends, starts, raises, shows what is printed and how it ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
import wasmtime

from firmware_host.info import Trap
from tests.cli import guest_modules
from tests.cli.conftest import Wirq, WriteModule

ROOT = Path(__file__).resolve().parents[2]
STAMP = r"\[\d\d:\d\d:\d\d\.\d{3}\] "

PRINTS = """\
#include "wirq_guest.h"

static volatile uint32_t raised;

WIRQ_HANDLER(soft0) {
    raised += (uint32_t)count;
}

int main(void) {
    wirq_print("waiting\\n");
    while (raised < 2)
        wirq_wait(-1);
    wirq_print("raised twice\\nno newline");
    return 0;
}
"""


@pytest.fixture(scope="module")
def printing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("guest") / "printing.c"
    source.write_text(PRINTS)
    return source


def test_a_c_file_is_compiled_run_and_interrupted_and_its_lines_are_stamped(wirq: Wirq, printing: Path) -> None:
    ran = wirq("-b", "host", "run", printing, "--raise", "soft0", "--raise", "3@20ms")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    wanted = [
        r"started \(build [0-9a-f]{6}\)",
        "waiting",
        "raised twice",
        "no newline",
        "ended with 0, 2 interrupts delivered",
    ]
    assert len(lines) == len(wanted), ran.out
    for line, pattern in zip(lines, wanted, strict=True):
        assert re.fullmatch(STAMP + pattern, line), line
    assert ran.err == ""


def test_json_is_one_object_a_line_and_ends_with_one_result(wirq: Wirq, printing: Path) -> None:
    ran = wirq("run", printing, "--raise", "soft0", "--raise", "soft0@10ms", "--board", "host", "--json")
    assert ran.code == 0, ran.err
    kinds = [one["type"] for one in ran.objects]
    assert set(kinds) <= {"progress", "log", "irq", "result"}
    assert kinds.count("result") == 1
    assert [one["line"] for one in ran.objects if one["type"] == "log"] == ["waiting", "raised twice", "no newline"]
    progress = [one for one in ran.objects if one["type"] == "progress"]
    assert progress[-1]["done"] == progress[-1]["total"] > 0
    raised = [one for one in ran.objects if one["type"] == "irq" and one["event"] == "raised"]
    assert {(one["source"], one["name"]) for one in raised} == {(3, "soft0")}
    assert raised[-1]["count"] == 2
    assert ran.last["ok"] is True
    assert ran.last["command"] == "run"
    assert ran.last["app_status"] == 0
    assert ran.last["interrupts_delivered"] == 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"]) for one in ran.objects)
    assert ran.err == ""


def test_an_app_that_ends_non_zero_is_exit_code_1_and_its_status_is_printed(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "run", write(guest_modules.main_returns(-3)))
    assert ran.code == 1
    assert ran.out.splitlines()[-1].endswith("ended with -3, 0 interrupts delivered")
    ran = wirq("-b", "host", "--json", "run", write(guest_modules.main_returns(7)))
    assert ran.code == 1
    assert (ran.last["type"], ran.last["ok"], ran.last["app_status"]) == ("result", False, 7)


def test_a_trap_is_exit_code_1_and_tells_what_and_where(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "run", write(guest_modules.main_traps()))
    assert ran.code == 1
    assert "trap: unreachable at app.wasm+0x2" in ran.out.splitlines()[-3]
    assert "#0 main" in ran.out.splitlines()[-2]
    ran = wirq("-b", "host", "--json", "run", write(guest_modules.main_traps()))
    assert ran.last["trap"]["text"] == "unreachable"
    assert ran.last["trap"]["function_name"] == "main"
    assert set(Trap.__dataclass_fields__) <= set(ran.last["trap"])


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "firmware_host.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def interrupt_when_started(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    first = process.stdout.readline()
    assert "started" in first
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    return first + out, err


def test_ctrl_c_stops_at_a_safe_point_and_is_exit_code_130(write: WriteModule) -> None:
    process = start("-b", "host", "run", write(guest_modules.main_never_ends()))
    out, err = interrupt_when_started(process)
    assert process.returncode == 130
    assert re.fullmatch(STAMP + "stopped at a safe point in main, 0 interrupts delivered", out.splitlines()[-1])
    assert err == ""


#: Its handler has no export: it is attached by its table index while the module is initialised.
ATTACHES = """(module
  (import "wirq" "attach" (func $attach (param i32 i32 i32 i32) (result i32)))
  (table 1 funcref) (elem (i32.const 0) $handler)
  (func $handler (param i32 i32 i32))
  (func (export "_initialize") (drop (call $attach (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0)))))"""


@pytest.mark.parametrize(
    "module", [guest_modules.handler("soft0"), bytes(wasmtime.wat2wasm(ATTACHES))], ids=["by export", "by index"]
)
def test_a_reactor_runs_until_it_is_stopped(write: WriteModule, module: bytes) -> None:
    process = start("-b", "host", "run", write(module), "--raise", "soft0@10ms")
    out, _ = interrupt_when_started(process)
    assert process.returncode == 130
    assert out.splitlines()[-1].endswith("1 interrupt delivered")


def test_nothing_is_left_running_when_the_command_is_terminated(write: WriteModule) -> None:
    process = start("-b", "host", "run", write(guest_modules.main_never_ends()))
    assert process.stdout is not None
    process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        process.communicate()
        pytest.skip("SKIPPED: a command that leaves firmware running was not looked for: no list of children here")
    firmware = [int(pid) for pid in children.read_text().split()]
    assert firmware
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    for pid in firmware:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def echo(typed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firmware_host.cli.main", "-b", "host", "run", "examples/uart_echo/uart_echo.c"]
    return subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=60, check=False)


def test_what_is_typed_is_given_to_the_app_and_its_end_is_ctrl_d() -> None:
    done = echo("hello\nworld\n")
    assert done.returncode == 0, done.stderr
    lines = [re.sub(STAMP, "", line) for line in done.stdout.splitlines()]
    assert lines[2:5] == ["hello", "world", ""]
    assert "bye" in lines


def test_more_is_typed_than_the_board_can_hold() -> None:
    typed = "".join(f"line {i}\n" for i in range(4000))
    done = echo(typed)
    lines = [re.sub(STAMP, "", line) for line in done.stdout.splitlines()]
    assert [line for line in lines if line.startswith("line ")] == typed.splitlines()


def test_the_board_that_is_meant_without_a_choice_is_announced_on_stderr(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("run", write(guest_modules.main_returns(0)))
    assert ran.code == 0
    assert ran.err == "board: host (no board attached)\n"
    assert wirq("-q", "run", write(guest_modules.main_returns(0))).err == ""


def test_output_to_a_reader_that_has_gone_is_no_traceback(write: WriteModule) -> None:
    command = f"{sys.executable} -m firmware_host.cli.main -b host --json run {write(guest_modules.add())} | true"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_json_objects_are_flushed_as_they_are_written(write: WriteModule) -> None:
    process = start("-b", "host", "--json", "run", write(guest_modules.main_never_ends()))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["type"] == "progress"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    last = json.loads(out.splitlines()[-1])
    assert (last["type"], last["ok"], last["interrupted"]) == ("result", False, True)


C_PROGRAM = '#include "wirq_guest.h"\nint main(void) {\n    wirq_print("%s\\n");\n    return 0;\n}\n'


def test_with_watch_it_runs_again_when_its_file_changes_and_survives_errors(tmp_path: Path) -> None:
    source = tmp_path / "watched.c"
    source.write_text(C_PROGRAM % "one")
    process = start("-b", "host", "run", "--watch", source)
    assert process.stdout is not None
    try:
        wait_for(process.stdout, "one")
        wait_for(process.stdout, "ended with 0")
        source.write_text("no C at all")
        time.sleep(0.5)
        source.write_text(C_PROGRAM % "two")
        wait_for(process.stdout, "two")
        wait_for(process.stdout, "ended with 0")
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "compiling watched.c failed" in err
    assert "waiting for watched.c to change" in err


def test_with_watch_a_change_stops_what_runs(tmp_path: Path) -> None:
    module = tmp_path / "app.wasm"
    module.write_bytes(guest_modules.main_never_ends())
    process = start("-b", "host", "run", "--watch", module)
    assert process.stdout is not None
    try:
        wait_for(process.stdout, "started")
        time.sleep(0.2)
        module.write_bytes(guest_modules.main_returns(5))
        wait_for(process.stdout, "stopped at a safe point in main")
        wait_for(process.stdout, "ended with 5")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def wait_for(stream: IO[str], text: str) -> None:
    """Reads lines until one has the text."""
    for line in stream:
        if text in line:
            return
    raise AssertionError(f"{text!r} was never printed")


@pytest.mark.parametrize(("options", "told"), [((), False), (("-v",), True), (("-v", "--json"), True)])
def test_with_v_a_build_is_announced_where_stderr_is_no_terminal_too(
    wirq: Wirq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: bool
) -> None:
    from firmware_host.build import image
    from firmware_host.errors import BuildError

    def cannot(*_: object) -> None:
        raise BuildError("no compiler today")

    monkeypatch.setenv("WIRQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(image, "_build", cannot)
    ran = wirq("-b", "host", *options, "info")
    assert ran.code == 1
    assert "no compiler today" in ran.err + ran.out
    assert ("building the firmware of host, which is done once …\n" in ran.err) == told
