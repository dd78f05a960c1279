"""Binary WebAssembly modules: taken apart, stripped, and, small ones, written."""

from firmware_host.wasm.module import Module
from firmware_host.wasm.sections import strip
from firmware_host.wasm.settings import HandlerSettings, read_settings, write_settings
from firmware_host.wasm.types import (
    Export,
    FunctionType,
    GlobalType,
    Import,
    Kind,
    Limits,
    MemoryType,
    Section,
    SectionId,
    TableType,
)

__all__ = [
    "Export",
    "FunctionType",
    "GlobalType",
    "HandlerSettings",
    "Import",
    "Kind",
    "Limits",
    "MemoryType",
    "Module",
    "Section",
    "SectionId",
    "TableType",
    "read_settings",
    "strip",
    "write_settings",
]
