"""R25: the section wirq.cfg: read by the loader, written by the host, skipped by every other engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from wasmtime import Engine, Module

from firmware_host.errors import BadModule
from firmware_host.wasm import HandlerSettings, read_settings, strip, write_settings
from firmware_host.wasm.settings import KEYS
from tests.interrupts.guest_modules import (
    BUTTON,
    DEPTH,
    OPEN_BLOCK,
    STEP,
    TIMER,
    UART,
    function,
    handler,
    log,
    module,
    raise_,
    set_word,
)
from tests.vm.machine import Machine, Refusal, Trap, leb, wat

ROOT = Path(__file__).resolve().parents[2]
FORCED, QUIESCENT = 3, 2
CONTAIN = 1


def configured(body: str, *settings: HandlerSettings) -> bytes:
    return write_settings(wat(module(body)), settings)


def custom_section(name: bytes, body: bytes) -> bytes:
    content = leb(len(name)) + name + body
    return b"\0" + leb(len(content)) + content


def custom(body: bytes) -> bytes:
    return wat("(module)") + custom_section(b"wirq.cfg", body)


def test_code_that_asyncify_has_rewritten_is_not_to_be_forced(machine: Machine) -> None:
    """R52: not by its settings either."""
    body = handler("uart") + '(func (export "asyncify_get_state") (result i32) (i32.const 0))'
    with pytest.raises(Refusal, match="ASYNCIFIED"):
        machine.instantiate(configured(body, HandlerSettings(UART, class_=FORCED)))
    assert not machine.source(UART).attached
    machine.instantiate(configured(body, HandlerSettings(UART, class_=QUIESCENT)))
    assert machine.source(UART).attached


GO = function("go", f"{raise_(UART)} {STEP} {log(9)}")


def test_the_keys_are_those_of_the_vm() -> None:
    text = (ROOT / "vm/src/store.h").read_text(encoding="utf-8")
    found = re.search(r"enum setting \{(.*?)\};", text, re.DOTALL)
    assert found is not None
    keys = [key.lower() for key in re.findall(r"^\s*SETTING_(\w+)", found[1], re.MULTILINE)]
    assert keys == [key.rstrip("_") for key in KEYS]


def test_a_module_with_settings_is_valid_elsewhere_and_reads_back() -> None:
    settings = [HandlerSettings(0, policy=1, fuel=100_000), HandlerSettings(2, priority=2, latency_us=0xFFFFFFFF)]
    data = configured(handler("uart"), *settings)
    Module(Engine(), data)
    assert read_settings(data) == settings
    assert read_settings(write_settings(data, settings[:1])) == settings[:1]
    assert write_settings(data, []) == wat(module(handler("uart")))
    assert read_settings(strip(data)) == settings  # what is sent to a board


@pytest.mark.parametrize("piece", [0, 1, 3, -5])
def test_priority_policy_and_fuel_come_from_the_section(machine: Machine, piece: int) -> None:
    data = configured(handler("uart", "(loop (br 0))") + GO, HandlerSettings(UART, 0, 2, CONTAIN, 30))
    instance = machine.instantiate(data, piece)
    machine.call(instance, "go")
    assert machine.log() == [1, 9]
    assert machine.faults() == [(UART, "TRAP_BUDGET")]
    assert machine.source(UART).priority == 1


def test_a_priority_in_the_exports_name_wins(machine: Machine) -> None:
    machine.instantiate(configured(handler("uart:0") + handler("timer"), HandlerSettings(UART, priority=2)))
    assert (machine.source(UART).priority, machine.source(TIMER).priority) == (0, 0)


def test_the_class_comes_from_the_section(machine: Machine) -> None:
    body = f"{raise_(UART)} {STEP} {log(5)} (drop (call $wait (i64.const 0))) {log(6)}"
    instance = machine.instantiate(
        configured(handler("uart") + function("go", body), HandlerSettings(UART, class_=QUIESCENT))
    )
    machine.call(instance, "go")
    assert machine.log() == [5, 1, 6]


def test_settings_hold_for_handlers_that_are_attached_later_too(machine: Machine) -> None:
    late = "(func $late (param i32 i32 i32) (loop (br 0))) (table 1 funcref) (elem (i32.const 0) $late)"
    body = (
        f"(drop (call $attach (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 1))) {raise_(TIMER)} {STEP} {log(9)}"
    )
    instance = machine.instantiate(
        configured(late + function("go", body), HandlerSettings(TIMER, policy=CONTAIN, fuel=10))
    )
    machine.call(instance, "go")
    assert machine.log() == [9]


def test_r46_a_handler_may_not_call_what_its_module_forbids_it(machine: Machine) -> None:
    """Import 0 is log, import 1 raise; beyond the last bit there are none."""
    body = handler("timer", raise_(UART)) + handler("uart") + function("go", f"{raise_(TIMER)} {STEP} {log(9)}")
    instance = machine.instantiate(configured(body, HandlerSettings(TIMER, policy=CONTAIN, forbidden=1 << 1)))
    machine.call(instance, "go")
    assert machine.log() == [1001, 9]
    assert machine.faults() == [(TIMER, "TRAP_FORBIDDEN_IN_HANDLER")]


def test_r33_a_handler_with_a_shadow_stack_of_its_own_starts_at_its_top(machine: Machine) -> None:
    text = f"""(global $sp (export "__stack_pointer") (mut i32) (i32.const 4096))
      {handler("uart", "(call $log (global.get $sp))")}"""
    body = f"{raise_(UART)} {STEP} (call $log (global.get $sp))"
    instance = machine.instantiate(configured(text + function("go", body), HandlerSettings(UART, shadow_stack=2048)))
    machine.call(instance, "go")
    assert machine.log() == [1, 2048, 4096]


def test_r38_a_section_that_is_longer_than_declared_traps_the_guest_that_is_in_it(machine: Machine) -> None:
    spin = "(loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"
    body = f"""{OPEN_BLOCK} {set_word(DEPTH, 1)} {raise_(UART)} {STEP} (local.set $i (local.get $n)) {spin}
      {set_word(DEPTH, 0)} (call $deliver) {log(9)}"""
    data = configured(
        handler("uart") + function("go", body, "(param $n i32) (local $i i32)"), HandlerSettings(UART, section=50)
    )
    instance = machine.instantiate(data)
    machine.call(instance, "go", 30)
    assert machine.log() == [1, 9]
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go", 200)
    assert (caught.value.status, caught.value.source) == ("TRAP_SECTION", -1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\x01\x01", "BAD_CONFIG"),  # no source yet
        (b"\x00\x00\x0d\x01", "BAD_CONFIG"),  # no such key
        (b"\x00\x00\xff\x01", "BAD_CONFIG"),
        (b"\x00\x04", "UNKNOWN_SOURCE"),
        (b"\x00\x20", "BAD_CONFIG"),
        (b"\x00\x00\x01\x04", "BAD_CONFIG"),  # class
        (b"\x00\x00\x02\x03", "BAD_CONFIG"),  # priority
        (b"\x00\x00\x03\x03", "BAD_CONFIG"),  # policy
        (b"\x00\x00\x04", "TRUNCATED"),
        (b"\x00\x00\x04\x80", "TRUNCATED"),
        (b"\x00\x00\x04\xff\xff\xff\xff\x7f", "BAD_LEB"),
        (b"\x00\x00" * 33, "BAD_CONFIG"),
    ],
)
def test_a_bad_section_is_refused_and_leaves_nothing_behind(machine: Machine, body: bytes, status: str) -> None:
    before = machine.used()
    for piece in (0, 1):
        with pytest.raises(Refusal) as caught:
            machine.load(custom(body), piece)
        assert caught.value.status == status
    assert machine.used() == before


def test_an_empty_section_and_similar_names_are_nothing(machine: Machine) -> None:
    plain = wat(module(handler("button")))
    sections = [custom_section(b"wirq.cfg", b"")]
    bad = b"\x00\x02\xff\x01"  # no such key, for the button
    sections += [custom_section(name, bad) for name in (b"wirq.cf", b"wirq.cfh", b"wirq.cfg2", b"")]
    states = []
    for data in (plain, *(plain + one for one in sections)):
        for piece in (0, 1):
            instance = machine.instantiate(data, piece)
            states.append(machine.source(BUTTON))
            machine.release(instance)
    assert states[0].attached
    assert states == [states[0]] * len(states)
    with pytest.raises(Refusal, match="BAD_CONFIG"):
        machine.load(plain + custom_section(b"wirq.cfg", bad))


def test_the_host_refuses_a_malformed_section_too() -> None:
    with pytest.raises(BadModule):
        read_settings(custom(b"\x01\x01"))


def test_a_released_instance_takes_its_settings_along(machine: Machine) -> None:
    first = machine.instantiate(configured(handler("button"), HandlerSettings(BUTTON, policy=CONTAIN, fuel=5)))
    machine.release(first)
    body = handler(
        "button", "(loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))", "(local $i i32)"
    )
    body = body.replace("(loop", "(local.set $i (i32.const 50)) (loop", 1)
    machine.call(machine.instantiate(module(body + function("go", f"{raise_(BUTTON)} {STEP} {log(9)}"))), "go")
    assert machine.log() == [2001, 9]
