"""Runs a fuzzer for a while and reads from what it prints how far it came."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.building import FOLDER, HERE

SEEDS = HERE / "corpus"
CRASHES = FOLDER / "crashes"
#: Bytes of the largest input.
MOST_BYTES = 4096
#: Seconds that one input may take, on a machine that others use too.
LONGEST_INPUT = 25
_STATUS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/")
_RATE = re.compile(r"exec/s: (\d+)")
_FINAL = re.compile(r"stat::number_of_executed_units: (\d+)")


@dataclass
class Progress:
    """What a fuzzer has told so far."""

    target: str
    executions: int = 0
    edges_reached: int = 0
    inputs: int = 0
    rate: int = 0
    findings: list[Path] = field(default_factory=list)

    def read(self, line: str) -> bool:
        """Takes up one line; true if it says something new."""
        if found := _FINAL.search(line):
            self.executions = int(found[1])
        if found := _STATUS.search(line):
            self.executions, self.edges_reached, self.inputs = int(found[1]), int(found[2]), int(found[4])
            if rate := _RATE.search(line):
                self.rate = int(rate[1])
            return True
        return False


def environment() -> dict[str, str]:
    return {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "ASAN_OPTIONS": "detect_leaks=0"}


def _artifacts(target: str) -> set[Path]:
    return set(CRASHES.glob(f"{target}-*"))


def fuzz(
    program: Path, target: str, seconds: int, tell: Callable[[Progress], None], seed: int = 0, fresh: bool = False
) -> Progress:
    """Runs one fuzzer on the kept corpus and what earlier runs found; stops at the first finding."""
    grown = FOLDER / ("fresh" if fresh else "corpus") / target
    if fresh:
        shutil.rmtree(grown, ignore_errors=True)
    grown.mkdir(parents=True, exist_ok=True)
    CRASHES.mkdir(parents=True, exist_ok=True)
    before = _artifacts(target)
    log = FOLDER / f"{target}.log"
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        f"-timeout={LONGEST_INPUT}",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-use_value_profile=1",
        f"-artifact_prefix={CRASHES / target}-",
        *([f"-seed={seed}"] if seed else []),
    ]
    progress = Progress(target)
    process = subprocess.Popen(
        [str(program), *options, str(grown), str(SEEDS)],  # the first is what the fuzzer adds to
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment(),
    )
    assert process.stderr is not None
    with log.open("w") as out:
        for line in process.stderr:
            out.write(line)
            if progress.read(line):
                tell(progress)
    process.wait()
    progress.findings = sorted(_artifacts(target) - before)
    if process.returncode != 0 and not progress.findings:
        raise RuntimeError(f"the fuzzer ended with {process.returncode}; see {log}")
    return progress


def replay(program: Path, inputs: list[Path]) -> subprocess.CompletedProcess[str]:
    """Runs inputs once each, without fuzzing."""
    command = [str(program), f"-timeout={LONGEST_INPUT}", *map(str, inputs)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment(), check=False)
