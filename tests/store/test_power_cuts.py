"""Power cuts at every write and erase of random histories: nothing is lost, torn or brought back.

`python -m tests.store.test_power_cuts 10000` runs so many histories; CI runs some hundreds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.store.building import HERE, compile_with

#: Bytes of a block, of a sector, and sectors. Some have a block a sector, as the nRF51's pages are to its store, some
#: many, as the STM32's; some have hardly any room; some are odd.
GEOMETRIES = (
    (128, 512, 10),
    (256, 256, 16),
    (128, 1024, 4),
    (128, 512, 5),
    (96, 192, 12),
    (100, 300, 9),
    (128, 128, 30),
)
OPERATIONS = 12


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("histories") / "histories"
    compile_with([str(HERE / "histories.c")], output)
    return output


def run(program: Path, seed: int, count: int, geometry: tuple[int, int, int]) -> str:
    words = [str(number) for number in (seed, count, OPERATIONS, *geometry)]
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda sizes: "x".join(str(size) for size in sizes))
def test_after_every_cut_the_store_is_as_before_or_as_after(program: Path, geometry: tuple[int, int, int]) -> None:
    assert " cuts" in run(program, 1, 40, geometry)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "histories"
        compile_with([str(HERE / "histories.c")], program)
        for i, geometry in enumerate(GEOMETRIES):
            share = (count + i) // len(GEOMETRIES)
            print(f"{geometry}: {run(program, 1_000_000 * (i + 1), share, geometry)}", flush=True)


if __name__ == "__main__":
    main()
