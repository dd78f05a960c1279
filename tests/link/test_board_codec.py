"""The firmware's own frame codec, compiled for this computer, against the vectors that the host's is tested with."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.build.generate import link_table_h
from firmware_host.link import frames

HERE = Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((HERE / "vectors.json").read_text())

FACTS = """\
#define BOARD_MAX_FRAME {max_frame}
#define BOARD_TEXT_RING 1024
#define BOARD_SOURCE_UART 0
#define BOARD_SOURCE_COUNT 4
#define BOARD_PIN_COUNT 1
"""

Run = Callable[..., bytes]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Run]:
    """Compiles the codec for a largest frame; gives what runs it on bytes."""

    @cache
    def compiled(max_frame: int) -> Run:
        directory = tmp_path_factory.mktemp(f"codec-{max_frame}")
        (directory / "board_facts.h").write_text(FACTS.format(max_frame=max_frame))
        (directory / "link_table.h").write_text(link_table_h())
        compiler = toolchains.find("host")
        firmware = resources.path("boards", "firmware")
        command = [
            *(*compiler.command, *compiler.row.flags, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1"),
            *(f"-I{path}" for path in (directory, firmware, resources.path("vm", "include"))),
            *(str(firmware / name) for name in ("frame.c", "crc32.c", "receive.c")),
            *(str(HERE / "codec_harness.c"), str(HERE / "absent_vm.c")),
            *("-o", str(directory / "codec")),
        ]
        subprocess.run(command, check=True)

        def run(data: bytes, *arguments: str) -> bytes:
            return subprocess.run([directory / "codec", *arguments], input=data, capture_output=True, check=True).stdout

        return run

    return compiled


def taken(run: Run, stream: bytes) -> tuple[list[str], str]:
    """Frames and text that the firmware finds in a stream, as hex."""
    lines = run(stream).decode().splitlines()
    return [line.split()[1] for line in lines if line.startswith("frame ")], lines[-1].removeprefix("text").strip()


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["encode"]])
def test_the_firmware_sends_a_frame_as_the_vector_says(vector: dict[str, Any], codec: Callable[[int], Run]) -> None:
    frame = vector["frame"]
    header = bytes([frame["kind"], frame["channel"], frame["sequence"], frame["acknowledge"]])
    content = header + frame["request_id"].to_bytes(2, "little") + bytes.fromhex(frame["payload"])
    assert codec(512)(content, "send").hex() == vector["wire"]


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["decode"]])
def test_the_firmware_separates_a_stream_as_the_vector_says(
    vector: dict[str, Any], codec: Callable[[int], Run]
) -> None:
    found, text = taken(codec(vector["max_frame"]), bytes.fromhex(vector["stream"]))
    assert found == vector["frames"]
    # A lone 03 outside frames is Ctrl-C to a board, no text.
    assert vector["text"] is None or bytes.fromhex(text) == bytes.fromhex(vector["text"]).replace(b"\x03", b"")


def test_both_ends_find_the_same_frames_in_a_damaged_stream(codec: Callable[[int], Run]) -> None:
    source = random.Random(30)
    stream = bytearray()
    for _ in range(400):
        stream += frames.encode(bytes([3, 4]) + source.randbytes(source.randint(4, 100)))
        stream += b"some text\r\n" if source.random() < 0.3 else b""
    for i in range(len(stream)):
        if source.random() < 2e-3:
            stream[i] = source.randrange(256)
    ours = [piece.data.hex() for piece in frames.Decoder(512).feed(bytes(stream)) if isinstance(piece, frames.Content)]
    theirs, _ = taken(codec(512), bytes(stream))
    assert len(ours) > 250
    assert theirs == ours
