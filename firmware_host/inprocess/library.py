"""Builds the shared library of the VM and declares its functions to ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import json
import sys
from collections.abc import Mapping
from ctypes import POINTER, c_bool, c_char_p, c_int32, c_size_t, c_uint8, c_uint32, c_void_p
from functools import cache
from pathlib import Path

from firmware_host import resources
from firmware_host.boards import load_board
from firmware_host.build import generate, toolchains
from firmware_host.build.image import DEFAULT_JOBS, DISPATCH_FILE, WARNINGS
from firmware_host.build.incremental import Unit, compile_units, exclusively, run_tool, write_if_changed
from firmware_host.errors import BuildError

_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
_FLAGS = ("-std=c11", *WARNINGS, "-g", "-fPIC", "-DWIRQ_RECORD=1")

#: The board whose sources, pins and stacks the VM has when it runs guests that talk to a board.
_BOARD = "host"

_CELLS = POINTER(c_uint32)

#: Name to result and arguments; the handles of VM, modules and instances are addresses.
_FUNCTIONS: dict[str, tuple[object, list[object]]] = {
    "inprocess_open": (c_void_p, [c_void_p, c_size_t, c_uint32]),
    "inprocess_load": (c_uint8, [c_void_p, c_void_p, c_size_t, c_int32, POINTER(c_void_p)]),
    "inprocess_start": (c_uint8, [c_void_p, c_void_p]),
    "inprocess_call": (c_uint8, [c_void_p, c_void_p, c_char_p, c_size_t, _CELLS, c_size_t, _CELLS, _CELLS]),
    "inprocess_global": (c_uint8, [c_void_p, c_char_p, c_size_t, _CELLS, _CELLS]),
    "inprocess_failure": (None, [c_void_p, _CELLS]),
    "inprocess_trap": (None, [c_void_p, _CELLS]),
    "inprocess_used": (c_uint32, [c_void_p]),
    "inprocess_refused": (c_uint32, [c_void_p]),
    "virtual_open": (c_void_p, [c_void_p, c_size_t]),
    "virtual_close": (None, []),
    "virtual_script": (None, [c_char_p, c_uint32, c_char_p, c_uint32]),
    "virtual_state": (c_void_p, [_CELLS]),
    "virtual_written": (c_void_p, [c_uint32, _CELLS]),
    "virtual_waits_for_ever": (c_bool, []),
    "injection_arm": (None, [c_void_p, _CELLS, c_uint32, c_bool]),
    "injection_place": (c_void_p, [c_uint32, _CELLS]),
    "injection_extent": (c_uint32, [c_void_p]),
    "injection_difference": (c_uint32, [c_void_p, c_char_p, c_uint32]),
    "injection_state": (c_void_p, [c_void_p, c_uint32, c_uint32, _CELLS]),
    "injection_delivered": (c_uint32, [c_void_p, c_uint32, POINTER(c_bool)]),
    "injection_log": (_CELLS, [_CELLS]),
    "injection_gap": (c_uint32, [c_void_p]),
    "injection_serve": (None, [c_void_p, c_void_p, c_uint32]),
    "recorder_begin": (None, [c_void_p, _CELLS, c_uint32]),
    "recorder_end": (None, []),
    "recorder_listen": (c_bool, [c_uint32, c_uint32]),
    "recorder_log": (_CELLS, [_CELLS]),
    "recorder_lost": (c_uint32, []),
    "wirq_injection_count": (c_uint32, [c_void_p]),
    "wirq_instantiate": (c_uint8, [c_void_p, c_void_p, POINTER(c_void_p)]),
    "wirq_register": (c_uint8, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "wirq_unload": (None, [c_void_p, c_void_p]),
    "wirq_reset": (None, [c_void_p]),
    "wirq_enable": (c_uint8, [c_void_p, c_uint32, c_bool]),
    "wirq_stop": (None, [c_void_p]),
    "wirq_features": (c_uint32, []),
}


def build(define: Mapping[str, str] | None = None, toolchain: str | None = None, jobs: int = DEFAULT_JOBS) -> Path:
    """The shared library, brought up to date, with these macros. Raises BuildError or ToolMissing."""
    compiler = toolchains.find("host", toolchain)
    flags = (*_FLAGS, *(f"-D{name}={value}" for name, value in sorted((define or {}).items())))
    key = hashlib.sha256(json.dumps(flags).encode()).hexdigest()[:8] if define else ""
    directory = resources.cache_dir() / "inprocess" / "-".join(filter(None, (compiler.kind, key)))
    vm, here, firmware = resources.path("vm"), Path(__file__).resolve().parent, resources.path("boards", "firmware")
    generated = directory / "generated"
    include = (f"-I{generated}", f"-I{vm / 'include'}", f"-I{vm / 'src'}", f"-I{here}", f"-I{firmware}")
    units = [
        Unit(
            source,
            f"{source.stem}.o",
            (
                *compiler.command,
                *compiler.row.flags,
                *flags,
                *(compiler.row.fast if source.name == DISPATCH_FILE else compiler.row.small),
                *include,
            ),
        )
        for source in (*sorted((vm / "src").glob("*.c")), *sorted(here.glob("*.c")), firmware / "imports.c")
    ]
    library = directory / f"wirq{_SUFFIX}"
    with exclusively(directory):
        generated.mkdir(exist_ok=True)
        generate.operations(generated)
        write_if_changed(generated / "board_facts.h", generate.board_facts_h(load_board(_BOARD)))
        write_if_changed(generated / "link_table.h", generate.link_table_h())
        compiled = compile_units(units, directory, cwd=resources.root(), identity=compiler.identity(), jobs=jobs)
        if compiled or not library.is_file():
            temporary = library.with_name(f"{library.name}.new")
            objects = [unit.object_name for unit in units]
            command = [*compiler.command, *compiler.row.flags, "-shared", *objects, "-o", str(temporary)]
            run_tool(command, cwd=directory, what=f"linking {library.name}")
            temporary.replace(library)
    return library


def load(define: Mapping[str, str] | None = None, toolchain: str | None = None) -> ctypes.CDLL:
    """The library, built if need be and loaded into this process once."""
    return _load(tuple(sorted((define or {}).items())), toolchain)


@cache
def _load(define: tuple[tuple[str, str], ...], toolchain: str | None) -> ctypes.CDLL:
    path = build(dict(define), toolchain)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise BuildError(
            f"the VM's library cannot be loaded into this Python: {error}", hint="leave out --in-process"
        ) from error
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
