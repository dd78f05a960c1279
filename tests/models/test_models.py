"""The protocols of the interrupt rules, model-checked; each broken twin must fail (T1)."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests import needs

HERE = Path(__file__).resolve().parent
CHECK: dict[str, Any] = runpy.run_path(str(HERE / "check.py"))
PROMISES = CHECK["promises"]()


def test_every_model_has_a_variant_that_verifies_and_a_broken_twin() -> None:
    models = {path.stem for path in HERE.glob("*.pml")}
    for result in ("verify", "FAIL"):
        assert {promise.model.stem for promise in PROMISES if promise.result == result} == models


@pytest.mark.parametrize("promise", PROMISES, ids=str)
def test_a_model_keeps_its_promise(promise: Any) -> None:
    for name in ("spin", "gcc"):
        needs.program(name, f"the model {promise}")
    result, _ = CHECK["verify"](promise)
    assert result == promise.result


def test_restartable_copies_are_right_and_their_twin_is_not() -> None:
    count = runpy.run_path(str(HERE / "bulk-restart/restartable_copy.py"))["count"]
    assert count(False) == (16350, 0)
    assert count(True)[1] > 0
