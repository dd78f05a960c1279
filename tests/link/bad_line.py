"""Uploads over a bad line to a board: `python -m tests.link.bad_line --count 50` is all of what CI runs a part of.

One byte in a thousand is lost or changed, both ways. The board checks the hash of what it has taken, and loads it.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass

from firmware_host import Board
from firmware_host.selector import Target, open_target
from tests.cli import guest_modules
from tests.link.lossy_line import Faults
from tests.link.lossy_transport import LossyTransport

SIZE = 40 * 1024
FAULTS = Faults(drop=0.0005, flip=0.0005)


@dataclass(frozen=True)
class Upload:
    seconds: float
    resent: int


def module(seed: int) -> bytes:
    """A valid module of 40 KiB whose bytes nobody can guess: a custom section takes most of them."""
    code = guest_modules.add()
    size = SIZE - len(code) - 4 - len(b"\x04seed")
    payload = b"\x04seed" + random.Random(seed).randbytes(size)
    length = len(payload)
    leb = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    return code + b"\0" + leb + payload


def upload(selector: str, seed: int) -> Upload:
    """Sends one module and loads it. Raises what the tool raises."""
    target = open_target(selector, timeout=60.0)
    line = LossyTransport(target.transport, FAULTS, seed)
    start = time.monotonic()
    with Board(Target(selector, line, target.tick_hz, target.ending), timeout=60.0) as board:
        board.put(module(seed))
        seconds, resent = time.monotonic() - start, board.resent
        if board.instantiate().invoke("add", [seed, 1]) != [seed + 1]:
            raise AssertionError("the module that was loaded is not the one that was sent")
        line.faults = Faults()
    return Upload(seconds, resent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="qemu:stm32f4")
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    for seed in range(arguments.count):
        done = upload(arguments.board, seed)
        what = f"whole, {done.seconds:.1f} s, {done.resent} frames sent again"
        print(f"{seed + 1} of {arguments.count}: {what}", flush=True)


if __name__ == "__main__":
    main()
