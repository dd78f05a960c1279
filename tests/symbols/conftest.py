"""Runs the command in this process: its exit code and what it printed. Reports of traps go to the test's directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_host.cli.main import run

Wirq = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("WIRQ_BOARD", raising=False)


@pytest.fixture
def wirq(capfd: pytest.CaptureFixture[str]) -> Wirq:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return call


def last(out: str) -> dict[str, Any]:
    """The last object that --json printed."""
    return dict(json.loads(out.splitlines()[-1]))
