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

#: The smallest modules that need each option, and the function that needs it; -1: what lies outside of functions does.
MODULES = [
    ("SATURATING_TRUNCATION", "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))", 0),
    ("BULK_COPY_FILL", "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", 0),
    ("BULK_COPY_FILL", "(memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))", 0),
    ("CUSTOM_PAGE_SIZES", "(memory 1 (pagesize 1))", -1),
    ("BULK_MEMORY", '(memory 1) (data $d "x") (func (data.drop $d))', 0),
    ("BULK_MEMORY", "(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 0)))", 0),
    ("BULK_MEMORY", "(func $f) (elem func $f)", -1),
    ("REFERENCE_TYPES", "(table 1 externref)", -1),
    ("REFERENCE_TYPES", "(func (param externref))", -1),
    ("REFERENCE_TYPES", "(func (local funcref))", 0),
    ("REFERENCE_TYPES", "(global funcref (ref.null func))", -1),
    ("REFERENCE_TYPES", "(func (drop (ref.null func)))", 0),
    ("REFERENCE_TYPES", "(table 1 funcref) (func (drop (table.size)))", 0),
    ("REFERENCE_TYPES", "(func (drop (select (result i32) (i32.const 0) (i32.const 0) (i32.const 0))))", 0),
    ("REFERENCE_TYPES", "(table 1 funcref) (elem (i32.const 0) funcref (ref.null func))", -1),
    ("MULTI_TABLE", "(table 1 funcref) (table 1 funcref)", -1),
    ("EXTENDED_CONST", "(global i32 (i32.add (i32.const 1) (i32.const 2)))", -1),
    ("TYPED_FUNCTION_REFERENCES", "(type $t (func)) (func (param (ref $t)))", -1),
    ("TYPED_FUNCTION_REFERENCES", "(type $t (func)) (func (local (ref null $t)))", 0),
    ("TAIL_CALL", "(func $f (return_call $f))", 0),
    ("TAIL_CALL", "(table 1 funcref) (func (return_call_indirect (i32.const 0)))", 0),
    ("MULTI_MEMORY", "(memory 1) (memory 1)", -1),
    ("MULTI_MEMORY", '(import "m" "a" (memory 1)) (memory 1)', -1),
    ("MULTI_TABLE", '(import "m" "a" (table 1 funcref)) (table 1 funcref)', -1),
    ("TYPED_FUNCTION_REFERENCES", "(func unreachable ref.as_non_null drop)", 0),
    ("TYPED_FUNCTION_REFERENCES", "(func unreachable (br_on_null 0) drop)", 0),
    ("TYPED_FUNCTION_REFERENCES", "(type $t (func)) (func unreachable (call_ref $t))", 0),
    ("EXCEPTIONS", "(tag $t) (func (throw $t))", -1),
    ("EXCEPTIONS", "(func unreachable throw_ref)", 0),
    ("EXCEPTIONS", "(func (try_table))", 0),
    ("EXCEPTIONS", "(func (param exnref))", -1),
    ("EXCEPTIONS", '(import "m" "t" (tag))', -1),
    ("RINGS", '(@custom "wirq.cfg" "\\00\\03\\0c\\01")', -1),
]

PLAIN = """(module (memory 1) (table 2 funcref) (elem (i32.const 0) $square) (data (i32.const 4) "*")
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func (export "go") (param i32) (result i32)
    (i32.add (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.load8_u (i32.const 4)))))"""


#: What cannot be without another.
NEEDS = {"TYPED_FUNCTION_REFERENCES": "REFERENCE_TYPES"}


def assert_refused(machine: Machine, feature: str, text: str, function: int) -> None:
    module = wat(f"(module {text})")
    with pytest.raises(Refusal) as caught:
        machine.load(module)
    refusal = caught.value
    assert (refusal.status, refusal.detail, refusal.function) == ("ABSENT_FEATURE", FEATURE[feature], function), text
    assert 8 < refusal.offset <= len(module), text


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    base = factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / name


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shared_folder(tmp_path_factory, "wirq-vm-bare")
    return build_once(folder, ["driver"], [f"WIRQ_WITH_{option}=0" for option in OPTIONS])


@pytest.fixture
def bare_machine(bare: Path, tmp_path: Path) -> Iterator[Machine]:
    with Machine(bare / "driver", tmp_path) as machine:
        yield machine


@pytest.mark.parametrize(("feature", "text", "function"), MODULES)
def test_what_is_built_out_is_refused_by_its_name(
    bare_machine: Machine, feature: str, text: str, function: int
) -> None:
    assert_refused(bare_machine, feature, text, function)


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_can_be_left_out_alone(
    machine: Machine, option: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It compiles without a warning, refuses what needs the option, and loads all else."""
    absent = {option} | {other for other, needed in NEEDS.items() if needed == option}
    folder = shared_folder(tmp_path_factory, f"wirq-vm-without-{option}")
    defines = [f"WIRQ_WITH_{one}={int(one not in absent)}" for one in OPTIONS]
    built = build_once(folder, ["driver"], defines, ["-O0", "-Werror"])
    with Machine(built / "driver", tmp_path) as without:
        assert without.features() == (machine.features() | set(OPTIONS)) - absent
        for feature, text, function in MODULES:
            if feature in absent:
                assert_refused(without, feature, text, function)
            elif (
                not any(word in text for word in ("externref", "funcref", "exnref")) or "REFERENCE_TYPES" not in absent
            ):
                without.load(wat(f"(module {text})"))
        assert without.call(without.instantiate(PLAIN), "go", 7) == [49 + 42]


def test_what_needs_no_option_runs_without_them(bare_machine: Machine, machine: Machine) -> None:
    assert bare_machine.call(bare_machine.instantiate(PLAIN), "go", 7) == [49 + 42]
    assert machine.features() - bare_machine.features() <= set(OPTIONS)
    assert not bare_machine.features() & set(OPTIONS)


def test_every_option_has_a_module_that_needs_it() -> None:
    assert {feature for feature, _, _ in MODULES} == set(OPTIONS)
