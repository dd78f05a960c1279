"""Random modules do on wirq's VM what they do on wasmtime: results, traps, what is logged, globals, memories."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential.comparing import Comparison
from tests.differential.generator import generate
from tests.differential.mutants import MUTANTS, Mutant, noticed
from tests.differential.mutated import MutatedComparison
from tests.differential.oracle import Oracle
from tests.vm.building import ROOT, build_once

#: Seconds that the slice takes which runs with all tests, and the least it must come to in them on a busy machine.
SLICE_SECONDS, SLICE_LEAST = 25, 40
MUTATED_SECONDS = 12
EVERY_FEATURE = (
    *("MULTI_VALUE", "CUSTOM_PAGE_SIZES", "BULK_MEMORY", "REFERENCE_TYPES", "EXTENDED_CONST", "TAIL_CALL"),
    *("TYPED_FUNCTION_REFERENCES", "MULTI_MEMORY", "EXCEPTIONS", "MULTI_TABLE"),
)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if base.name.startswith("popen-") else base
    return build_once(folder / "wirq-vm-differential", ["driver"]) / "driver"


@pytest.fixture
def comparison(driver: Path, tmp_path: Path) -> Iterator[Comparison]:
    with Comparison(driver, tmp_path) as made:
        yield made


def test_a_seed_is_always_the_same_module() -> None:
    for seed in range(20):
        assert generate(seed, EVERY_FEATURE) == generate(seed, EVERY_FEATURE)
    assert len({generate(seed, EVERY_FEATURE).module for seed in range(20)}) == 20


def test_every_module_is_valid_with_whatever_features() -> None:
    oracle = Oracle()
    for seed in range(60):
        for features in (EVERY_FEATURE, EVERY_FEATURE[:1], ()):
            assert oracle.validates(generate(seed, features).module) == "", seed


@pytest.mark.slow
def test_wirq_and_wasmtime_agree(comparison: Comparison) -> None:
    end = time.monotonic() + SLICE_SECONDS
    seed = 0
    while time.monotonic() < end or seed < SLICE_LEAST:
        seed += 1
        found = comparison.seed(seed)
        assert found is None, (
            f"seed {seed}: {found.text if found else ''}; python -m tests.differential --seed {seed} --count 1"
        )
    assert {"done", "TRAP_UNREACHABLE", "TRAP_MEMORY"} <= set(comparison.told)


@pytest.mark.slow
def test_wirq_and_wasmtime_agree_on_modules_that_were_changed(driver: Path, tmp_path: Path) -> None:
    end = time.monotonic() + MUTATED_SECONDS
    seed = 0
    with MutatedComparison(driver, tmp_path) as compare:
        while time.monotonic() < end or seed < SLICE_LEAST:
            seed += 1
            found = compare.seed(seed)
            again = f"python -m tests.differential --mutated --seed {seed} --count 1"
            assert found is None, f"seed {seed}: {found.text}; {again}"
    assert {"run alike", "invalid alike"} <= set(compare.told)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_every_mutant_finds_its_place_in_the_vm(mutant: Mutant) -> None:
    assert mutant.applied_to(ROOT / "vm") != (ROOT / "vm" / mutant.file).read_text()


def test_a_broken_vm_is_noticed(driver: Path, tmp_path: Path) -> None:
    mutant = next(one for one in MUTANTS if "interrupt" in one.what)
    assert noticed(mutant, driver.parent, tmp_path) is not None
