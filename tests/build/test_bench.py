"""`wirq bench` and the kernel suite: exact keys, the same counts in every run, right results, within the bound."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from firmware_host import resources
from firmware_host.bench import suite
from firmware_host.boards import load_board
from firmware_host.cli.main import run
from vm.ops import internal

#: The geometric mean over the integer kernels, in multiples of native -O2, that the VM must stay below on a Cortex-M4.
_BOUND = 9.0

_KEYS = {
    "load_instructions",
    "first_call_instructions",
    "second_call_instructions",
    "result",
    "wasm_code_bytes",
    "lowered_code_bytes",
    "arena_peak_bytes",
    "wasm_stack_peak_cells",
    "c_stack_peak_bytes",
}


def bench(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Runs `wirq bench … --json` and returns its one object without the time."""
    code = run(["bench", *arguments, "--json"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    printed: dict[str, Any] = json.loads(lines[0])
    assert code == printed.get("code", 0)
    del printed["time"]
    return printed


def test_two_runs_give_identical_counts(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = str(resources.path("benchmarks", "crc32.c"))
    first = bench(capsys, kernel, "--invoke", "run", "--board", "qemu:stm32f4")
    assert first.keys() >= _KEYS
    assert first["result"] == -1859712823
    assert first["second_call_instructions"] > 100_000
    assert bench(capsys, kernel, "--invoke", "run", "--board", "qemu:stm32f4") == first


def test_arguments_and_results_have_the_types_of_the_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = tmp_path / "typed.c"
    source.write_text(
        '#include "wirq_guest.h"\n'
        'WIRQ_EXPORT("less") long long less(long long a, int b) { return a - b; }\n'
        'WIRQ_EXPORT("half") double half(double a) { return a / 2; }\n'
        'WIRQ_EXPORT("none") void none(void) {}\n'
    )
    board = ("--board", "qemu:stm32f4")
    assert bench(capsys, str(source), *board, "--invoke", "less", "-5000000000", "7")["result"] == -5000000007
    assert bench(capsys, str(source), *board, "--invoke", "half", "-3")["result"] == "-1.5"
    assert bench(capsys, str(source), *board, "--invoke", "none")["result"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--invoke", "gone"), 6, "gone"),
        (("--invoke", "run", "1"), 2, "0 arguments, not 1"),
        (("--invoke", "run", "--board", "host"), 3, "host"),
        (("--invoke", "run", "--board", "qemu:nope"), 3, "nope"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, named: str
) -> None:
    printed = bench(capsys, str(resources.path("benchmarks", "fib.c")), *arguments)
    assert (printed["type"], printed["code"]) == ("error", code)
    assert named in printed["message"]


def test_what_never_ends_is_given_up_after_the_time_that_was_announced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = tmp_path / "loop.c"
    source.write_text('#include "wirq_guest.h"\nint main(void) { for (volatile int i = 0;; i++) {} }\n')
    begun = time.monotonic()
    assert run(["bench", str(source), "--invoke", "main", "--run-time", "1.5"]) == 5
    assert time.monotonic() - begun < 300  # less than without it, on a busy machine that builds the firmware too
    told = capsys.readouterr().err
    assert told.startswith("counting, for 1.5 s at most (--run-time)\n")
    assert "error: loop.c main has not ended after 1.5 s under qemu:stm32f4\n" in told
    assert "--run-time gives it longer" in told


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_the_integer_kernels_stay_below_the_bound(toolchain: str) -> None:
    report = suite.measure(load_board("stm32f4"), suite.kernels(), toolchain=toolchain)
    assert (report.failed, report.unfit) == ({}, {})
    assert len(report.kernels) == len(suite.kernels())
    assert report.integer_geomean is not None
    assert report.integer_geomean < _BOUND


def test_a_profile_accounts_for_every_instruction_and_every_step() -> None:
    """Operations, pairs and triples of one run; a second run counts the same instructions without the profile."""
    board = load_board("stm32f4")
    [fib] = suite.kernels(["fib"])
    profile = suite.profiles(board, [fib])["fib"]
    whole = suite.measure(board, [fib]).kernels[0].second_call_instructions
    assert 0 < whole - sum(profile.instructions.values()) < 300, "only the way into the export lies outside"
    assert sum(profile.pairs.values()) == profile.dispatches - 1
    assert sum(profile.triples.values()) == profile.dispatches - 2
    names = [operation.name for operation in internal.operations()]
    calls = profile.times[names.index("call")]
    assert calls == sum(n for number, n in profile.times.items() if names[number].startswith("return")) - 1
