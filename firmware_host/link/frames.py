"""Frames and text on one wire, without I/O: COBS, CRC-32, and the rule that tells the two apart.

Console text never contains 0x00. A frame is 00 COBS(header payload crc32) 00; every other byte is text. After any error
the next 0x00 may open a frame: the closing delimiter of a bad frame may be the opening one of the next. Empty frames
are ignored.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from cobs import cobs

from firmware_host.link.table import DELIMITER

_DELIMITER = bytes([DELIMITER])
_CRC_SIZE = 4


def crc(data: bytes) -> bytes:
    """CRC-32 (IEEE) as it travels."""
    return zlib.crc32(data).to_bytes(_CRC_SIZE, "little")


def encode(content: bytes) -> bytes:
    """Header and payload as they go on the wire, delimiters included."""
    return _DELIMITER + bytes(cobs.encode(content + crc(content))) + _DELIMITER


def encoded_size(content_size: int) -> int:
    """Most bytes between the delimiters that content of this size can take."""
    whole = content_size + _CRC_SIZE
    return whole + 1 + whole // 254


@dataclass(frozen=True)
class Text:
    """Console text."""

    data: bytes


@dataclass(frozen=True)
class Content:
    """Header and payload of a frame whose CRC was right."""

    data: bytes


@dataclass(frozen=True)
class Garbage:
    """What lay between two delimiters and is no frame."""

    data: bytes


Piece = Text | Content | Garbage


def decode(encoded: bytes) -> Content | Garbage:
    """What lies between two delimiters."""
    try:
        whole = cobs.decode(encoded)
    except cobs.DecodeError:
        return Garbage(encoded)
    content, check = whole[:-_CRC_SIZE], whole[-_CRC_SIZE:]
    if len(whole) <= _CRC_SIZE or crc(content) != check:
        return Garbage(encoded)
    return Content(content)


class Decoder:
    """Separates what is received, in pieces of any size, into text and frames."""

    def __init__(self, max_frame: int) -> None:
        """`max_frame` is the largest header and payload that is accepted: what is longer is no frame."""
        self._limit = encoded_size(max_frame)
        self._in_frame = False
        self._kept = bytearray()

    def feed(self, data: bytes) -> Iterator[Piece]:
        """What the next bytes complete. Text is given at once, not by lines."""
        start = 0
        while start < len(data):
            end = data.find(_DELIMITER, start)
            chunk = data[start : end if end >= 0 else len(data)]
            start += len(chunk) + (end >= 0)
            if self._in_frame:
                yield from self._framed(chunk, closed=end >= 0)
            else:
                if chunk:
                    yield Text(chunk)
                self._in_frame = end >= 0

    def _framed(self, chunk: bytes, *, closed: bool) -> Iterator[Piece]:
        room = self._limit - len(self._kept)
        if len(chunk) > room:
            # Too long for a frame, so the delimiter before it did not open one (a byte that was hit, most likely):
            # from here on it is text again.
            yield Garbage(bytes(self._kept) + chunk[: room + 1])
            if chunk[room + 1 :]:
                yield Text(chunk[room + 1 :])
            self._kept.clear()
            self._in_frame = closed
            return
        self._kept += chunk
        if closed and self._kept:
            piece = decode(bytes(self._kept))
            self._kept.clear()
            yield piece
            self._in_frame = isinstance(piece, Garbage)
