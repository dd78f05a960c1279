"""A shell completes commands, options, boards and files, without opening a port."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Wirq

ROOT = Path(__file__).resolve().parents[2]


def completions(*words: str) -> list[str]:
    """What bash is told when the last of these words is being typed."""
    environment = {
        **os.environ,
        "_WIRQ_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("wirq", *words)),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-m", "firmware_host.cli.main"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_commands_options_and_boards_are_completed() -> None:
    assert {"run", "repl"} <= set(completions("r"))
    assert "--raise" in completions("run", "--r")
    assert completions("-b", "qemu:stm") == ["qemu:stm32f4"]
    assert "host" in completions("run", "-b", "ho")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(wirq: Wirq, shell: str) -> None:
    ran = wirq("completion", shell)
    assert ran.code == 0
    assert "_WIRQ_COMPLETE" in ran.out
