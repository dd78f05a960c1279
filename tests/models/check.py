#!/usr/bin/env python3
"""Runs every model in this folder with SPIN; exit 1 if one does not give the result that its first comment promises.

A model's first comment has a line "VARIANT n … must verify" or "… must FAIL" for each of its variants. Every right
protocol has a broken twin that must fail: a model whose twin does not fail proves nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LONGEST_STEP = 300.0


@dataclass(frozen=True)
class Promise:
    """What one variant of a model must come to."""

    model: Path
    variant: int
    result: str  # "verify" or "FAIL"

    def __str__(self) -> str:
        return f"{self.model.stem}-{self.variant}-{self.result}"


def promises() -> list[Promise]:
    found = []
    for model in sorted(HERE.glob("*.pml")):
        for variant, result in re.findall(r"VARIANT (\d+) .*?must (verify|FAIL)", model.read_text()):
            found.append(Promise(model, int(variant), result))
    return found


def verify(promise: Promise) -> tuple[str, str]:
    """What SPIN finds, and the number of states it has seen."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(promise.model, folder)

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_STEP, check=False
            )

        run("spin", "-a", f"-DVARIANT={promise.variant}", promise.model.name)
        if run("gcc", "-O2", "-w", "-DNFAIR=3", "-o", "pan", "pan.c").returncode:
            raise RuntimeError(f"{promise.model.name}: spin or gcc failed")
        output = run("./pan", "-a", "-f", "-m1000000").stdout
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    if errors is None:
        result = "no result"
    elif int(errors[1]):
        result = "FAIL"
    elif "max search depth too small" in output:
        result = "search cut"
    else:
        result = "verify"
    return result, states[1] if states else "-"


def main() -> int:
    bad = 0
    for promise in promises():
        result, states = verify(promise)
        bad += result != promise.result
        mark = "ok " if result == promise.result else "BAD"
        print(f"{mark} {promise.model.name:28} VARIANT={promise.variant:3} {result:7} {states:>7} states")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
