"""Where the public conformance suites lie: WIRQ_SUITES in the environment says. Without it their tests are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "WIRQ_SUITES"


def folder() -> Path | None:
    """The suites' folder, or None if there is none with scripts in it."""
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else None
    return path if path is not None and any(path.glob("*/*.wast")) else None


def need(*parts: str) -> Path:
    """A path in the suites. Skips the test, loudly, where they are not there."""
    found = folder()
    if found is None:
        reason = (
            f"{VARIABLE} names no folder with .wast scripts" if os.environ.get(VARIABLE) else f"{VARIABLE} is not set"
        )
        pytest.skip(f"SKIPPED: the public WebAssembly suites were not run, {reason}")
    return found.joinpath(*parts)
