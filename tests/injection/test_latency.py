"""T7: from any operation on, the next safe point comes within the gap that the loader has worked out (R67)."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host.inprocess.virtual import VirtualBoard
from tests.injection.programs import PROGRAMS, Program

#: Operations of a run that are looked at.
LOOKED_AT = 4_000
BATCH = 60


def places(board: VirtualBoard, program: Program, *, every_dispatch: bool) -> list[tuple[int, int]]:
    """Where each operation of the run is (function, byte), or each safe point."""
    instance = board.instantiate()
    saved = board.save()
    board.arm(every_dispatch=every_dispatch)
    board.call(instance, program.entry.encode(), program.cells, 60.0)
    count = min(board.points, LOOKED_AT)
    found = []
    for first in range(1, count + 1, BATCH):
        board.restore(saved)
        chosen = range(first, min(first + BATCH, count + 1))
        board.arm([(point, 3) for point in chosen], every_dispatch=every_dispatch)
        board.call(instance, program.entry.encode(), program.cells, 60.0)
        for n in range(len(chosen)):
            place = board.place(n)
            assert place is not None
            found.append(place[1:])
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_t7_no_wait_for_a_safe_point_exceeds_the_bound(program: Program, tmp_path: Path) -> None:
    with VirtualBoard(1 << 20) as board:
        board.script(program.typed)
        board.put(program.module(tmp_path).strip())
        safe_points = set(places(board, program, every_dispatch=False))
        operations = places(board, program, every_dispatch=True)
        gap = board.gap(board.instantiate())
    longest = run = 0
    for place in operations:
        if place in safe_points:
            longest = max(longest, run)
            run = 0  # a raise that comes when it has begun waits for it, too
        run += 1
    assert 2 <= longest <= gap
