"""Counting: exact to the instruction, the same in every run, and never a figure from a run that went wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_host import resources
from firmware_host.bench import counting, suite
from firmware_host.bench.native import NativeRun, run_native
from firmware_host.boards import load_board
from firmware_host.build import toolchains
from firmware_host.errors import BuildError, NoSpace
from firmware_host.sim.qemu import find_program

#: A loop of two instructions, whatever the compiler: the counts of two lengths differ by twice the difference.
_SPIN = """\
#include <stdint.h>
int32_t run(void);
int32_t run(void) {
    int32_t n = COUNT;
#ifdef __arm__
    __asm__ volatile(".syntax unified\\n1: subs %0, %0, #1\\n bne 1b" : "+l"(n) : : "cc");
#else
    __asm__ volatile("1: addi %0, %0, -1\\n bnez %0, 1b" : "+r"(n));
#endif
    return COUNT + n;
}
"""


def spin(directory: Path, board: str, toolchain: str, count: int) -> NativeRun:
    kernel = directory / f"spin{count}.c"
    kernel.write_text(_SPIN.replace("COUNT", str(count)))
    facts = load_board(board)
    return run_native(kernel, facts, toolchains.find(facts.machine, toolchain))


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("board", ["microbit", "stm32f4", "hifive1", "mps3-an524"])
def test_a_loop_of_two_instructions_counts_two_a_turn(tmp_path: Path, board: str, toolchain: str) -> None:
    short, long = spin(tmp_path, board, toolchain, 100), spin(tmp_path, board, toolchain, 200)
    assert (short.result, long.result) == (100, 200)
    assert long.counts.second_call - short.counts.second_call == 200
    assert 200 < short.counts.second_call < 230, "the loop and little else"
    assert 0 < short.counts.load < 20, "two marks with nothing between them"


@pytest.mark.slow
def test_the_plugins_count_what_is_known_by_hand() -> None:
    check = resources.path("tools", "insncount", "check.sh")
    api = "2" if find_program("qemu-system-arm")[1] >= 9 else "1"
    done = subprocess.run(["sh", str(check), "qemu-system-arm", api], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 5


def test_two_runs_count_the_same(tmp_path: Path) -> None:
    assert spin(tmp_path, "stm32f4", "zig", 1000) == spin(tmp_path, "stm32f4", "zig", 1000)


def test_a_kernel_that_keeps_state_between_its_calls_is_refused(tmp_path: Path) -> None:
    kernel = tmp_path / "stateful.c"
    kernel.write_text(
        "#include <stdint.h>\nint32_t run(void);\nstatic int32_t calls;\nint32_t run(void) { return ++calls; }\n"
    )
    board = load_board("stm32f4")
    with pytest.raises(BuildError, match=r"stateful\.c.*0x1, 0x2"):
        run_native(kernel, board, toolchains.find(board.machine, "zig"))


def test_a_kernel_that_does_not_fit_the_ram_is_refused(tmp_path: Path) -> None:
    kernel = tmp_path / "large.c"
    kernel.write_text(
        "#include <stdint.h>\nint32_t run(void);\nvolatile char data[16384];\nint32_t run(void) { return data[5]; }\n"
    )
    board = load_board("microbit")
    with pytest.raises(NoSpace, match=r"large\.c does not fit the 16,384 bytes of RAM of microbit"):
        run_native(kernel, board, toolchains.find(board.machine, "zig"))


_GOOD = "".join(f"pc=0x100 n={count}\n" for count in (10, 25, 100, 150, 200, 249)) + "total n=400\n"


def test_a_log_gives_the_differences_of_its_marks(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(_GOOD)
    assert counting.read_counts(tmp_path / "log") == counting.Counts(15, 50, 49)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "passed 0 times"),
        (_GOOD.replace("pc=0x100 n=249\n", ""), "passed 5 times"),
        (_GOOD + "pc=0x100 n=500\n", "passed 7 times"),
        (_GOOD.replace("total n=400\n", ""), "did not end in good order"),
    ],
)
def test_a_log_that_is_not_whole_gives_no_figures(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "log").write_text(text)
    with pytest.raises(BuildError, match=problem):
        counting.read_counts(tmp_path / "log")


def test_the_suite_has_kernels_enough_in_both_halves() -> None:
    kernels = suite.kernels()
    assert sum(kernel.is_integer for kernel in kernels) >= 8
    assert {kernel.half for kernel in kernels} == set(suite.HALVES)
    assert all(kernel.file.is_file() for kernel in kernels)


def test_an_unknown_kernel_is_refused_naming_those_there_are() -> None:
    with pytest.raises(BuildError, match="no-such-kernel") as caught:
        suite.kernels(["no-such-kernel"])
    assert "sha256" in caught.value.hint


def measured(kernel: str, half: str, arithmetic: str, multiple: float) -> suite.Measured:
    native = 1000
    wasm = int(native * multiple)
    counts = (native, wasm, wasm, multiple, 10, 20, 500, 5.0)
    return suite.Measured(kernel, half, arithmetic, *counts, 100, 110, 1.1, 1, 2, 3)


def test_the_geometric_mean_is_over_integer_kernels_only() -> None:
    rows = (
        measured("a", "tuning", "integer", 2.0),
        measured("b", "checking", "integer64", 8.0),
        measured("c", "checking", "f32", 100.0),
    )
    report = suite.Report("stm32f4", "cortex-m4f", "zig", rows, {}, {})
    assert report.integer_geomean == pytest.approx(4.0)
    assert report.half_geomean("tuning") == pytest.approx(2.0)
    figures = report.as_json()
    assert figures["integer_geomean"] == pytest.approx(4.0)
    assert figures["load_per_wasm_byte"] == pytest.approx(5.0)
    assert suite.Report("stm32f4", "cortex-m4f", "zig", (), {}, {}).integer_geomean is None
