"""`wirq build`, `size` and `doctor`, and their twins in the Makefile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.cli.main import run
from firmware_host.sim.qemu import find_program


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Runs a command with --json and returns its one object."""
    capsys.readouterr()
    run([*arguments, "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    printed: dict[str, Any] = json.loads(line)
    return printed


def test_build_prints_files_flash_and_ram(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "stm32f4"]) == 0
    text = capsys.readouterr().out
    assert "wirq-stm32f4.elf" in text
    assert "wirq-stm32f4.hex" in text
    assert "of 1,048,576 bytes" in text
    assert "of 131,072 bytes" in text

    printed = as_json(capsys, "build", "stm32f4")
    assert (printed["type"], printed["ok"], printed["compiled"]) == ("result", True, [])
    assert all(Path(file).is_file() for file in printed["files"])
    assert printed["arena_size"] + printed["c_stack_size"] <= printed["ram_used"] <= printed["ram_size"] == 131072


def test_build_takes_the_board_from_the_selector(capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "build", "-b", "qemu:stm32f4")["board"] == "stm32f4"


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("build", "nope"), 3, "nope"),
        (("build", "stm32f4", "--toolchain", "keil"), 1, "keil"),
        (("build", "stm32f4", "--variant", "nope"), 1, "nope"),
        (("build", "stm32f4", "--define", "1=2"), 2, "1=2"),
        (("size", "--board", "nope"), 3, "nope"),
    ],
)
def test_what_cannot_be_built_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, named: str
) -> None:
    assert run(list(arguments)) == code
    assert named in capsys.readouterr().err


def test_size_tells_the_vm_by_file_and_the_handler_table_on_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["size", "--board", "stm32f4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("VM, flash ") for line in lines)
    assert sum("handler table, RAM" in line for line in lines) == 1

    printed = as_json(capsys, "size", "--board", "stm32f4")
    assert sum(printed["vm_files"].values()) + printed["vm_literals"] == printed["vm_flash"]
    assert printed["handler_table_ram"] == 4 * printed["operations"]
    assert printed["vm_flash"] < printed["flash_used"]


def test_doctor_finds_what_this_machine_has(capsys: pytest.CaptureFixture[str]) -> None:
    printed = as_json(capsys, "doctor")
    states = {finding["what"]: finding["state"] for finding in printed["findings"]}
    assert printed["ok"] is True
    assert (states["python"], states["packages"], states["zig"]) == ("ok", "ok", "ok")


def test_doctor_names_what_is_missing_and_the_way_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    monkeypatch.setattr("firmware_host.doctor.find_spec", lambda name: None if name == "rich" else object())
    for cached in (toolchains.zig, find_program):
        cached.cache_clear()
    try:
        assert run(["doctor"]) == 8
        text = capsys.readouterr().out
        assert run(["doctor", "--fix"]) == 8
        fixes = capsys.readouterr().out.splitlines()
    finally:
        for cached in (toolchains.zig, find_program):
            cached.cache_clear()
    assert "cannot import rich" in text
    assert "MISSING    zig" in text
    assert "not there  qemu-system-arm" in text
    assert "python -m pip install ziglang" in fixes
    assert "sudo apt-get install --no-install-recommends gcc-arm-none-eabi" in fixes


def test_make_board_is_wirq_build() -> None:
    make = shutil.which("make")
    assert make is not None
    command = [make, "--dry-run", "BOARD=demo", "VARIANT=small", "TOOLCHAIN=gcc", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=resources.root())
    assert done.returncode == 0, done.stderr
    assert "wirq build demo --variant small --toolchain gcc" in " ".join(done.stdout.split())


def test_packages_that_tests_need_are_named_to_who_may_not_install_them(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    script = resources.path("tools", "install-test-packages")
    done = subprocess.run(
        ["/bin/sh", str(script)], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert done.returncode == 8
    assert "qemu-system-riscv32" in done.stderr
    assert "sudo apt-get install -y --no-install-recommends" in done.stderr
    assert "qemu-system-misc" in done.stderr


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    script = resources.path("tools", "install-test-packages")
    for line in script.read_text().partition("needed='\n")[2].partition("'\n")[0].splitlines():
        program = tmp_path / line.split()[0]
        program.write_text("#!/bin/sh\nexit 99\n")
        program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(script)], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
