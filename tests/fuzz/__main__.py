"""python -m tests.fuzz: fuzzes loader and execution for some time. tests/fuzz/README.md says how it is made."""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.building import ROOT, TARGETS, NoFuzzer, build
from tests.fuzz.running import Progress, fuzz, replay

EXAMPLES = """examples:
  python -m tests.fuzz --time 600                      both targets, side by side, for ten minutes
  python -m tests.fuzz --target execution --time 60
  python -m tests.fuzz --target loader --replay build/fuzz/crashes/loader-crash-…
"""


class _Teller:
    """A line of progress at most every few seconds, on standard error."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        print(
            f"{progress.target}: {progress.executions:,} executions, {progress.rate:,} a second, "
            f"{progress.edges_reached:,} edges reached, {progress.inputs:,} inputs kept",
            file=sys.stderr,
            flush=True,
        )


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description="Fuzzes the VM's loader and execution.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--time", type=int, default=60, help="seconds of fuzzing in all (default: 60)")
    parser.add_argument("--target", choices=TARGETS, action="append", help="one target (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of random numbers (default: another each time)")
    parser.add_argument(
        "--fresh", action="store_true", help="begin with the kept corpus only, and leave what earlier runs found alone"
    )
    parser.add_argument("--replay", type=Path, nargs="+", metavar="INPUT", help="run these inputs once instead")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument(
        "--jobs", type=int, default=2, help="programs at a time; 1: targets share the time (default: 2)"
    )
    arguments = parser.parse_args()
    targets = arguments.target or list(TARGETS)
    try:
        programs = build(jobs=arguments.jobs)
    except NoFuzzer as error:
        print(f"error: {error}", file=sys.stderr)
        return 8
    if arguments.replay:
        for target in targets:
            done = replay(programs[target], arguments.replay)
            if done.returncode != 0:
                print(done.stderr, file=sys.stderr)
                return 1
            print(f"{target}: {len(arguments.replay)} inputs, no finding")
        return 0
    workers = max(1, min(arguments.jobs, len(targets)))
    seconds = max(1, arguments.time * workers // len(targets))
    with ThreadPoolExecutor(workers) as pool:
        results = list(
            pool.map(lambda t: fuzz(programs[t], t, seconds, _Teller(10), arguments.seed, arguments.fresh), targets)
        )
    if arguments.json:
        rows = [
            {
                "target": one.target,
                "seconds": seconds,
                "executions": one.executions,
                "edges_reached": one.edges_reached,
                "inputs": one.inputs,
                "findings": [_shown(path) for path in one.findings],
            }
            for one in results
        ]
        print(json.dumps(rows, indent=2))
    else:
        for one in results:
            print(
                f"{one.target}: {one.executions:,} executions in {seconds} s, {one.edges_reached:,} edges reached, "
                f"{one.inputs:,} inputs kept, {len(one.findings)} findings"
            )
    for one in results:
        for path in one.findings:
            print(f"finding: {_shown(path)}", file=sys.stderr)
            print(f"  again: python -m tests.fuzz --target {one.target} --replay {_shown(path)}", file=sys.stderr)
    return 1 if any(one.findings for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
