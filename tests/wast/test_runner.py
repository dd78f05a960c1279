"""The runner's judgement: what passes, fails and is skipped, on boards that are known to be right, and on others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_host import status
from firmware_host.errors import BadModule, LinkError, LinkTimeout, NoSpace, WirqError
from firmware_host.inprocess import InProcessBoard
from firmware_host.wast.convert import convert
from firmware_host.wast.report import Outcome, ScriptReport
from firmware_host.wast.runner import Runner
from firmware_host.wast.superseded import Superseded
from tests.wast.reference_board import ReferenceBoard, ReferenceInstance


def _run(script: str, board: ReferenceBoard | None = None, superseded: Superseded | None = None) -> ScriptReport:
    return Runner(board or ReferenceBoard()).run(convert(script.encode()), "test/script", superseded)


def _outcomes(report: ScriptReport) -> list[Outcome]:
    return [result.outcome for result in report.results]


class PickyBoard(ReferenceBoard):
    """Refuses modules that contain a given string."""

    def __init__(self, refuse: Callable[[bytes], WirqError | None]) -> None:
        super().__init__()
        self._refuse = refuse

    def instantiate(self, *, keep: bool = False, start: bool = True, timeout: float | None = None) -> ReferenceInstance:
        error = self._refuse(self._upload)
        if error is not None:
            raise error
        return super().instantiate(keep=keep, start=start, timeout=timeout)


def _lacking_simd(data: bytes) -> WirqError | None:
    absent = BadModule("no", code=status.code("ABSENT_FEATURE"), detail=14)
    return absent if b"simd" in data else None


ONE = '(module (func (export "one") (result i32) (i32.const 1)))'


@pytest.mark.parametrize(
    ("assertion", "right"),
    [
        ('(assert_return (invoke "one") (i32.const 1))', True),
        ('(assert_return (invoke "one") (i32.const 2))', False),
        ('(assert_return (invoke "one"))', False),
        ('(assert_return (invoke "two") (i32.const 1))', False),
        ('(assert_return (invoke $nobody "one") (i32.const 1))', False),
        ('(assert_trap (invoke "one") "unreachable")', False),
        ('(assert_trap (invoke "trap") "unreachable")', True),
        ('(assert_trap (invoke "trap") "integer overflow")', False),
        ('(assert_return (invoke "trap"))', False),
        ('(invoke "trap")', False),
        ('(invoke "one")', True),
        ('(assert_exhaustion (invoke "trap") "call stack exhausted")', False),
        ('(assert_exhaustion (invoke "deep") "call stack exhausted")', True),
        ('(assert_invalid (module (func (result i32))) "type mismatch")', True),
        ('(assert_invalid (module) "type mismatch")', False),
        ('(assert_malformed (module binary "x") "unexpected end")', True),
        ('(assert_malformed (module binary "\\00asm\\01\\00\\00\\00") "unexpected end")', False),
        ('(assert_unlinkable (module (import "a" "b" (func))) "unknown import")', True),
        ('(assert_unlinkable (module) "unknown import")', False),
        ('(assert_unlinkable (module (func (result i32))) "unknown import")', False),
        ('(assert_unlinkable (module (func $f unreachable) (start $f)) "unknown import")', False),
        ('(assert_trap (module (func $f unreachable) (start $f)) "unreachable")', True),
        ('(assert_trap (module (func $f unreachable) (start $f)) "out of bounds memory access")', False),
        ('(assert_trap (module) "unreachable")', False),
        ('(assert_trap (module (import "a" "b" (func))) "unreachable")', False),
        ('(module (import "a" "b" (func)))', False),
        ("(module (func (result i32)))", False),
        ('(register "x" $nobody)', False),
        ("(conjure)", False),
    ],
)
def test_an_answer_is_right_or_wrong(assertion: str, right: bool) -> None:
    module = (
        '(module (func (export "one") (result i32) (i32.const 1)) (func (export "trap") unreachable)'
        ' (func $deep (export "deep") (call $deep)))'
    )
    report = _run(f"{module}\n{assertion}")
    assert _outcomes(report) == [Outcome.PASSED, Outcome.PASSED if right else Outcome.FAILED]


def test_after_a_failed_module_actions_go_to_no_instance() -> None:
    report = _run(f'{ONE} (module (func (result i32))) (assert_return (invoke "one") (i32.const 1))')
    assert _outcomes(report) == [Outcome.PASSED, Outcome.FAILED, Outcome.FAILED]


def test_a_refused_assertion_leaves_the_current_instance() -> None:
    report = _run(
        f'{ONE} (assert_invalid (module (func (result i32))) "") (assert_return (invoke "one") (i32.const 1))'
    )
    assert _outcomes(report) == [Outcome.PASSED] * 3


def test_text_without_a_binary_form_is_skipped() -> None:
    report = _run('(assert_malformed (module quote "(func") "unexpected end")')
    assert _outcomes(report) == [Outcome.TEXT_ONLY]
    assert report.skipped == {"text only": 1}


def test_an_absent_feature_skips_all_commands_that_need_the_module() -> None:
    report = _run(
        '(module $m (func (export "simd") (result i32) (i32.const 1)))'
        '(assert_return (invoke "simd") (i32.const 1))'
        '(register "m" $m)'
        '(module (import "m" "simd" (func (result i32))) (export "again" (func 0)))'
        '(assert_return (invoke "again") (i32.const 1))'
        f"{ONE}"
        '(assert_return (invoke $m "simd") (i32.const 1))'
        '(assert_return (invoke "one") (i32.const 1))',
        PickyBoard(_lacking_simd),
    )
    assert _outcomes(report) == [Outcome.ABSENT] * 5 + [Outcome.PASSED, Outcome.ABSENT, Outcome.PASSED]
    assert report.skipped == {"needs simd": 6}


def test_an_absent_feature_does_not_prove_a_module_invalid() -> None:
    report = _run(
        '(assert_invalid (module (func (export "simd") (result i32))) "type mismatch")', PickyBoard(_lacking_simd)
    )
    assert _outcomes(report) == [Outcome.ABSENT]


def test_what_does_not_fit_is_neither_passed_nor_skipped() -> None:
    board = PickyBoard(lambda data: NoSpace("full", code=status.code("NO_MEMORY")) if b"large" in data else None)
    report = _run(
        '(module (func (export "large") (result i32) (i32.const 1))) (assert_return (invoke "large") (i32.const 1))',
        board,
    )
    assert _outcomes(report) == [Outcome.NO_SPACE] * 2
    assert not report.whole
    assert not report.skipped


class TestSuperseded:
    """Either answer is right until the feature that supersedes one of them is there."""

    ACCEPTED = '(assert_invalid (module) "some rule of old")'

    def test_an_unlisted_command_must_be_answered_as_written(self) -> None:
        assert _outcomes(_run(self.ACCEPTED)) == [Outcome.FAILED]

    def test_a_listed_one_may_be_answered_otherwise(self) -> None:
        listed = Superseded({"test/script": frozenset({1})})
        report = _run(self.ACCEPTED, superseded=listed)
        assert _outcomes(report) == [Outcome.SUPERSEDED]
        assert report.passed == 1

    def test_a_listed_one_may_be_answered_as_written(self) -> None:
        listed = Superseded({"test/script": frozenset({1})})
        assert _outcomes(_run('(assert_invalid (module (func (result i32))) "")', superseded=listed)) == [
            Outcome.PASSED
        ]

    def test_once_the_feature_is_built_only_the_newer_answer_is_right(self, monkeypatch: pytest.MonkeyPatch) -> None:
        listed = Superseded({"test/script": frozenset({1})})
        monkeypatch.setattr("firmware_host.wast.superseded.FLIPS", {"test/script": {"multi-value": (1,)}})
        assert _outcomes(_run(self.ACCEPTED, superseded=listed)) == [Outcome.SUPERSEDED]
        written = '(assert_invalid (module (func (result i32))) "")'
        assert _outcomes(_run(written, superseded=listed)) == [Outcome.FAILED]

    def test_a_listed_command_may_not_fail_in_yet_another_way(self) -> None:
        listed = Superseded({"test/script": frozenset({1})})
        report = _run('(assert_return (invoke "nothing") (i32.const 1))', superseded=listed)
        assert _outcomes(report) == [Outcome.FAILED]


class TestLostBoard:
    """A board that dies costs the rest of its script, and says so."""

    def test_the_rest_of_the_script_has_failed(self) -> None:
        def die(data: bytes) -> WirqError | None:
            return LinkError("gone") if b"deadly" in data else None

        report = _run(f'{ONE} (module (func (export "deadly"))) {ONE} (assert_return (invoke "one"))', PickyBoard(die))
        assert _outcomes(report) == [Outcome.PASSED] + [Outcome.FAILED] * 3
        assert report.lost is not None
        assert "not run" in report.results[-1].message

    def test_one_timeout_is_survived_and_two_in_a_row_are_not(self) -> None:
        def hang(data: bytes) -> WirqError | None:
            return LinkTimeout("slow") if b"endless" in data else None

        endless = '(module (func (export "endless")))'
        survived = _run(f"{endless} {ONE} {endless} {ONE}", PickyBoard(hang))
        assert _outcomes(survived) == [Outcome.FAILED, Outcome.PASSED] * 2
        assert survived.lost is None
        assert _run(f"{endless} {endless} {ONE}", PickyBoard(hang)).lost is not None


class TestSmallBoard:
    """What a board has no room for is neither passed nor failed, and neither is what follows from it."""

    GROWING = """(module (memory (export "m") 1)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "size") (result i32) (memory.size))
      (func $deep (export "deep") (param i32) (result i32)
        (if (local.get 0) (then (drop (call $deep (i32.sub (local.get 0) (i32.const 1)))))) (i32.const 1)))"""

    def _run(self, script: str) -> list[Outcome]:
        with InProcessBoard(512 << 10) as board:
            return _outcomes(Runner(board).run(convert(script.encode()), "test/script"))

    def test_a_memory_that_cannot_grow_does_not_fit(self) -> None:
        grown = '(assert_return (invoke "grow" (i32.const 9)) (i32.const 1))'
        size = '(assert_return (invoke "size") (i32.const 10))'
        assert self._run(f"{self.GROWING} {grown} {size}") == [Outcome.PASSED, *[Outcome.NO_SPACE] * 2]
        assert self._run(f"{self.GROWING} {size}") == [Outcome.PASSED, Outcome.FAILED]
        assert self._run(f"{self.GROWING} {grown} {self.GROWING} {size}")[-1] is Outcome.FAILED

    def test_growth_that_is_to_fail_passes(self) -> None:
        fails = '(assert_return (invoke "grow" (i32.const 70000)) (i32.const -1))'
        wrong = '(assert_return (invoke "size") (i32.const 2))'
        assert self._run(f"{self.GROWING} {fails} {wrong}") == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED]

    def test_what_follows_from_a_module_that_does_not_fit_does_not_either(self) -> None:
        write = '(module (import "a" "m" (memory 1)) (memory 100) (data (memory 0) (i32.const 0) "x"))'
        read = '(func (export "load") (result i32) (i32.load8_u (i32.const 0)))'
        script = f"""{self.GROWING} (register "a")
          (module $reader (import "a" "m" (memory 1)) {read}) {write}
          (assert_return (invoke $reader "load") (i32.const 120))
          (assert_return (invoke $reader "load") (i32.const 0))"""
        outcomes = self._run(script)
        assert outcomes[3:] == [Outcome.NO_SPACE, Outcome.NO_SPACE, Outcome.PASSED]

    def test_a_stack_that_is_not_deep_enough_does_not_fit(self) -> None:
        deep = '(assert_return (invoke "deep" (i32.const 10000000)) (i32.const 1))'
        assert self._run(f"{self.GROWING} {deep}") == [Outcome.PASSED, Outcome.NO_SPACE]


class TestSpectest:
    """One instance of spectest a script, with the members that the script needs."""

    def test_its_memory_is_shared_by_the_modules_of_a_script(self) -> None:
        report = _run(
            '(module (import "spectest" "memory" (memory 1)) (data (i32.const 3) "\\2a"))'
            '(module (import "spectest" "memory" (memory 1 2))'
            ' (func (export "load") (result i32) (i32.load8_u (i32.const 3))))'
            '(assert_return (invoke "load") (i32.const 42))'
        )
        assert _outcomes(report) == [Outcome.PASSED] * 3

    def test_it_does_not_outlive_the_script(self) -> None:
        board = ReferenceBoard()
        load = '(func (export "load") (result i32) (i32.load8_u (i32.const 3)))'
        write = '(module (import "spectest" "memory" (memory 1)) (data (i32.const 3) "\\2a"))'
        read = f'(module (import "spectest" "memory" (memory 1)) {load}) (assert_return (invoke "load") (i32.const 0))'
        runner = Runner(board)
        assert runner.run(convert(write.encode()), "write").whole
        assert runner.run(convert(read.encode()), "read").whole

    def test_a_script_may_register_its_own(self) -> None:
        report = _run(
            f'{ONE} (register "spectest")'
            '(module (import "spectest" "one" (func (result i32))) (export "two" (func 0)))'
            '(assert_return (invoke "two") (i32.const 1))'
        )
        assert _outcomes(report) == [Outcome.PASSED] * 4


def test_every_command_is_told_of_as_it_is_done() -> None:
    seen: list[int] = []
    runner = Runner(ReferenceBoard(), on_result=lambda result: seen.append(result.line))
    runner.run(convert(f'{ONE}\n(invoke "one")\n(invoke "two")'.encode()), "told")
    assert seen == [1, 2, 3]
