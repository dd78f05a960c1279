"""A handler never destroys the interrupted function's locals in LLVM's red zone (R33, T4)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vm.machine import Machine

SOURCE = Path(__file__).with_name("red_zone_guest.c")
TURNS = 40


def compile_guest(target: Path, level: str, export_pointer: bool) -> bytes:
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding"]
    command += ["-mcpu=mvp+mutable_globals", "-fno-sanitize=all", level, "-g0"]
    command += ["-Wl,--no-entry", "-Wl,-z,stack-size=1024", "-nostdlib", "-o", str(target), str(SOURCE)]
    if export_pointer:
        command.insert(-3, "-Wl,--export=__stack_pointer")
    subprocess.run(command, check=True, capture_output=True)
    return target.read_bytes()


def corrupted(machine: Machine, guest: bytes) -> tuple[int, int]:
    """At how many of the safe points of one call an interrupt changes its result, and how many there are."""

    def run(n: int) -> tuple[int, int]:
        machine.reset()
        instance = machine.instantiate(guest)
        machine.inject(0, n, False)
        (result,) = machine.call(instance, "leaf", TURNS)
        return result, machine.injected()

    want, points = run(0)
    return sum(run(n)[0] != want for n in range(1, points + 1)), points


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3", "-Os", "-Oz"])
def test_t4_a_handler_does_not_touch_the_red_zone(
    new_machine: Callable[..., Machine], tmp_path: Path, level: str
) -> None:
    with new_machine(arena=1 << 22) as machine:
        wrong, points = corrupted(machine, compile_guest(tmp_path / "guest.wasm", level, export_pointer=True))
        assert points >= TURNS
        assert wrong == 0


def test_without_the_stack_pointer_the_red_zone_is_destroyed(
    new_machine: Callable[..., Machine], tmp_path: Path
) -> None:
    # The twin that shows that the test above can fail: the VM cannot move a pointer that it does not know.
    with new_machine(arena=1 << 22) as machine:
        wrong, _ = corrupted(machine, compile_guest(tmp_path / "guest.wasm", "-O2", export_pointer=False))
        assert wrong > 0
