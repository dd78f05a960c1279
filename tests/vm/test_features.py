"""Build options: a VM built without a feature refuses what needs it by its name, and runs the rest as ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm.building import ROOT, build_once
from tests.vm.machine import FEATURE, Machine, Refusal, wat

#: The options that are features of WebAssembly.
CONFIG = (ROOT / "vm/src/config.h").read_text()
OPTIONS = [name for name in re.findall(r"#define WIRQ_WITH_(\w+) [01]\n", CONFIG) if name in FEATURE]

#: The smallest modules that need each option.
MODULES = [
    ("SATURATING_TRUNCATION", "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))"),
    ("BULK_COPY_FILL", "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("BULK_COPY_FILL", "(memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("CUSTOM_PAGE_SIZES", "(memory 1 (pagesize 1))"),
    ("BULK_MEMORY", '(memory 1) (data $d "x") (func (data.drop $d))'),
    ("BULK_MEMORY", "(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("BULK_MEMORY", "(func $f) (elem func $f)"),
    ("REFERENCE_TYPES", "(table 1 externref)"),
    ("REFERENCE_TYPES", "(func (param externref))"),
    ("REFERENCE_TYPES", "(func (local funcref))"),
    ("REFERENCE_TYPES", "(global funcref (ref.null func))"),
    ("REFERENCE_TYPES", "(func (drop (ref.null func)))"),
    ("REFERENCE_TYPES", "(table 1 funcref) (func (drop (table.size)))"),
    ("REFERENCE_TYPES", "(func (drop (select (result i32) (i32.const 0) (i32.const 0) (i32.const 0))))"),
    ("REFERENCE_TYPES", "(table 1 funcref) (elem (i32.const 0) funcref (ref.null func))"),
    ("MULTI_TABLE", "(table 1 funcref) (table 1 funcref)"),
    ("EXTENDED_CONST", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    ("TYPED_FUNCTION_REFERENCES", "(type $t (func)) (func (param (ref $t)))"),
    ("TYPED_FUNCTION_REFERENCES", "(type $t (func)) (func (local (ref null $t)))"),
    ("TAIL_CALL", "(func $f (return_call $f))"),
    ("TAIL_CALL", "(table 1 funcref) (func (return_call_indirect (i32.const 0)))"),
    ("MULTI_MEMORY", "(memory 1) (memory 1)"),
    ("EXCEPTIONS", "(tag $t) (func (throw $t))"),
]

PLAIN = """(module (memory 1) (table 2 funcref) (elem (i32.const 0) $square) (data (i32.const 4) "*")
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func (export "go") (param i32) (result i32)
    (i32.add (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.load8_u (i32.const 4)))))"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "wirq-vm-bare"
    return build_once(folder, ["driver"], [f"WIRQ_WITH_{option}=0" for option in OPTIONS])


@pytest.fixture
def bare_machine(bare: Path, tmp_path: Path) -> Iterator[Machine]:
    with Machine(bare / "driver", tmp_path) as machine:
        yield machine


@pytest.mark.parametrize(("feature", "text"), MODULES)
def test_what_is_built_out_is_refused_by_its_name(bare_machine: Machine, feature: str, text: str) -> None:
    with pytest.raises(Refusal) as caught:
        bare_machine.instantiate(wat(f"(module {text})"))
    assert (caught.value.status, caught.value.detail) == ("ABSENT_FEATURE", FEATURE[feature])


def test_what_needs_no_option_runs_without_them(bare_machine: Machine, machine: Machine) -> None:
    assert bare_machine.call(bare_machine.instantiate(PLAIN), "go", 7) == [49 + 42]
    assert machine.features() - bare_machine.features() <= set(OPTIONS)
    assert not bare_machine.features() & set(OPTIONS)


def test_every_option_has_a_module_that_needs_it() -> None:
    assert {feature for feature, _ in MODULES} == set(OPTIONS)
