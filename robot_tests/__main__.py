"""`python -m robot_tests [TARGET…]`: runs the suites on all targets or on these, and says what was left out and why."""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from robot_tests import runner

_OUTPUT = runner.HERE.parent / "results" / "robot"


def _merge(outcomes: list[runner.Outcome], output: Path) -> None:
    files = [str(file) for outcome in outcomes for file in sorted((output / outcome.target.name).rglob("output.xml"))]
    if files:
        options = ["--name", "wirq", "--outputdir", str(output), "--output", "all.xml"]
        subprocess.run([sys.executable, "-m", "robot.rebot", *options, *files], capture_output=True, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m robot_tests", description="Runs the Robot suites on targets.")
    parser.add_argument("target", nargs="*", help="names of files in targets/; all without one")
    parser.add_argument("--suite", action="append", default=[], help="only this file of suites/, such as forced")
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="where results go (results/robot)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="targets at the same time")
    options = parser.parse_args()
    try:
        targets = runner.targets(options.target)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    suites = [runner.HERE / "suites" / f"{name}.robot" for name in options.suite]
    for suite in suites:
        if not suite.is_file():
            print(f"error: there is no suite {suite.stem!r} in robot_tests/suites", file=sys.stderr)
            return 2
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda target: runner.run(target, options.output / target.name, suites), targets))
    _merge(outcomes, options.output)
    for outcome in outcomes:
        print(outcome.line())
        if not outcome.skipped:
            for tag, tests in runner.left_out(outcome.target).items():
                print(f"           left out, for it does not offer {tag}: {len(tests)} tests")
            for failure in runner.failures(options.output / outcome.target.name):
                print(f"           {failure}")
    print(f"log: {options.output / 'log.html'}")
    skipped = [outcome.target.name for outcome in outcomes if outcome.skipped]
    if skipped:
        print(f"\n*** SKIPPED, not passed: {', '.join(skipped)} ***")
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
