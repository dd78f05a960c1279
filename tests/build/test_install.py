"""An installed wirq needs no checkout: it has its C sources with it, builds firmware and compiles guests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_host import resources
from tests import needs

_GUEST = """\
#include "wirq_guest.h"
WIRQ_EXPORT("answer") int answer(void) { return 42; }
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing but wirq in it; the directory of its programs."""
    directory = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(directory / "venv")], check=True)
    programs = directory / "venv" / "bin"
    done = subprocess.run(
        [programs / "python", "-m", "pip", "install", "--quiet", str(resources.root())],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
    )
    assert done.returncode == 0, done.stderr
    return programs


def run(programs: Path, directory: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the installed wirq in a directory of its own, with nothing but `path` on PATH, and no checkout in sight."""
    environment = {
        "PATH": path or str(directory),
        "HOME": os.environ.get("HOME", str(directory)),
        "WIRQ_CACHE": str(directory / "cache"),
    }
    command = [str(programs / "wirq"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory, env=environment)


@pytest.mark.slow
def test_an_installed_wirq_builds_firmware_and_runs_a_guest(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "build", "stm32f4")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cache" / "firmware" / "stm32f4-zig" / "wirq-stm32f4.elf").is_file()

    (tmp_path / "answer.c").write_text(_GUEST)
    done = run(installed, tmp_path, "-b", "host", "call", "answer.c", "answer")
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr

    done = run(installed, tmp_path, "doctor")
    assert done.returncode == 0, done.stdout
    assert "arm-none-eabi-gcc" in done.stdout


@pytest.mark.slow
def test_an_installed_wirq_counts_instructions(installed: Path, tmp_path: Path) -> None:
    qemu = needs.program("qemu-system-arm", "wirq bench of an installed wirq")
    emulators = tmp_path / "emulators"
    emulators.mkdir()
    (emulators / "qemu-system-arm").symlink_to(qemu)
    (tmp_path / "answer.c").write_text(_GUEST)
    done = run(installed, tmp_path, "bench", "answer.c", "--invoke", "answer", "--json", path=str(emulators))
    assert done.returncode == 0, done.stdout + done.stderr
    counted = json.loads(done.stdout.splitlines()[-1])
    assert counted["result"] == 42
    assert counted["load_instructions"] > counted["first_call_instructions"] > 0
