"""T3: a handler that communicates nothing leaves memory, globals, tables and result alone, wherever it interrupts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wasmtime import Config, Engine, Instance, Module, Store, wat2wasm

from firmware_host import Board

PROGRAM = bytes(wat2wasm((Path(__file__).parent / "disturbed.wat").read_text(encoding="utf-8")))
SEED = 12345


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host") as board:
        board.put(PROGRAM, name="disturbed.wasm")
        yield board


def outcome(board: Board, point: int | None = None, *, every_dispatch: bool = False) -> tuple[object, ...]:
    """Result and all that lasts of one run from a fresh instance, interrupted at a point (0: only counts them)."""
    instance = board.instantiate()
    if point is not None:
        board.irq_inject(board.irq_number("soft0"), point, every_dispatch=every_dispatch)
    cells = instance.invoke("run", [SEED])
    digest = instance.digest()
    return (*cells, digest.memory_size, digest.memory, digest.globals, digest.tables)


def points(board: Board, *, every_dispatch: bool) -> int:
    outcome(board, 0, every_dispatch=every_dispatch)
    return board.irq_injected()


def differing(board: Board, *, every_dispatch: bool) -> tuple[int, list[int]]:
    """Runs with one interrupt at each point; how many were tried, and which changed anything or lost the interrupt."""
    soft0 = board.irq_number("soft0")
    undisturbed = outcome(board)
    numbers = range(1, points(board, every_dispatch=every_dispatch) + 1)
    wrong = []
    for n in numbers:
        disturbed = outcome(board, n, every_dispatch=every_dispatch)
        if disturbed != undisturbed or board.irq_show(soft0).delivered != 1:
            wrong.append(n)
    return len(numbers), wrong


def test_the_program_computes_what_another_engine_computes(board: Board) -> None:
    config = Config()
    config.wasm_custom_page_sizes = True
    store = Store(Engine(config))
    run = Instance(store, Module(store.engine, PROGRAM), []).exports(store)["run"]
    assert outcome(board)[0] == run(store, SEED) & 0xFFFFFFFF


def test_the_program_is_of_the_size_it_claims(board: Board) -> None:
    assert 4_500 <= points(board, every_dispatch=True) <= 6_500


@pytest.mark.slow
def test_an_interrupt_at_any_safe_point_changes_nothing(board: Board) -> None:
    tried, wrong = differing(board, every_dispatch=False)
    assert tried > 1_000
    assert wrong == []


@pytest.mark.slow
def test_an_interrupt_before_any_operation_changes_nothing(board: Board) -> None:
    tried, wrong = differing(board, every_dispatch=True)
    assert tried > 4_500
    assert wrong == []
