"""A shell completes commands, options, boards and files, without opening a port."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
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


#: Each loads the script as its help tells, and asks for what follows `wirq -b qemu:st` and `wirq ins`.
SHELLS = {
    "bash": """
        eval "$(wirq completion bash)"
        complete -p wirq >/dev/null || exit 9
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wirq_completion wirq; echo "${COMPREPLY[@]}"; }
        ask wirq -b qemu:st
        ask wirq ins
    """,
    "zsh": """
        autoload -U compinit && compinit -D -u
        eval "$(wirq completion zsh)"
        compadd() { print -r -- $completions }
        _describe() { print -r -- ${completions_with_descriptions%%:*} }
        ask() { words=("$@"); CURRENT=$#; _wirq_completion; }
        ask wirq -b qemu:st
        ask wirq ins
    """,
    "fish": """
        wirq completion fish | source
        complete -C "wirq -b qemu:st"
        complete -C "wirq ins"
    """,
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_itself_completes_with_it(shell: str, tmp_path: Path) -> None:
    needs.program(shell, f"completion in {shell}")
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    command = [shell, *options, "-c", SHELLS[shell]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    words = [line.split() for line in done.stdout.splitlines()]
    assert words[0] == ["qemu:stm32f4"]
    assert {"inspect", "instrument"} <= {word for line in words[1:] for word in line}
