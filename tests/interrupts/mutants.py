"""python -m tests.interrupts.mutants: breaks the code in one place at a time; the property's test must notice.

Each break is made in a copy of the project, and only the test that is named beside it is run there; before that, the
same tests are run in a copy without a break, where they must pass. A test that cannot be run there (because the break
does not compile, say) has caught nothing. Words after the command choose by property or text; --quick the few for CI;
--list only prints what would be broken and the test that is to notice.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.vm.building import ROOT, Builder
from tests.vm.conftest import BUILT_VARIABLE

LIST = Path(__file__).with_suffix(".toml")
PROPERTIES = tuple(f"T{number}" for number in range(1, 13))
#: What of the project a copy has; all of it is small.
PARTS = ("vm", "boards", "firmware_host", "guests", "examples", "benchmarks", "tests", "tools", "docs", "robot_tests")
#: Seconds; a break that makes the code run for ever is noticed, too.
LONGEST_TEST = 120.0
_RESULT = re.compile(r"(\d+) (passed|failed|error|errors|skipped)\b")


@dataclass(frozen=True)
class Mutant:
    """A break, the property that it breaks, and the test that must notice. `needs`: a program without which that test
    does not run."""

    breaks: str
    what: str
    file: str
    old: str
    new: str
    test: str
    needs: str = ""
    quick: bool = False

    def apply(self, root: Path) -> None:
        """Makes the break. Raises ValueError where its place is not found, or not only once."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: {self.file} has {self.old!r} {text.count(self.old)} times, not once")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")

    @property
    def is_here(self) -> bool:
        """Whether its test can run on this computer."""
        return not self.needs or shutil.which(self.needs) is not None


MUTANTS = tuple(Mutant(**one) for one in tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"])


class Workshop:
    """Copies of the project to be broken, and the VM's test programs, of which only what has changed is built anew."""

    def __init__(self, scratch: Path, longest: float = LONGEST_TEST) -> None:
        self._scratch = scratch
        self._longest = longest
        self._base = scratch / "base"
        builder = Builder(self._base)
        builder.build_vm()
        builder.program("driver")
        self._count = 0

    def copy(self) -> Path:
        self._count += 1
        root = self._scratch / f"copy-{self._count}"
        root.mkdir()
        for part in PARTS:
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "corpus"))
        shutil.copy(ROOT / "pyproject.toml", root)
        cache = ROOT / "build" / "guests"  # compiled guests are the same
        if cache.is_dir():
            shutil.copytree(cache, root / "build" / "guests")
        return root

    def built(self, root: Path, file: str) -> Path:
        """The test programs of a copy in which that file was changed."""
        if not file.startswith("vm/"):
            return self._base
        target = root / "programs"
        shutil.copytree(self._base, target)
        builder = Builder(target, vm=root / "vm")
        builder.build_vm(only=(Path(file).name,) if file.endswith(".c") else ())
        builder.program("driver")
        return target

    def run(self, root: Path, programs: Path, tests: Collection[str]) -> dict[str, int]:
        """How many tests passed, failed, could not be run; a time that is over is a failure."""
        environment = {**os.environ, "PYTHONPATH": str(root), BUILT_VARIABLE: str(programs)}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=self._longest * len(tests))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the test programs that it has started
            process.communicate()
            return {"failed": 1}
        if process.returncode < 0:  # what runs in the test's own process may end it
            return {"failed": 1}
        return {word.rstrip("s"): int(number) for number, word in _RESULT.findall(output.splitlines()[-1])}

    def kills(self, mutant: Mutant) -> bool:
        """Whether the mutant's test fails in a copy that has it."""
        root = self.copy()
        try:
            mutant.apply(root)
            result = self.run(root, self.built(root, mutant.file), [mutant.test])
            return result.get("failed", 0) > 0  # an error alone would be of the build
        finally:
            shutil.rmtree(root)

    def passes(self, tests: Collection[str]) -> bool:
        """Whether all of these tests pass where nothing is broken."""
        root = self.copy()
        try:
            result = self.run(root, self._base, sorted(tests))
            return result.get("passed", 0) >= len(tests) and not {"failed", "error", "skipped"} & set(result)
        finally:
            shutil.rmtree(root)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interrupts.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only those whose property or description has one of these")
    parser.add_argument("--longest", type=float, default=LONGEST_TEST, help="seconds that a test may take (120)")
    parser.add_argument("--quick", action="store_true", help="only the few that CI makes")
    parser.add_argument("--list", action="store_true", help="print them and their tests, and break nothing")
    options = parser.parse_args(arguments)
    chosen = [
        one
        for one in MUTANTS
        if (one.quick or not options.quick)
        and (not options.words or any(word == one.breaks or word in one.what for word in options.words))
    ]
    if not chosen:
        parser.error(f"no mutant has any of these words: {' '.join(options.words)}")
    if options.list:
        for mutant in chosen:
            print(f"{mutant.breaks:4} {mutant.what:66} {mutant.test.split('/', 1)[1]}")
        return 0
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="wirq-mutants-") as scratch:
        workshop = Workshop(Path(scratch), options.longest)
        if not workshop.passes({one.test for one in chosen if one.is_here}):
            print("the tests do not pass without a break, so they would catch nothing", file=sys.stderr)
            return 2
        for mutant in chosen:
            verdict = f"not made: {mutant.needs} is not installed"
            if mutant.is_here:
                killed = workshop.kills(mutant)
                survivors += not killed
                verdict = f"killed by {mutant.test.split('/', 1)[1]}" if killed else f"SURVIVES {mutant.test}"
            print(f"{mutant.breaks:4} {mutant.what:66} {verdict}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
