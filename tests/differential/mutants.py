"""python -m tests.differential.mutants: breaks the VM in one place at a time, and sees whether the comparison notices.

A mutant that survives means that random modules do not reach what it breaks, or that the comparison cannot see it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.differential.comparing import Comparison
from tests.vm.building import ROOT, Builder

LIST = Path(__file__).with_suffix(".toml")
#: Modules that are tried before a mutant counts as survivor.
MOST_MODULES = 2000


@dataclass(frozen=True)
class Mutant:
    """A place in the VM, what stands there, and what is to stand there."""

    what: str
    file: str
    old: str
    new: str

    def applied_to(self, vm: Path) -> str:
        """The text of the file with the break. Raises ValueError where the place is not found, or not only once."""
        text = (vm / self.file).read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: {self.file} has {self.old!r} {text.count(self.old)} times, not once")
        return text.replace(self.old, self.new)


MUTANTS = tuple(Mutant(**one) for one in tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"])


def noticed(mutant: Mutant, base: Path, scratch: Path, most: int = MOST_MODULES) -> tuple[int, str] | None:
    """The seed whose module shows the mutant, and how; None if it survives. `base`: where the VM is built."""
    vm, built = scratch / "vm", scratch / "built"
    shutil.copytree(ROOT / "vm", vm, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(base, built)
    path = vm / mutant.file
    path.write_text(mutant.applied_to(vm))
    builder = Builder(built, vm=vm)
    if mutant.file.endswith(".c"):
        builder.build_vm(only=(path.name,))
    elif mutant.file.startswith("ops/"):
        generated = re.compile(r'#include "wirq_\w+\.inc"')
        builder.build_vm(only=[one.name for one in sorted(vm.glob("src/*.c")) if generated.search(one.read_text())])
    else:
        builder.build_vm()
    builder.program("driver")
    with Comparison(built / "driver", scratch) as compare:
        for seed in range(1, most + 1):
            if found := compare.seed(seed):
                return seed, found.text.splitlines()[0]
    return None


def main(arguments: Sequence[str]) -> int:
    survivors = 0
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch, "base")
        Builder(base).build_vm()
        for i, mutant in enumerate(MUTANTS):
            if arguments and not any(word in mutant.what for word in arguments):
                continue
            folder = Path(scratch, str(i))
            folder.mkdir()
            shown = noticed(mutant, base, folder)
            shutil.rmtree(folder)
            survivors += shown is None
            answer = f"module {shown[0]}: {shown[1][:90]}" if shown else f"SURVIVES {MOST_MODULES} modules"
            print(f"{mutant.what:40} {answer}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
