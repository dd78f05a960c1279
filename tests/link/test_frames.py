"""Frames and text on one wire: the vectors that both ends share, pieces of any size, byte errors."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from firmware_host.link import frames, messages

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def pieces_of(stream: bytes, max_frame: int, size: int) -> tuple[list[bytes], bytes]:
    """Frames and text of a stream that comes in pieces of `size` bytes."""
    decoder = frames.Decoder(max_frame)
    pieces = [piece for i in range(0, len(stream), size) for piece in decoder.feed(stream[i : i + size])]
    text = b"".join(piece.data for piece in pieces if isinstance(piece, frames.Text))
    return [piece.data for piece in pieces if isinstance(piece, frames.Content)], text


@pytest.mark.parametrize("vector", named(VECTORS["encode"]))
def test_a_frame_goes_on_the_wire_as_the_vector_says(vector: dict[str, Any]) -> None:
    values = {**vector["frame"], "payload": bytes.fromhex(vector["frame"]["payload"])}
    frame = messages.Frame(**values)
    assert frames.encode(frame.to_bytes()).hex() == vector["wire"]
    (content,), text = pieces_of(bytes.fromhex(vector["wire"]), 1024, 4096)
    assert messages.parse_frame(content) == frame
    assert text == b""


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
@pytest.mark.parametrize("vector", named(VECTORS["decode"]))
def test_a_stream_separates_as_the_vector_says(vector: dict[str, Any], size: int) -> None:
    found, text = pieces_of(bytes.fromhex(vector["stream"]), vector["max_frame"], size)
    assert [content.hex() for content in found] == vector["frames"]
    assert vector["text"] in (None, text.hex())


@pytest.mark.parametrize("size", [1, 3, 500])
def test_what_is_longer_than_a_frame_can_be_is_text_from_there_on(size: int) -> None:
    limit = frames.encoded_size(64)
    assert pieces_of(b"\0" + b"y" * limit + b"n" * 30, 64, size) == ([], b"n" * 29)


def test_encoded_content_is_as_long_as_the_codec_promises_at_most() -> None:
    for size in (6, 200, 249, 250, 251, 504, 1000):
        encoded = frames.encode(b"\x11" * size)
        assert len(encoded) - 2 <= frames.encoded_size(size)


def test_no_wrong_frame_is_accepted_at_one_bad_byte_in_a_thousand() -> None:
    source = random.Random(20)
    sent = [source.randbytes(source.randint(6, 256)) for _ in range(2000)]
    stream = bytearray()
    for content in sent:
        stream += frames.encode(content) + (b"a line of the log\r\n" if source.random() < 0.3 else b"")
    for i in range(len(stream)):
        if source.random() < 1e-3:
            stream[i] = source.randrange(256)
    found, _ = pieces_of(bytes(stream), 256, 64)
    assert set(found) <= set(sent)
    assert len(found) > 1500


def test_any_bytes_are_taken_and_the_next_good_frame_is_found() -> None:
    source = random.Random(21)
    for _ in range(200):
        decoder = frames.Decoder(64)
        list(decoder.feed(source.randbytes(source.randint(0, 300))))
        assert frames.Content(b"123456") in list(decoder.feed(b"\x00\x00" + frames.encode(b"123456") * 2))
