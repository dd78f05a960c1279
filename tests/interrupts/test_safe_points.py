"""Where safe points are: at every operation that jumps, calls or returns, which are numbered first (R59-R62)."""

from __future__ import annotations

import re

from tests.interrupts.guest_modules import UART, function, handler, module
from tests.vm.machine import Machine
from vm.ops import internal

#: What handlers that leave the order of the code are written with.
_LEAVES = re.compile(r"\b(JUMP|JUMP_LONG|CALL|RETURN)\(|\bgoto (call_\w+|return_call\w*)\b")


def test_r59_r60_every_operation_that_jumps_calls_or_returns_is_a_control_operation() -> None:
    leaving = [operation for operation in internal.operations() if _LEAVES.search(operation.code)]
    assert len(leaving) > 30  # fused forms, too
    assert [operation.name for operation in leaving if not operation.control] == []


def test_r61a_control_operations_are_numbered_first_and_are_few() -> None:
    kinds = [operation.control for operation in internal.operations()]
    assert kinds == sorted(kinds, reverse=True)
    assert sum(kinds) <= 96


def test_r62_the_handler_table_is_of_bounded_size() -> None:
    assert len(internal.operations()) <= 384


def test_r61_a_wide_request_stops_before_every_operation_a_narrow_one_at_control_operations(machine: Machine) -> None:
    body = """(local i32) (local.set 0 (i32.const 5))
      (loop (br_if 0 (local.tee 0 (i32.sub (i32.mul (local.get 0) (i32.const 1)) (i32.const 1)))))"""
    instance = machine.instantiate(module(handler("uart") + function("go", body)))
    points = []
    for every in (False, True):
        machine.inject(UART, 0, every)
        machine.call(instance, "go")
        points.append(machine.injected())
    narrow, wide = points
    assert 5 <= narrow <= 7  # five branches and the end
    assert wide >= narrow + 5  # and the multiplications
