"""The C stack that the VM needs is known before it runs: no recursion, no frame of unknown size, the same for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vm import call_graph
from tests.vm.call_graph import CallGraph, Recursion
from tests.vm.machine import STATUS, wat

#: Bytes on a Cortex-M4, for whatever the embedder calls: docs/explanation/robustness.md.
MOST_BYTES = 600
#: For what interrupt service routines call.
MOST_ISR_BYTES = 64


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CallGraph:
    return call_graph.build(tmp_path_factory.mktemp("call-graph"))


def test_no_function_of_the_vm_calls_itself_in_any_way(graph: CallGraph) -> None:
    graph.paths()
    assert not graph.unbounded
    assert len(graph.frame) > 200


def test_the_deepest_way_through_the_vm_fits_small_stacks(graph: CallGraph) -> None:
    paths = graph.paths()
    interface = {name: paths[name] for name in graph.frame if name.startswith("wirq_")}
    assert {"wirq_run", "wirq_load_feed", "wirq_instantiate", "wirq_raise"} <= interface.keys()
    deepest = max(interface.values())
    assert deepest[0] <= MOST_BYTES, " > ".join(f"{name} {graph.frame.get(name, 0)}" for name in deepest[1])
    for name in ("wirq_raise", "wirq_poison", "wirq_stop", "wirq_yield_soon"):
        assert interface[name][0] <= MOST_ISR_BYTES, name


def test_a_ring_of_calls_would_be_noticed() -> None:
    graph = CallGraph({"a": 8, "b": 16, "c": 8}, {"a": {"b"}, "b": {"c"}, "c": {"b"}})
    with pytest.raises(Recursion) as caught:
        graph.paths()
    assert caught.value.ring == ["b", "c", "b"]
    graph.calls["c"].clear()
    assert graph.paths()["a"] == (32, ("a", "b", "c"))


def _nested(depth: int) -> bytes:
    """Blocks, loops and ifs within one another, around a constant."""
    openings = ("(block (result i32)", "(loop (result i32)", "(if (result i32) (local.get 0) (then")
    closings = (")", ")", ") (else (i32.const 1)))")
    kinds = [i % 3 for i in range(depth)]
    text = " ".join(openings[kind] for kind in kinds) + " (i32.const 42) "
    text += " ".join(closings[kind] for kind in reversed(kinds))
    return wat(f'(module (func (export "f") (param i32) (result i32) {text}))')


def _recursive(_: int) -> bytes:
    return wat("""(module (table funcref (elem $down)) (type $t (func (param i32) (result i32)))
      (func $down (export "f") (type $t)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
          (else (i32.const 0)))))""")


def _operands(count: int) -> bytes:
    """Many values on the operand stack at once."""
    pushed = "(local.get 0) " * count + "i32.add " * (count - 1)
    return wat(f'(module (func (export "f") (param i32) (result i32) {pushed}))')


def _sections(count: int) -> bytes:
    """Many functions, globals and segments."""
    functions = "".join(f"(func (result i32) (i32.const {i})) (global i32 (i32.const {i}))" for i in range(count))
    data = "".join(f'(data (i32.const {i}) "x")' for i in range(count))
    exported = '(func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0)))'
    return wat(f"(module (memory 1) {functions} {data} {exported})")


@pytest.mark.parametrize(
    ("make", "small", "large"),
    [(_nested, 3, 250), (_operands, 3, 900), (_sections, 3, 2000), (_recursive, 1, 1)],
    ids=["nesting", "operands", "sections", "recursion"],
)
def test_the_c_stack_is_the_same_however_large_the_module(
    run_program: Callable[..., str], tmp_path: Path, make: Callable[[int], bytes], small: int, large: int
) -> None:
    used = []
    for size, argument in ((small, 3), (large, 3 if small != large else 20_000)):
        path = tmp_path / f"{size}-{argument}.wasm"
        path.write_bytes(make(size))
        bytes_, ending, _ = run_program("stack_program", str(path), "f", str(argument)).split()
        assert ending == "done", ending
        used.append(int(bytes_))
    assert used[0] == used[1] > 0


def test_the_c_stack_does_not_tell_where_recursion_ended(run_program: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "deep.wasm"
    path.write_bytes(_recursive(1))
    shallow = run_program("stack_program", str(path), "f", "3").split()
    exhausted = run_program("stack_program", str(path), "f", "100000000").split()
    assert exhausted[1:] == ["trap", str(STATUS["TRAP_STACK_EXHAUSTED"])]
    assert int(exhausted[0]) <= int(shallow[0]) + 512  # what recording a trap takes beside
