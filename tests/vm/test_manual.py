"""What vm/include/wirq.h, the manual, says is so; and it says it of every function."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_host.build import toolchains
from firmware_host.build.image import Options, build
from firmware_host.errors import ToolMissing
from tests.vm.building import ROOT
from tests.vm.machine import wat

LIBRARY = """(module
  (global $n (export "n") (mut i32) (i32.const 0))
  (memory (export "memory") 256 (pagesize 1))
  (table (export "table") 2 funcref)
  (elem (i32.const 0) $count)
  (type $handler (func (param i32 i32 i32)))
  (func $count (export "count") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.const 8) (global.get $n))
    (global.get $n))
  (func (export "handler") (type $handler))
  (func $start (global.set $n (i32.const 100)))
  (start $start))"""

IMPORTER = """(module
  (import "library" "count" (func $count (result i32)))
  (import "host" "twice" (func $twice (param i32) (result i32)))
  (import "library" "n" (global $n (mut i32)))
  (import "library" "memory" (memory 1 (pagesize 1)))
  (import "library" "table" (table 1 funcref))
  (func (export "twice_the_count") (result i32) (call $twice (call $count)))
  (func (export "shared") (result i32)
    (if (i32.ne (i32.load (i32.const 8)) (global.get $n)) (then unreachable))
    (if (i32.ne (call_indirect (result i32) (i32.const 0)) (global.get $n)) (then unreachable))
    (global.set $n (i32.sub (global.get $n) (i32.const 1)))
    (i32.store (i32.const 8) (global.get $n))
    (global.get $n)))"""

TRAPPING = f"""(module
  (global $tries (mut i32) (i32.const 0))
  (func $start (global.set $tries (i32.add (global.get $tries) (i32.const 1))) unreachable)
  (func (export "tries") (result i32) (global.get $tries))
  (func (export "wide") {"(param i64)" * 300})
  (func (export "deep") {"(local i64)" * 500})
  (start $start))"""


def test_the_manual_holds(run_program: Callable[..., str], tmp_path: Path) -> None:
    paths = []
    for name, text in (("library", LIBRARY), ("importer", IMPORTER), ("trapping", TRAPPING)):
        path = tmp_path / f"{name}.wasm"
        path.write_bytes(wat(text))
        paths.append(str(path))
    assert run_program("manual_program", *paths) == "done\n"


def test_every_function_of_the_manual_is_explained() -> None:
    header = (ROOT / "vm" / "include" / "wirq.h").read_text()
    declaration = re.compile(r"^[a-z][\w ]*[ *](wirq_\w+)\(", re.MULTILINE)
    assert len(declaration.findall(header)) > 40
    bare = [
        function
        for paragraph in header.split("\n\n")
        for function in declaration.findall(paragraph)
        if not paragraph.lstrip().startswith("/*")
    ]
    assert bare == []


def test_every_status_of_the_manual_has_its_causes() -> None:
    """Of each function that answers one: by name, as those of another function, or that it never fails."""
    header = (ROOT / "vm" / "include" / "wirq.h").read_text()
    declaration = re.compile(r"^wirq_status (wirq_\w+)\(", re.MULTILINE)
    words = re.compile(r"WIRQ_(?!OK|POLICY|CLASS|RUN|MAX)[A-Z_]{4,}|[Ee]rrors? (of|as above)|Never\W+fails")
    paragraphs = [(one, declaration.findall(one)) for one in header.split("\n\n")]
    assert sum(len(found) for _, found in paragraphs) > 20
    assert [function for text, found in paragraphs for function in found if not words.search(text)] == []


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_the_vm_has_no_variables_outside_its_arena(toolchain: str) -> None:
    from elftools.elf.elffile import ELFFile

    try:
        toolchains.find("cortex-m4", toolchain)
    except ToolMissing as missing:
        pytest.skip(f"SKIPPED: objects of {toolchain} were not looked at, {missing}")
    image = build(Options("stm32f4", toolchain))
    writable = []
    objects = sorted(image.objects.glob("vm-*.o"))
    assert len(objects) > 20
    for path in objects:
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                if section["sh_flags"] & 3 == 3 and section["sh_size"]:  # written to, in memory
                    writable.append(f"{path.name}: {section.name}")
    assert writable == []
