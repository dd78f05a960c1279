"""Where a script needs nothing more of what was made before, the board is emptied; elsewhere it is not."""

from __future__ import annotations

from firmware_host.wast.convert import convert
from firmware_host.wast.lifetimes import fresh_starts, stateful_imports


def _fresh(script: str) -> set[int]:
    return set(fresh_starts(convert(script.encode())))


def test_modules_without_names_follow_each_other_on_an_empty_board() -> None:
    assert _fresh('(module) (invoke "f") (module) (invoke "f") (module)') == {0, 2, 4}


def test_an_instance_lives_as_long_as_its_name_is_used() -> None:
    assert _fresh('(module $a) (module) (invoke $a "f") (module)') == {0, 3}


def test_an_instance_lives_as_long_as_it_is_imported_from() -> None:
    assert _fresh('(module) (register "a") (module) (module (import "a" "f" (func))) (module)') == {0, 4}


def test_a_name_given_again_means_the_later_instance() -> None:
    assert _fresh('(module $a) (invoke $a "f") (module $a) (invoke $a "f")') == {0, 2}


def test_refused_modules_keep_what_they_import_from() -> None:
    script = '(module) (register "a") (module) (assert_unlinkable (module (import "a" "f" (func))) "") (module)'
    assert _fresh(script) == {0, 4}


def test_the_memory_of_spectest_is_kept_between_its_users() -> None:
    user = '(module (import "spectest" "memory" (memory 1)))'
    assert _fresh(f"(module) {user} (module) {user} (module)") == {0, 1, 4}


def test_print_functions_of_spectest_keep_nothing() -> None:
    user = '(module (import "spectest" "print" (func)))'
    assert _fresh(f"{user} {user}") == {0, 1}


def test_only_tables_and_memories_that_are_imported_are_made() -> None:
    script = '(module (import "spectest" "table" (table 1 funcref)) (import "spectest" "print" (func)))'
    assert stateful_imports(convert(script.encode())) == {"table"}
