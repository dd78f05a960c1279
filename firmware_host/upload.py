"""Sends the bytes of a file that the board has agreed to take: as many pieces at a time as its window allows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from firmware_host.connection import Connection
from firmware_host.link import messages
from firmware_host.refusals import refusal

#: Told how many bytes of how many are on the board.
Progress = Callable[[int, int], None]

#: Bytes of a write request that are not data: the command and the offset.
WRITE_OVERHEAD = messages.HEADER_SIZE + 1 + 4

#: Bytes on the wire beside the data of a piece, in both directions: delimiters, COBS, header, CRC, and the answer.
_WIRE_OVERHEAD = 2 * (2 + 1 + 4) + WRITE_OVERHEAD + messages.HEADER_SIZE + 1 + 4

#: Shorter pieces than this gain nothing on any line.
_SHORTEST_PIECE = 32


def send(connection: Connection, max_frame: int, data: bytes, offset: int, progress: Progress | None = None) -> None:
    """Sends what is missing from `offset` on. Raises LinkError or LinkTimeout, and what the board's refusal becomes."""
    longest = max_frame - WRITE_OVERHEAD
    begun, losses = offset, connection.losses
    pending: deque[tuple[int, int]] = deque()
    while offset < len(data) or pending:
        while offset < len(data) and len(pending) < connection.window:
            piece = _best_piece(connection.losses - losses, offset - begun, longest)
            part = data[offset : offset + piece]
            request = connection.begin("files.write", offset=offset, data=part)
            offset += len(part)
            pending.append((request, offset))
        request, end = pending.popleft()
        answer = connection.finish(request, connection.timeout)
        if answer.status:
            raise refusal(answer.status, answer.values)
        if progress is not None:
            progress(end, len(data))


def _best_piece(losses: int, sent: int, longest: int) -> int:
    """One bad byte costs a whole frame, and every frame costs its overhead. If one byte in n is bad, pieces of
    sqrt(n * overhead) waste least."""
    if not losses:
        return longest
    best = math.isqrt(max(sent, 1) * _WIRE_OVERHEAD // losses)
    return max(_SHORTEST_PIECE, min(best, longest))
