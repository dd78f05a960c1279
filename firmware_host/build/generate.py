"""Writes the C headers that are made from tables: the link's numbers, the board's facts, the build's identity.

They are build products. Facts stay where they are: firmware_host/link/table.py, boards/NAME/board.toml, vm/ops.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from firmware_host import resources
from firmware_host.boards import NO_VECTOR, BoardFacts
from firmware_host.build.incremental import write_if_changed
from firmware_host.errors import BuildError
from firmware_host.link import table

#: Bytes of the fixed-size field types of the link's table; the variable ones are "text" and "bytes".
_SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}

Define = tuple[str, str]


def _header(subject: str, made_from: str, defines: Iterable[Define]) -> str:
    guard = f"WIRQ_GENERATED_{subject.upper()}_H"
    lines = [f"/* {subject}.h: made from {made_from} by firmware_host/build/generate.py. Change that, not this. */"]
    lines += [f"#ifndef {guard}", f"#define {guard}", ""]
    seen: set[str] = set()
    for name, value in defines:
        if name in seen:
            raise BuildError(f"{made_from} gives the constant {name} twice")
        seen.add(name)
        lines.append(f"#define {name} {value}")
    return "\n".join([*lines, "", "#endif", ""])


def _number(value: int) -> str:
    return f"{value:#x}u" if value > 0x7FFFFFFF else str(value)


def _text(value: str) -> str:
    escaped = "".join(
        c if " " <= c <= "~" and c not in '"\\' else "".join(f"\\{b:03o}" for b in c.encode()) for c in value
    )
    return f'"{escaped}"'


def _list(values: Iterable[str]) -> str:
    return "{" + ", ".join(values) + "}"


# ---- link_table.h


def field_size(kind: str) -> int | None:
    """Bytes of a field type of the link's table, None for the types that take the rest of the payload."""
    if kind.startswith("bytes:"):
        return int(kind.partition(":")[2])
    if kind in ("text", "bytes"):
        return None
    return _SIZES[kind]


def _offsets(prefix: str, fields: table.Fields) -> list[Define]:
    """The byte offset of each field, and how many bytes come before the first one of variable size."""
    result: list[Define] = []
    offset = 0
    for i, (name, kind) in enumerate(fields):
        result.append((f"{prefix}_{name.upper()}", str(offset)))
        size = field_size(kind)
        if size is None:
            assert i == len(fields) - 1, f"{prefix}: {name} must be the last field, for it takes the rest"
            break
        offset += size
    return [*result, (f"{prefix}_FIXED_SIZE", str(offset))]


def link_table_h() -> str:
    """The header of the serial link: every number and offset of firmware_host/link/table.py."""
    defines: list[Define] = [
        ("LINK_PROTOCOL_MAJOR", str(table.PROTOCOL_MAJOR)),
        ("LINK_PROTOCOL_MINOR", str(table.PROTOCOL_MINOR)),
        ("LINK_DELIMITER", f"{table.DELIMITER:#04x}"),
        ("LINK_STOP_BYTE", f"{table.STOP_BYTE:#04x}"),
        ("LINK_APP_ID_SIZE", str(table.APP_ID_SIZE)),
    ]
    numbers = {
        "NONE": table.NONE,
        "KIND": table.KINDS,
        "CHANNEL": table.CHANNELS,
        "STORE": table.STORES,
        "FILE": table.FILE_FLAGS,
        "INSTANTIATE": table.INSTANTIATE_FLAGS,
        "CODE": table.CODE_PLACES,
        "IRQ_FLAG": table.IRQ_FLAGS,
        "APP_STATE": table.APP_STATES,
        "TICK_HZ": table.TICK_HZ,
    }
    for group, names in numbers.items():
        defines += [(f"LINK_{group}_{name.upper()}", str(number)) for name, number in names.items()]
    mask = sum(1 << table.KINDS[name] for name in table.SEQUENCED)
    defines.append(("LINK_SEQUENCED_KINDS", f"{mask:#x} /* bit mask of 1 << LINK_KIND_x */"))
    defines += _offsets("LINK_HEADER", table.HEADER)
    defines += _offsets("LINK_HELLO", table.HELLO)
    defines += _offsets("LINK_WELCOME", table.WELCOME)
    defines += _offsets("LINK_STAMP", table.STAMP)
    defines += _offsets("LINK_FAILURE", table.FAILURE)
    defines += _offsets("LINK_CALLER", table.CALLER)
    defines += _offsets("LINK_TRACE_RECORD", table.TRACE_RECORD)
    for command in table.COMMANDS:
        name = f"LINK_{command.channel}_{command.name}".upper()
        defines.append((name, str(command.number)))
        defines += _offsets(f"{name}_REQUEST", command.request)
        defines += _offsets(f"{name}_RESPONSE", command.response)
    for event in table.EVENTS:
        name = f"LINK_EVENT_{event.channel}_{event.name}".upper()
        defines.append((name, str(event.number)))
        defines += _offsets(name, event.fields)
    return _header("link_table", "firmware_host/link/table.py", defines)


# ---- board_facts.h


