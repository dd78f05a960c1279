"""The embedding example is compiled without warnings as the plain C11 it is, and does what it says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_host import resources
from firmware_host.build import generate, image, toolchains
from tests.vm.machine import wat

SOURCE = resources.path("examples", "embed", "embed.c")

GUEST = """(module
  (import "app" "work" (func $work (param i32)))
  (global $interrupts (mut i32) (i32.const 0))
  (func (export "irq:button") (param i32 i32 i32)
    (global.set $interrupts (i32.add (global.get $interrupts) (local.get 1))))
  (func (export "run") (param i32) (result i32) (local i32)
    (loop $more
      (call $work (local.get 1))
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get 1) (local.get 0))))
    (global.get $interrupts)))"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embed")
    generate.operations(folder)
    compiler = toolchains.find("host")
    command = [
        *(*compiler.command, *compiler.row.flags, "-std=c11", *image.WARNINGS, "-O1"),
        *(f"-I{resources.path('vm', 'include')}", f"-I{folder}", str(SOURCE)),
        *(str(file) for file in sorted(resources.path("vm", "src").glob("*.c"))),
        *("-o", str(folder / "embed")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "embed"


def _run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_it_is_about_sixty_lines() -> None:
    assert len(SOURCE.read_text().splitlines()) <= 60


def test_it_runs_a_guest_and_interrupts_it(program: Path, tmp_path: Path) -> None:
    module = tmp_path / "guest.wasm"
    module.write_bytes(wat(GUEST))
    done = _run(program, str(module))
    assert (done.returncode, done.stdout) == (0, "the guest counted 4 interrupts\n")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (b"no module at all", "load: status 33\n"),
        (wat('(module (import "app" "play" (func)))'), "load: status 80\n"),
        (wat('(module (func (export "walk")))'), "load: status 82\n"),
        (wat('(module (func (export "run") (param i32) (result i32) unreachable))'), "trap: status 1\n"),
    ],
)
def test_it_tells_what_is_wrong(program: Path, tmp_path: Path, module: bytes, said: str) -> None:
    file = tmp_path / "guest.wasm"
    file.write_bytes(module)
    done = _run(program, str(file))
    assert (done.returncode, done.stdout) == (1, said)


def test_a_file_that_is_not_there_is_told(program: Path) -> None:
    assert _run(program, "nowhere.wasm").returncode == 1


def test_the_page_shows_it_whole() -> None:
    page = resources.root() / "docs" / "how-to" / "embed-the-vm.md"
    assert SOURCE.read_text() in page.read_text()
