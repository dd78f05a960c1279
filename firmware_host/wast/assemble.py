"""Textual modules to binary ones, by the assembler in the PyPI package wasmtime, the one that knows all proposals."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from firmware_host.errors import ToolMissing
from firmware_host.wast.sexpr import ScriptError

_ATOMIC_OPERATION = re.compile(rb"\b((?:struct|array|global|table)\.atomic\.[a-z._]+)(?=\s)(?!\s+(?:seqcst|acqrel))")


def _wat2wasm(text: bytes) -> bytes:
    try:
        import wasmtime
    except ImportError:
        raise ToolMissing(
            "scripts contain modules as text, and their assembler, the Python package wasmtime, is not installed",
            hint="pip install 'wasmtime>=50'",
        ) from None
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise ScriptError(str(error)) from None


def _old_segments(text: bytes, error: str) -> bytes | None:
    """Version 1.0: the identifier in (data $mem ..) names the memory, which is number 0."""
    if "duplicate data identifier" in error or "duplicate elem identifier" in error:
        return _wat2wasm(re.sub(rb"\((data|elem)\s+\$\w+", rb"(\1", text))
    return None


def _legacy_exceptions(text: bytes, error: str) -> bytes | None:
    """Legacy exception handling: only wabt still assembles it."""
    legacy = b"(try" in text or b" try" in text or b"rethrow" in text
    wabt = shutil.which("wat2wasm")
    if "unknown operator" not in error or not legacy or not wabt:
        return None
    with tempfile.TemporaryDirectory(prefix="wirq-wast-") as folder:
        source = Path(folder, "m.wat")
        binary = Path(folder, "m.wasm")
        source.write_bytes(text)
        command = [wabt, "--enable-all", "--no-check", str(source), "-o", str(binary)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        return binary.read_bytes()


def _old_orderings(text: bytes, error: str) -> bytes | None:
    """Shared-everything-threads: older spellings of, or no, memory ordering."""
    if "memory ordering" not in error:
        return None
    text = text.replace(b"seq_cst", b"seqcst").replace(b"acq_rel", b"acqrel")
    return _wat2wasm(_ATOMIC_OPERATION.sub(rb"\1 seqcst", text))


_FALLBACKS: tuple[Callable[[bytes, str], bytes | None], ...] = (_old_segments, _legacy_exceptions, _old_orderings)


def assemble(text: bytes) -> bytes:
    """One textual module to binary. Raises ScriptError if no assembler takes it, ToolMissing if there is none."""
    try:
        return _wat2wasm(text)
    except ScriptError as first:
        error = first
    for fallback in _FALLBACKS:
        try:
            binary = fallback(text, str(error))
        except ScriptError as again:
            error = again
            continue
        if binary is not None:
            return binary
    raise error
