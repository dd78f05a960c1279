"""A 40 KiB module over a line that damages one byte in a thousand, both ways: whole every time.

`python -m tests.link.bad_line --count 50` runs it fifty times.
"""

from __future__ import annotations

import pytest

from tests import needs
from tests.link import bad_line


@pytest.mark.parametrize("seed", range(4))
def test_a_module_reaches_the_host_board_whole(seed: int) -> None:
    assert bad_line.upload("host", seed).resent > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_module_reaches_an_emulated_chip_whole(seed: int) -> None:
    needs.program("qemu-system-arm", "an upload to an emulated chip over a bad line")
    assert bad_line.upload("qemu:stm32f4", seed).resent > 50
