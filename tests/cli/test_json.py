"""`--json`: every line of stdout is one object, and exactly one result or one error is the last of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_host.cli.main import COMMANDS
from tests.cli import guest_modules
from tests.cli.conftest import Ran, Wirq

ROOT = Path(__file__).resolve().parents[2]

#: Each way of a command that comes to an end by itself, and its exit code. APP, TRAP and BAD are modules.
RUNS = (
    ("run APP", 1),  # it answers 3
    ("run TRAP", 1),
    ("run BAD", 6),
    ("run LOOP --fuel 100", 1),
    ("run NOSUCH", 2),
    ("run APP --raise nosuch", 6),
    ("call ADD add 1 2", 0),
    ("call ADD fail", 1),
    ("call ADD nosuch", 6),
    ("call ADD add 1", 2),
    ("ls", 0),
    ("put APP", 0),
    ("put APP --dry-run", 0),
    ("put DIR", 2),
    ("get nosuch", 6),
    ("rm nosuch", 6),
    ("rm --force nosuch", 0),
    ("df", 0),
    ("sync DIR --dry-run", 0),
    ("sync DIR", 0),
    ("autostart", 0),
    ("autostart nosuch", 6),
    ("irq list", 0),
    ("irq show timer", 0),
    ("irq show nosuch", 6),
    ("irq raise soft0", 0),
    ("irq mask soft0", 0),
    ("irq unmask soft0", 0),
    ("irq bound APP", 0),
    ("irq config APP", 0),
    ("irq config APP nosuch --fuel 1", 2),
    ("irq inject-every ADD add 1 2", 0),
    ("irq latency --count 0", 2),
    ("inspect APP", 0),
    ("inspect BAD", 6),
    ("shrink APP", 6),
    ("instrument APP", 0),
    ("log --for 0.1", 0),
    ("trace APP -o DIR/trace.json", 1),
    ("trace APP -o DIR/trace.json --events nosuch", 2),
    ("info", 0),
    ("boards", 0),
    ("boards --known", 0),
    ("sim nosuch", 3),
    ("build nosuch", 3),
    ("flash", 7),
    ("flash -b stm32f4 DIR/app.wasm --dry-run", 7),
    ("size --board nosuch", 3),
    ("crash NOSUCH", 6),
    ("wast NOSUCH", 2),
    ("bench APP --invoke nosuch", 6),
    ("test NOSUCH", 2),
    ("completion bash", 0),
    ("completion nosuch", 2),
    ("doctor", None),
    ("--version", 0),
    ("nosuch", 2),
    ("irq nosuch", 2),
    ("", 2),
)


@pytest.fixture
def words(tmp_path: Path) -> dict[str, str]:
    modules = {
        "APP": guest_modules.main_returns(3),
        "TRAP": guest_modules.main_traps(),
        "LOOP": guest_modules.main_never_ends(),
        "ADD": guest_modules.add(),
        "BAD": guest_modules.invalid(),
    }
    directory = tmp_path / "modules"
    directory.mkdir()
    for name, data in modules.items():
        (tmp_path / f"{name.lower()}.wasm").write_bytes(data)
    (directory / "app.wasm").write_bytes(modules["APP"])
    found = {name: str(tmp_path / f"{name.lower()}.wasm") for name in modules}
    return {**found, "DIR": str(directory), "NOSUCH": str(tmp_path / "nosuch")}


def check(out: str) -> dict[str, object]:
    """The last object, if all is as it must be."""
    objects = [json.loads(line) for line in out.splitlines()]
    assert objects, "nothing was said"
    assert all({"type", "time"} <= one.keys() for one in objects)
    endings = [one for one in objects if one["type"] in ("result", "error")]
    assert endings == objects[-1:]
    last: dict[str, object] = objects[-1]
    if last["type"] == "result":
        assert {"ok", "command"} <= last.keys()
    else:
        assert {"code", "name", "message", "hint"} <= last.keys()
    return last


@pytest.mark.parametrize(("line", "code"), RUNS, ids=[line or "nothing" for line, _ in RUNS])
def test_exactly_one_result_or_error_ends_each_run(
    wirq: Wirq,
    words: dict[str, str],
    line: str,
    code: int | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = line.split()
    for word, value in words.items():
        arguments = [one.replace(word, value) for one in arguments]
    board = () if "-b" in arguments or "--board" in arguments else ("-b", "host")
    ran: Ran = wirq("--json", *board, *arguments)
    last = check(ran.out)
    if code is not None:
        assert ran.code == code, ran.out + ran.err
    if last["type"] == "error":
        assert last["code"] == ran.code


def test_every_command_has_a_run_here() -> None:
    shown = {line.split()[0] for line, _ in RUNS if line}
    assert set(COMMANDS) - shown == {"repl"}  # which talks until its input ends


def test_the_console_without_a_terminal_ends_with_a_result_too() -> None:
    command = [sys.executable, "-m", "firmware_host.cli.main", "-b", "host", "--json", "repl"]
    ran = subprocess.run(command, cwd=ROOT, input="ps\n", capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0
    check(ran.stdout)


@pytest.mark.parametrize("words_of_it", ["irq list", "irq raise soft0", "irq bound", "df"])
def test_a_result_names_its_command_by_all_words(wirq: Wirq, words_of_it: str) -> None:
    [*named] = words_of_it.split()
    ran = wirq("-b", "host", *named, "--json")
    assert ran.last["command"] == words_of_it.removesuffix(" soft0")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", ["run", "log"])
def test_what_is_interrupted_ends_with_one_too(
    words: dict[str, str], command: str, number: signal.Signals, code: int
) -> None:
    app = [words["LOOP"]] if command == "run" else []
    arguments = [sys.executable, "-m", "firmware_host.cli.main", "-b", "host", "--json", command, *app]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    first = ""
    if command == "run":
        first = process.stdout.readline()  # the upload's progress
        assert json.loads(first)["type"] == "progress"
    else:
        assert "Ctrl-C ends" in process.stderr.readline()
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    last = check(first + out)
    if number == signal.SIGTERM:
        assert (last["type"], last["name"], last["message"]) == ("error", "Terminated", "ended by SIGTERM")
