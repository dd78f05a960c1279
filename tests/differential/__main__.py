"""python -m tests.differential: random modules on wirq's VM and on wasmtime. See tests/differential/README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.differential.comparing import Comparison, Difference
from tests.differential.mutated import MutatedComparison
from tests.vm.building import ROOT, Builder

FINDINGS = ROOT / "build/differential"
EXAMPLES = """examples:
  python -m tests.differential --count 10000
  python -m tests.differential --seed 4711 --count 1     one module again
  python -m tests.differential --mutated --count 20000   real modules with a few bytes changed
"""


def _programs(folder: Path) -> Path:
    builder = Builder(folder)
    builder.build_vm()
    builder.program("driver")
    return folder / "driver"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential",
        description="Compares wirq's VM with wasmtime on random modules.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=1000, help="how many modules (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first; each module has the next (default: 1)")
    parser.add_argument(
        "--mutated", action="store_true", help="real modules with a few bytes changed, not generated ones"
    )
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    arguments = parser.parse_args()
    FINDINGS.mkdir(parents=True, exist_ok=True)
    found: list[Difference] = []
    begun = shown = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        programs, files = _programs(Path(scratch, "vm")), Path(scratch)
        with MutatedComparison(programs, files) if arguments.mutated else Comparison(programs, files) as compare:
            for i in range(arguments.count):
                one = compare.seed(arguments.seed + i)
                if one is not None:
                    found.append(one)
                    kept = one.keep(FINDINGS)
                    print(f"seed {one.program.seed}: {one.text}\n  kept: {kept.relative_to(ROOT)}", file=sys.stderr)
                if time.monotonic() - shown > 5:
                    shown = time.monotonic()
                    rate = (i + 1) / (shown - begun)
                    print(f"{i + 1:,} modules, {rate:.0f} a second, {len(found)} differ", file=sys.stderr, flush=True)
            outcomes = compare.told
    if arguments.json:
        figures = {
            "modules": arguments.count,
            "told": dict(outcomes),
            "differences": [one.program.seed for one in found],
        }
        print(json.dumps(figures, indent=2))
    else:
        of_what = "" if arguments.mutated else f"{sum(outcomes.values()):,} calls, "
        print(f"{arguments.count:,} modules, {of_what}{len(found)} differ")
        for name, count in outcomes.most_common():
            print(f"  {name.lower().replace('_', ' '):32} {count:>10,}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
