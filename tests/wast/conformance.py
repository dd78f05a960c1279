"""Which of the public suites wirq passes on which board, and what is kept of that in conformance/BOARD.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from firmware_host import Board
from firmware_host.cli.wast import ARENA_SIZE
from firmware_host.inprocess import InProcessBoard, Pieces
from firmware_host.wast import Script, ScriptReport, find_scripts
from firmware_host.wast.batch import run_scripts
from firmware_host.wast.cache import converted
from firmware_host.wast.report import by_group
from firmware_host.wast.runner import RunnableBoard

FOLDER = Path(__file__).with_name("conformance")
#: The VM in this process: has the figures of `host`, without its firmware and link. "in-process:7" feeds modules to the
#: loader in pieces of 7 bytes, "in-process:-1" in random ones.
IN_PROCESS = "in-process"
#: Boards that the suites are run on.
BOARDS = ("host", "qemu:mps3-an524", "qemu:virt", "qemu:stm32f4", "qemu:microbit")
#: Folders of the suites, without those in them, that wirq is to pass but for what has text form only.
GROUPS = (
    *("core-1.0", "core-2.0", "core-3.0/base", "core-3.0/base/bulk-memory", "core-3.0/exceptions/exceptions"),
    *("core-3.0/extended-const", "core-3.0/function-references", "core-3.0/multi-memory/multi-memory"),
    *("core-3.0/tail-call", "custom-page-sizes", "custom-page-sizes/testsuite"),
)
DOES_NOT_FIT = "does not fit"


def scripts_of(suites: Path, group: str) -> list[Script]:
    return find_scripts(sorted((suites / group).glob("*.wast")))


def connect(selector: str) -> AbstractContextManager[RunnableBoard]:
    if selector.startswith(IN_PROCESS):
        return InProcessBoard(ARENA_SIZE, Pieces(int(selector.partition(":")[2] or 0)))
    return Board.connect(selector, 20.0, arena_size=ARENA_SIZE if selector == "host" else None)


def board_of(selector: str) -> str:
    """The board's name, under which its figures are kept."""
    return "host" if selector.startswith(IN_PROCESS) else selector.rpartition(":")[2]


# ---- figures


@dataclass
class Figures:
    """Commands of each group by how they ended; and the files that a board has no room for, with how many of their
    commands it ran, how many it could not, and why."""

    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    too_large: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        rows = [f"  {json.dumps(unit)}: {json.dumps(list(row))}" for unit, row in sorted(self.too_large.items())]
        groups = [f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in self.groups.items()]
        text = "{\n" + f'"groups": {{\n{_lines(groups)}}},\n"too large": {{\n{_lines(rows)}}}\n' + "}\n"
        path.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Figures:
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(data["groups"], {unit: (row[0], row[1], row[2]) for unit, row in data["too large"].items()})


def _lines(rows: Sequence[str]) -> str:
    return "".join(f"{row}{',' if i + 1 < len(rows) else ''}\n" for i, row in enumerate(rows))


def figures_of(reports: Iterable[ScriptReport]) -> Figures:
    figures = Figures()
    for group, members in by_group(reports).items():
        counts: Counter[str] = Counter()
        for report in members:
            counts += Counter({"passed": report.passed, DOES_NOT_FIT: len(report.too_large)}) + report.skipped
            if report.too_large:
                figures.too_large[report.unit] = (report.passed, len(report.too_large), reason(report))
        figures.groups[group] = dict(sorted(counts.items(), key=lambda one: (one[0] != "passed", one[0])))
    return figures


def reason(report: ScriptReport) -> str:
    """Why the first command of a script that did not fit did not."""
    message = report.too_large[0].message.removeprefix("app.wasm does not fit: ")
    return message.partition("; ")[0].partition(": trap")[0]


def kept_path(selector: str) -> Path:
    return FOLDER / f"{board_of(selector)}.json"


def kept(selector: str) -> Figures:
    return Figures.read(kept_path(selector))


def differences(kept: Figures, found: Figures) -> list[str]:
    """What of the kept figures is no longer so, of the groups that were run."""
    out = []
    for group, counts in found.groups.items():
        if kept.groups.get(group) != counts:
            out.append(f"{group}: kept {kept.groups.get(group)}, found {counts}")
    units = {unit for unit in (*kept.too_large, *found.too_large) if unit.rpartition("/")[0] in found.groups}
    for unit in sorted(units):
        if kept.too_large.get(unit) != found.too_large.get(unit):
            out.append(f"{unit}: kept {kept.too_large.get(unit)}, found {found.too_large.get(unit)}")
    return out


# ---- running


def _reports(selector: str, part: Sequence[Script]) -> Iterator[ScriptReport]:
    for report in run_scripts(lambda: connect(selector), part):
        report.lost = None  # its commands tell; the exception is of no use in another process
        yield report


def _run_part(selector: str, part: Sequence[Script]) -> list[ScriptReport]:
    return list(_reports(selector, part))


def run(
    selector: str, scripts: Sequence[Script], jobs: int = 1, tell: Callable[[int], None] = lambda done: None
) -> list[ScriptReport]:
    """Reports in the order of the scripts, from as many boards as there are jobs. `tell` is told how many are done."""
    reports: dict[str, ScriptReport] = {}
    if jobs == 1:
        for report in _reports(selector, scripts):
            reports[report.unit] = report
            tell(len(reports))
        return list(reports.values())
    # Large ones first, each part to whoever is free; a board is started for every part.
    size = {script.unit: len(converted(script.file.read_bytes())) for script in scripts}
    most = max(1, sum(size.values()) // (8 * jobs))
    parts: list[list[Script]] = [[]]
    for script in sorted(scripts, key=lambda script: -size[script.unit]):
        if parts[-1] and sum(size[one.unit] for one in parts[-1]) + size[script.unit] > most:
            parts.append([])
        parts[-1].append(script)
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(_run_part, selector, part) for part in parts]):
            reports.update((report.unit, report) for report in future.result())
            tell(len(reports))
    return [reports[script.unit] for script in scripts]
