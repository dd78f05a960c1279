"""Toolchains: a missing one is named with the way out; what is asked for is what is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host.build import guest, toolchains
from firmware_host.errors import BuildError, ToolMissing, WirqError
from firmware_host.sim.qemu import find_program


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without any compiler or emulator."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    toolchains.zig.cache_clear()
    find_program.cache_clear()
    yield
    toolchains.zig.cache_clear()
    find_program.cache_clear()


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("machine", "kind", "program", "way_out"),
    [
        ("cortex-m4", "gcc", "arm-none-eabi-gcc", "gcc-arm-none-eabi"),
        ("rv32imac", "gcc", "riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf"),
        ("host", "gcc", "gcc", "apt-get install"),
        ("host", "clang", "clang", "apt-get install"),
        ("cortex-m0", "zig", "zig", "pip install ziglang"),
    ],
)
def test_a_missing_compiler_is_named_with_its_package(machine: str, kind: str, program: str, way_out: str) -> None:
    with pytest.raises(ToolMissing) as caught:
        toolchains.find(machine, kind)
    assert program in str(caught.value)
    assert way_out in caught.value.hint
    assert caught.value.exit_code == 8


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_emulator_is_named_with_its_package() -> None:
    with pytest.raises(ToolMissing, match="qemu-system-riscv32") as caught:
        find_program("qemu-system-riscv32")
    assert "qemu-system-misc" in caught.value.hint


@pytest.mark.usefixtures("nothing_installed")
def test_a_guest_cannot_be_compiled_without_a_compiler(tmp_path: Path) -> None:
    (tmp_path / "app.c").write_text("")
    with pytest.raises(ToolMissing, match="zig"):
        guest.compile_c(tmp_path / "app.c", tmp_path / "app.wasm")
    assert not (tmp_path / "app.wasm").exists()


def test_the_environment_chooses_the_toolchain_and_an_argument_overrides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(toolchains.ENVIRONMENT_VARIABLE, raising=False)
    assert toolchains.find("cortex-m4").kind == "zig"
    monkeypatch.setenv(toolchains.ENVIRONMENT_VARIABLE, "gcc")
    assert toolchains.find("host").kind == "gcc"
    assert toolchains.find("host", "zig").kind == "zig"


@pytest.mark.parametrize(("machine", "kind"), [("cortex-m4", "keil"), ("cortex-m4", "clang")])
def test_a_toolchain_that_does_not_exist_is_refused_naming_those_that_do(machine: str, kind: str) -> None:
    with pytest.raises(BuildError) as caught:
        toolchains.find(machine, kind)
    assert kind in str(caught.value)
    assert "zig" in caught.value.hint


def test_the_identity_of_a_compiler_has_its_version() -> None:
    kind, version = toolchains.find("cortex-m0", "zig").identity().split()
    assert kind == "zig"
    assert version[0].isdigit()


def test_the_default_needs_nothing_but_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(toolchains.ENVIRONMENT_VARIABLE, raising=False)
    toolchains.zig.cache_clear()
    for machine in toolchains.MACHINES:
        assert os.access(toolchains.find(machine).program, os.X_OK)


def test_errors_of_the_package_are_one_family() -> None:
    assert issubclass(BuildError, WirqError)
    assert (BuildError.exit_code, ToolMissing.exit_code) == (1, 8)
