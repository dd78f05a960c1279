"""Generated headers say what their tables say, and compile."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from firmware_host.boards import read_board
from firmware_host.build import generate, toolchains
from firmware_host.errors import BuildError
from firmware_host.link import table
from tests.build.board_files import VALID, write_board

_CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


def macros(header: str) -> dict[str, str]:
    """Every macro of a header with its text."""
    return dict(re.findall(r"^#define (\w+) ([^\n]*?)(?: /\*.*)?$", header, re.MULTILINE))


@pytest.fixture(scope="module")
def link() -> dict[str, str]:
    return macros(generate.link_table_h())


def payloads() -> list[tuple[str, table.Fields]]:
    """Every payload of the table under the prefix its macros must have."""
    found = [
        ("LINK_HEADER", table.HEADER),
        ("LINK_HELLO", table.HELLO),
        ("LINK_WELCOME", table.WELCOME),
        ("LINK_FAILURE", table.FAILURE),
    ]
    for command in table.COMMANDS:
        name = f"LINK_{command.channel}_{command.name}".upper()
        found += [(f"{name}_REQUEST", command.request), (f"{name}_RESPONSE", command.response)]
    found += [(f"LINK_EVENT_{event.channel}_{event.name}".upper(), event.fields) for event in table.EVENTS]
    return found


@pytest.mark.parametrize(("prefix", "fields"), payloads(), ids=[prefix for prefix, _ in payloads()])
def test_a_field_is_where_its_macro_says(link: dict[str, str], prefix: str, fields: table.Fields) -> None:
    before = "<"
    for name, kind in fields:
        assert int(link[f"{prefix}_{name.upper()}"]) == struct.calcsize(before)
        before += f"{kind[6:]}s" if kind.startswith("bytes:") else _CODES.get(kind, "")
    assert int(link[f"{prefix}_FIXED_SIZE"]) == struct.calcsize(before)


def test_kinds_channels_commands_and_events_have_their_numbers(link: dict[str, str]) -> None:
    for name, number in table.KINDS.items():
        assert int(link[f"LINK_KIND_{name.upper()}"]) == number
    for name, number in table.CHANNELS.items():
        assert int(link[f"LINK_CHANNEL_{name.upper()}"]) == number
    for command in table.COMMANDS:
        assert int(link[f"LINK_{command.channel}_{command.name}".upper()]) == command.number
    for event in table.EVENTS:
        assert int(link[f"LINK_EVENT_{event.channel}_{event.name}".upper()]) == event.number
    assert (link["LINK_CONTROL_SET_TICK"], link["LINK_IRQ_FLAG_ATTACHED"]) == ("1", "1")
    assert (link["LINK_STORE_RAM"], link["LINK_INSTANTIATE_KEEP"]) == ("0", "1")
    mask = int(link["LINK_SEQUENCED_KINDS"], 0)
    assert {name for name, number in table.KINDS.items() if mask >> number & 1} == set(table.SEQUENCED)


def test_numbers_within_a_channel_are_not_given_twice() -> None:
    commands = [(command.channel, command.number) for command in table.COMMANDS]
    events = [(event.channel, event.number) for event in table.EVENTS]
    assert len(set(commands)) == len(commands)
    assert len(set(events)) == len(events)


def test_board_facts_are_those_of_the_file(tmp_path: Path) -> None:
    facts = macros(generate.board_facts_h(read_board(write_board(tmp_path))))
    assert facts["BOARD_NAME"] == '"demo"'
    assert facts["BOARD_SOURCE_BUTTON"] == "2"
    assert facts["BOARD_SOURCE_COUNT"] == "4"
    assert facts["BOARD_SOURCE_NAMES"] == '{"uart", "timer", "button", "soft0"}'
    assert facts["BOARD_SOURCE_VECTORS"] == "{2, 8, 6, 65535}"
    assert facts["BOARD_PIN_NAMES"] == '{"led"}'
    assert facts["BOARD_TICK_HZ"] == "16000000"
    assert facts["BOARD_PIN_LED_ROW"] == "13"
    assert facts["BOARD_CLOCK"] == '"hfclk"'
    assert facts["BOARD_RAM_ORIGIN"] == "536870912"


def test_a_constant_that_is_defined_twice_is_refused(tmp_path: Path) -> None:
    file = write_board(tmp_path, VALID.replace('CLOCK = "hfclk"', "TICK_HZ = 5"))
    with pytest.raises(BuildError, match="BOARD_TICK_HZ twice"):
        generate.board_facts_h(read_board(file))


def test_generated_headers_compile_together_without_a_warning(tmp_path: Path) -> None:
    board = read_board(write_board(tmp_path))
    generate.write_headers(board, bytes(range(8)), tmp_path)
    source = tmp_path / "use.c"
    source.write_text(
        '#include "link_table.h"\n#include "board_facts.h"\n#include "wirq_build_id.h"\n'
        "const char *const names[BOARD_SOURCE_COUNT] = BOARD_SOURCE_NAMES;\n"
        "const unsigned short vectors[BOARD_SOURCE_COUNT] = BOARD_SOURCE_VECTORS;\n"
        "const unsigned char build_id[8] = WIRQ_BUILD_ID_BYTES;\n"
        "const char version[] = WIRQ_VERSION;\n"
    )
    compiler = toolchains.find("cortex-m0", "zig")
    flags = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffreestanding", f"-I{tmp_path}")
    command = (*compiler.command, *compiler.row.flags, *flags, "-c", str(source), "-o", str(tmp_path / "use.o"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_header_that_says_the_same_is_left_untouched(tmp_path: Path) -> None:
    board = read_board(write_board(tmp_path))
    generate.write_headers(board, bytes(8), tmp_path)
    before = (tmp_path / "link_table.h").stat().st_mtime_ns
    generate.write_headers(board, bytes(8), tmp_path)
    assert (tmp_path / "link_table.h").stat().st_mtime_ns == before
