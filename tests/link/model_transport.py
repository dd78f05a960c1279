"""A transport with a model board at its other end, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from firmware_host import Board
from firmware_host.errors import LinkError
from firmware_host.selector import Target
from tests.link.model_board import ModelBoard


class ModelTransport:
    """What is written reaches the board at once; `cut` unplugs it."""

    def __init__(self, board: ModelBoard) -> None:
        self.name = "model"
        self.board = board
        self.closed = False
        self.cut = False

    def read(self, timeout: float) -> bytes:
        end = time.monotonic() + timeout
        while True:
            if self.cut:
                raise LinkError("model was unplugged")
            data = self.board.data_to_send()
            if data or time.monotonic() >= end:
                return data
            time.sleep(0.001)

    def write(self, data: bytes) -> None:
        if self.cut:
            raise LinkError("model was unplugged")
        self.board.receive(data)

    def close(self) -> None:
        self.closed = True


@contextmanager
def connected(model: ModelBoard, timeout: float = 1.0) -> Iterator[Board]:
    with Board(Target("model", ModelTransport(model)), timeout=timeout) as board:
        yield board
