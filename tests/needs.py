"""Programs that `make test` installs. Where one is missing, in a run of pytest alone, its tests say so."""

from __future__ import annotations

import shutil

import pytest


def program(name: str, untested: str) -> str:
    """The path of a program. Skips the test where it is missing, saying what was not tested, such as "a store"."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"SKIPPED: {untested} was NOT tested, for {name} is not installed")
    return path
