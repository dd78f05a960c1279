"""How fast an upload is on a serial line, in simulated time: the firmware's own link, the tool's own upload."""

from __future__ import annotations

import hashlib
import random
import re

import pytest

from firmware_host import resources
from firmware_host.boards import known_boards, load_board
from firmware_host.connection import Connection
from firmware_host.upload import send
from tests.link.firmware_link import FirmwareLink
from tests.link.serial_line import BITS, SerialLine

BAUD = 115200


def upload_rate(max_frame: int, window: int, size: int = 40 * 1024) -> float:
    """Bytes of a file that arrive in a second."""
    line = SerialLine(FirmwareLink(max_frame, window), baud=BAUD, turnaround=0.016)
    connection = Connection(line, timeout=10.0, clock=line.clock, background=False)
    max_frame = connection.open().max_frame
    data = random.Random(1).randbytes(size)
    begin = connection.request("files.begin", size=size, sha256=hashlib.sha256(data).digest(), name="")
    assert begin.status == 0
    start = line.now
    send(connection, max_frame, data, begin.values["offset"])
    seconds = line.now - start
    assert connection.resent == 0
    assert connection.request("files.commit").status == 0
    return size / seconds


def link_sizes(board: str) -> tuple[int, int]:
    """The largest frame and the window of a board's firmware."""
    facts = load_board(board)
    sizes = resources.path("boards", "firmware", "sizes.h").read_text(encoding="utf-8")
    default = re.search(r"^#define BOARD_WINDOW (\d+)$", sizes, re.MULTILINE)
    assert default is not None
    return facts.vm.max_frame, int(facts.define.get("WINDOW", default[1]))


@pytest.mark.parametrize(("max_frame", "window"), sorted({link_sizes(board) for board in known_boards()}))
def test_an_upload_reaches_nine_tenths_of_the_wires_limit_with_the_sizes_of_every_board(
    max_frame: int, window: int
) -> None:
    assert upload_rate(max_frame, window) >= 0.9 * BAUD / BITS


def test_without_a_window_it_would_not() -> None:
    assert upload_rate(512, 1) < 0.8 * BAUD / BITS
