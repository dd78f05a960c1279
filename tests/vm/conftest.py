"""The VM's test programs, built once a run, and a machine for each test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vm.building import build_once, environment
from tests.vm.machine import Machine

#: A folder where they are built already: tests.interrupts.mutants.
BUILT_VARIABLE = "WIRQ_TEST_PROGRAMS"

PROGRAMS = ["driver", "arena_program", "embedding_program", "manual_program", "signals_program", "stack_program"]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the built programs, shared by parallel workers."""
    if os.environ.get(BUILT_VARIABLE):
        return Path(os.environ[BUILT_VARIABLE])
    base = tmp_path_factory.getbasetemp()
    return build_once((base.parent if base.name.startswith("popen-") else base) / "wirq-vm", PROGRAMS)


@pytest.fixture
def new_machine(programs: Path, tmp_path: Path) -> Callable[..., Machine]:
    """Makes machines: new_machine(arena=…, stack=…, handler_stack=…)."""

    def make(**options: int) -> Machine:
        return Machine(programs / "driver", tmp_path, **options)

    return make


@pytest.fixture
def machine(new_machine: Callable[..., Machine]) -> Iterator[Machine]:
    with new_machine() as made:
        yield made


@pytest.fixture
def run_program(programs: Path) -> Callable[..., str]:
    """Runs a test program that checks itself; what it printed."""

    def run(name: str, *arguments: str) -> str:
        command = [str(programs / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
