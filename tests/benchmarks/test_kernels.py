"""The benchmark kernels give the results that kernels.toml says: as wasm, natively, at every level, twice in a row."""

from __future__ import annotations

import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from firmware_host import Board, resources
from firmware_host.build import toolchains
from firmware_host.build.guest import Optimisation, compile_c
from firmware_host.wasm import Module, strip

FOLDER = resources.path("benchmarks")
FACTS: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "kernels.toml").read_text(encoding="utf-8"))
LEVELS: list[Optimisation] = ["-O0", "-O2", "-Os"]
STACK_SIZE = 1024


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host", 10.0) as connected:
        yield connected


def _compile(kernel: str, tmp_path: Path, level: Optimisation) -> bytes:
    module = tmp_path / f"{kernel}.wasm"
    compile_c(FOLDER / f"{kernel}.c", module, optimise=level, stack_size=STACK_SIZE, report=pytest.fail)
    return module.read_bytes()


def test_every_kernel_has_its_facts_and_its_row() -> None:
    assert {path.stem for path in FOLDER.glob("*.c")} == set(FACTS)
    rows = {line.split("|")[1].strip(): line for line in (FOLDER / "README.md").read_text().splitlines() if "|" in line}
    for name, facts in FACTS.items():
        assert rows[name].split("|")[2].strip() == facts["half"]


def test_the_halves_are_alike() -> None:
    assert Counter(facts["half"] for facts in FACTS.values()) == {"tuning": 8, "checking": 8}
    by_half = {
        half: Counter(facts["arithmetic"] for facts in FACTS.values() if facts["half"] == half)
        for half in ("tuning", "checking")
    }
    assert by_half["tuning"] == by_half["checking"] == {"integer": 6, "integer64": 1, "f32": 1}


@pytest.mark.parametrize("kernel", FACTS)
@pytest.mark.parametrize("level", LEVELS)
def test_the_reference_finds_the_result(kernel: str, level: Optimisation, tmp_path: Path) -> None:
    config = wasmtime.Config()
    config.wasm_custom_page_sizes = True
    store = wasmtime.Store(wasmtime.Engine(config))
    module = wasmtime.Module(store.engine, _compile(kernel, tmp_path, level))
    run = wasmtime.Instance(store, module, []).exports(store)["run"]
    assert isinstance(run, wasmtime.Func)
    assert [run(store), run(store)] == [FACTS[kernel]["result"]] * 2


@pytest.mark.parametrize("kernel", FACTS)
@pytest.mark.parametrize("level", LEVELS)
def test_the_host_board_finds_the_result(board: Board, kernel: str, level: Optimisation, tmp_path: Path) -> None:
    board.put(strip(_compile(kernel, tmp_path, level)), replace=True)
    instance = board.instantiate()
    right = [FACTS[kernel]["result"] & 0xFFFFFFFF]
    assert [instance.invoke("run"), instance.invoke("run")] == [right, right]


@pytest.mark.parametrize("kernel", FACTS)
def test_native_code_finds_the_result(kernel: str, tmp_path: Path) -> None:
    main = tmp_path / "main.c"
    main.write_text(
        "#include <stdint.h>\n#include <stdio.h>\nint32_t run(void);\n"
        'int main(void) { int32_t first = run(); printf("%d %d\\n", (int)first, (int)run()); return 0; }\n'
    )
    program = tmp_path / "program"
    flags = (
        "-O2",
        "-std=c11",
        "-ffp-contract=off",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
    )
    command = [str(toolchains.zig()), "cc", *flags, str(FOLDER / f"{kernel}.c"), str(main), "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True)
    done = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(FACTS[kernel]["result"])] * 2


@pytest.mark.parametrize("kernel", FACTS)
def test_data_fits_16_kib_and_nothing_is_imported(kernel: str, tmp_path: Path) -> None:
    module = Module.parse(_compile(kernel, tmp_path, "-O2"))
    assert module.imports == ()
    assert module.memory is not None
    assert module.memory.minimum_bytes - STACK_SIZE <= 16 << 10