def _constant(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return _number(value) if isinstance(value, int) else _text(value)


def board_facts_h(board: BoardFacts) -> str:
    """The header of one board: sizes, sources, pins and the [define] entries of its board.toml."""
    vm = board.vm
    defines: list[Define] = [
        ("BOARD_NAME", _text(board.name)),
        ("BOARD_TITLE", _text(board.title)),
        ("BOARD_TICK_HZ", _number(board.chip.tick_hz)),
        ("BOARD_UART_BAUD", _number(board.serial.baud)),
        ("BOARD_ARENA_SIZE", _number(vm.arena_size)),
        ("BOARD_STACK_CELLS", _number(vm.stack_cells)),
        ("BOARD_HANDLER_STACK_CELLS", _number(vm.handler_stack_cells)),
        ("BOARD_MAX_FRAME", _number(vm.max_frame)),
        ("BOARD_C_STACK_SIZE", _number(vm.c_stack_size)),
        ("BOARD_RAM_SIZE", _number(board.ram.size if board.ram else vm.arena_size)),
    ]
    costs = [(key, value) for key, value in asdict(board.latency).items() if key != "unit"]
    defines += [(f"BOARD_LATENCY_{_identifier(key.rstrip('_'))}", _number(value)) for key, value in costs]
    if board.ram:
        defines.append(("BOARD_RAM_ORIGIN", _number(board.ram.origin)))
    if board.flash:
        defines += [
            ("BOARD_FLASH_ORIGIN", _number(board.flash.origin)),
            ("BOARD_FLASH_SIZE", _number(board.flash.size)),
        ]
    store = board.store
    defines.append(("BOARD_STORE_SIZE", _number(store.region.size if store else 0)))
    if store:
        defines += [
            ("BOARD_STORE_ORIGIN", _number(store.region.origin)),
            ("BOARD_STORE_SECTOR", _number(store.sector)),
            ("BOARD_STORE_BLOCK", _number(store.block)),
        ]
    sources = board.irq_sources
    defines += [(f"BOARD_SOURCE_{_identifier(source.name)}", str(source.number)) for source in sources]
    defines.append(("BOARD_SOURCE_COUNT", str(len(sources))))
    defines.append(("BOARD_SOURCE_NAMES", _list(_text(source.name) for source in sources)))
    vectors = (NO_VECTOR if source.vector is None else source.vector for source in sources)
    defines.append(("BOARD_SOURCE_VECTORS", _list(_number(vector) for vector in vectors)))
    defines += [(f"BOARD_PIN_{_identifier(pin.name)}", str(pin.number)) for pin in board.pins]
    defines.append(("BOARD_PIN_COUNT", str(len(board.pins))))
    defines.append(("BOARD_PIN_NAMES", _list(_text(pin.name) for pin in board.pins)))
    defines += [(f"BOARD_{key}", _constant(value)) for key, value in board.define.items()]
    return _header("board_facts", f"boards/{board.name}/board.toml", defines)


def _identifier(name: str) -> str:
    return name.upper().replace("-", "_")


# ---- wirq_build_id.h


def package_version() -> str:
    """Version of this wirq, which is also the firmware's."""
    try:
        return version("wirq")
    except PackageNotFoundError:  # run from a checkout that was never installed
        import tomllib

        with resources.path("pyproject.toml").open("rb") as stream:
            return str(tomllib.load(stream)["project"]["version"])


def build_id_h(build_id: bytes) -> str:
    """The header with the version and the 8 bytes that tell this build from any other."""
    defines = [
        ("WIRQ_VERSION", _text(package_version())),
        ("WIRQ_BUILD_ID_BYTES", _list(f"0x{byte:02x}" for byte in build_id)),
    ]
    return _header("wirq_build_id", "the sources, flags and compiler of this build", defines)


# ---- frozen_modules.h


def frozen_modules_h(modules: Sequence[tuple[str, bytes]]) -> str:
    """The header with the modules, by name, that are part of the firmware's image."""
    lines = [
        "/* frozen_modules.h: what wirq build --freeze was given, made by firmware_host/build/generate.py. */",
        *("#ifndef WIRQ_GENERATED_FROZEN_MODULES_H", "#define WIRQ_GENERATED_FROZEN_MODULES_H", ""),
        "static const struct {",
        *("    const char *name;", "    const uint8_t *bytes;", "    uint32_t size;", "    uint8_t sha256[32];"),
        "} frozen_modules[] = {",
    ]
    for i, (name, data) in enumerate(modules):
        digest = ", ".join(f"{byte:#04x}" for byte in hashlib.sha256(data).digest())
        lines.append(f"    {{{_text(name)}, frozen_{i}, {len(data)}, {{{digest}}}}},")
    lines += ["    {0} /* the end */", "};", "", "#endif", ""]
    arrays = []
    for i, (_, data) in enumerate(modules):
        arrays.append(f"static const _Alignas(4) uint8_t frozen_{i}[] = {{")
        for at in range(0, len(data), 24):
            arrays.append("    " + " ".join(f"{byte}," for byte in data[at : at + 24]))
        arrays.append("};")
    return "\n".join([*lines[:3], *arrays, *lines[3:]])


# ---- all of them


def operations(directory: Path) -> None:
    """Runs the VM's own generator: the tables of vm/ops as C. Raises BuildError with its messages."""
    generator = resources.path("vm", "ops", "generate.py")
    if not generator.is_file():
        raise BuildError("vm/ops/generate.py is missing: the instruction tables cannot be made")
    command: Sequence[str] = (sys.executable, "-B", str(generator), str(directory))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"vm/ops/generate.py failed\n{(done.stderr + done.stdout).strip()}")


def write_headers(
    board: BoardFacts, build_id: bytes, directory: Path, frozen: Sequence[tuple[str, bytes]] = ()
) -> None:
    """Brings the generated headers of a board's firmware in `directory` up to date."""
    directory.mkdir(parents=True, exist_ok=True)
    write_if_changed(directory / "link_table.h", link_table_h())
    write_if_changed(directory / "board_facts.h", board_facts_h(board))
    write_if_changed(directory / "wirq_build_id.h", build_id_h(build_id))
    write_if_changed(directory / "frozen_modules.h", frozen_modules_h(frozen))
