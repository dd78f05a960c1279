"""What is said of lines that no test reaches is said of lines that are there."""

from __future__ import annotations

import pytest

from tests.coverage.explained import Explanation, explained, explanations


@pytest.mark.parametrize("one", explanations(), ids=lambda one: f"{one.file}: {one.lines[0]}")
def test_explained_lines_are_there(one: Explanation) -> None:
    assert len(one.numbers()) >= len(one.lines) > 0
    assert len(one.why) > 20
    assert one.numbers() <= explained(one.file)


def test_a_line_that_is_gone_is_told() -> None:
    with pytest.raises(ValueError, match="no longer has the line"):
        Explanation("vm/src/arena.c", ("nothing like that is there",), "because").numbers()
