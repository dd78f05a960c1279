"""The arena: blocks never overlap, come aligned and zeroed, and all memory comes back."""

from __future__ import annotations

from collections.abc import Callable


def test_the_arena_keeps_its_promises_under_random_requests(run_program: Callable[..., str]) -> None:
    assert run_program("arena_program") == "done\n"
