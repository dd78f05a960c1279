"""T9: the dispatch function on a Cortex-M4: interruptibility costs no instruction, handlers keep their registers."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from firmware_host.build import toolchains
from firmware_host.resources import root
from vm.ops import internal
from vm.ops.generate import generate, restored

OPERATIONS = internal.operations()
TABLE_LOAD = re.compile(r"ldr\.w\s+pc, \[r9, r\d+, lsl #2\]")


@dataclass(frozen=True)
class Instruction:
    address: int
    text: str


@pytest.fixture(scope="module", params=["zig", "gcc"])
def code(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Instruction], dict[str, int]]:
    """The instructions of interpret() and the address of every handler, as each compiler makes them."""
    objdump = shutil.which("arm-none-eabi-objdump")
    compiler = toolchains.find("cortex-m4", request.param)
    assert objdump is not None
    folder = tmp_path_factory.mktemp("dispatch")
    generate(folder)
    source, target = root() / "vm/src/interpret.c", folder / "interpret.o"
    includes = [f"-I{root() / 'vm/include'}", f"-I{folder}"]
    flags = ["-std=c11", "-ffreestanding", *compiler.row.flags, *compiler.row.fast, *includes]
    subprocess.run([*compiler.command, *flags, "-c", str(source), "-o", str(target)], check=True)
    command = [objdump, "-d", "--disassemble=interpret", str(target)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    instructions = [
        Instruction(int(line[:8], 16), line.split("\t", 2)[2])
        for line in listing.splitlines()
        if re.match(r"^ +[0-9a-f]+:\t", line)
    ]
    return instructions, handler_addresses(target)


def handler_addresses(target: Path) -> dict[str, int]:
    """The table handler_labels: addresses, which the linker knows, and behind them distances from the first one."""
    whole = restored(OPERATIONS)
    with target.open("rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".rodata.handler_labels")
        numbers = struct.unpack_from(f"<{whole}I{len(OPERATIONS) - whole}h", table.data())
        symbols = elf.get_section_by_name(".symtab")
        addresses = [0] * whole
        for relocation in elf.get_section_by_name(f".rel{table.name}").iter_relocations():
            entry = relocation["r_offset"] // 4
            addresses[entry] = numbers[entry] + symbols.get_symbol(relocation["r_info_sym"])["st_value"] & ~1
    addresses += [addresses[0] + distance for distance in numbers[whole:]]
    return {operation.name: address for operation, address in zip(OPERATIONS, addresses, strict=True)}


def handler(code: tuple[list[Instruction], dict[str, int]], name: str) -> list[str]:
    """The instructions of a handler up to the first jump through the table, or to the first that always branches."""
    instructions, addresses = code
    begin = next(i for i, instruction in enumerate(instructions) if instruction.address == addresses[name])
    texts = [instruction.text for instruction in instructions[begin : begin + 120]]
    end = next(i for i, text in enumerate(texts) if TABLE_LOAD.search(text) or re.match(r"b(\.n|\.w|x)?\s", text))
    return texts[: end + 1]


def test_every_operation_has_a_handler_of_its_own(code: tuple[list[Instruction], dict[str, int]]) -> None:
    jumps = sum(bool(TABLE_LOAD.search(instruction.text)) for instruction in code[0])
    assert jumps >= len(OPERATIONS) - 20  # a few leave through shared code: calls out, bulk memory, traps


def test_only_the_functions_own_entry_saves_registers(code: tuple[list[Instruction], dict[str, int]]) -> None:
    saved = [i for i in code[0] if re.match(r"(push|stmdb\s+sp!)", i.text)]
    assert [i.address < min(code[1].values()) for i in saved] == [True], saved


def test_no_handler_takes_over_what_another_left_on_the_stack(code: tuple[list[Instruction], dict[str, int]]) -> None:
    for operation in OPERATIONS:
        own: set[int] = set()
        for text in handler(code, operation.name):
            if access := re.match(r"(str|ldr)(d?)[a-z.]*\s+.*\[sp(?:, #(\d+))?\]", text):
                offset = int(access[3] or 0)
                words = {offset, offset + 4} if access[2] else {offset}
                assert access[1] == "str" or words <= own, f"{operation.name}: {text}"
                own |= words


@pytest.mark.parametrize(
    ("name", "instructions"),
    [
        # Operand fetches, the work, the result; and two for dispatch. A poll for interrupts would show here.
        ("add_SS_S", 9),
        ("add_SC_S", 8),
        ("add_DC", 7),
        ("and_AC_A", 4),
        ("mul_AS_S", 7),
        ("mov_S_S", 6),
        ("k8_S", 5),
        ("brnz_A", 6),  # gcc: 5
        ("br_lt_u_AC", 7),
        ("load32_S_A", 7),
        ("load32_SC_A", 9),
        ("store32_S_A", 7),
        ("br", 4),
    ],
)
def test_t9_the_common_handlers_are_as_short_as_they_can_be(
    code: tuple[list[Instruction], dict[str, int]], name: str, instructions: int
) -> None:
    texts = [text for text in handler(code, name) if not text.startswith("it")]
    assert len(texts) <= instructions, "\n".join(texts)
