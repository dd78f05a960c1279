"""The counts that were last accepted, benchmarks/accepted.json: what keeps the VM from becoming slower unnoticed.

Counts depend on the compilers, so the file names them; with others there is nothing to compare.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from firmware_host import resources
from firmware_host.bench.whole import Whole
from firmware_host.build import toolchains

#: A figure may grow by this part of itself.
TOLERANCE = 0.01

#: Figures of the main target and of single mechanisms that are kept beside the counts of the kernels. Flash and handler
#: table have limits of their own, which tests of sizes check.
_FIGURES = (
    "expansion",
    "load_per_wasm_byte",
    "call_and_return",
    "import_call",
    "export_call",
    "small_module_ram_bytes",
    "large_module_ram_bytes",
    "large_module_flash_ram_bytes",
)

#: What is kept of every kernel on every target.
_COUNTS = ("second_call_instructions", "load_instructions")


def path() -> Path:
    return resources.path("benchmarks", "accepted.json")


def compilers(whole: Whole) -> dict[str, str]:
    """Who compiled the firmware and native code of each target, and the kernels."""
    made = {name: report.toolchain for name, report in whole.targets.items()}
    return {**made, "kernels": toolchains.find("host", "zig").identity()}


def figures(whole: Whole) -> dict[str, float]:
    """Everything that is compared, by name; smaller is better."""
    everything: dict[str, Any] = whole.as_json()
    found = {name: everything[name] for name in _FIGURES}
    for target, report in whole.targets.items():
        for row in report.kernels:
            found |= {f"{target}, {row.kernel}, {count}": getattr(row, count) for count in _COUNTS}
    return found


def write(whole: Whole) -> None:
    """Accepts the figures as they are."""
    text = json.dumps({"compilers": compilers(whole), "figures": figures(whole)}, indent=1)
    path().write_text(text + "\n", encoding="utf-8")


def read() -> dict[str, Any]:
    accepted: dict[str, Any] = json.loads(path().read_text(encoding="utf-8"))
    return accepted


def grown(now: dict[str, float], before: dict[str, float]) -> list[str]:
    """One line for every figure that grew by more than the tolerance, or is new or gone."""
    lines = []
    for name in sorted(before.keys() | now.keys()):
        if name not in now or name not in before:
            lines.append(f"{name}: " + ("is measured no more" if name in before else "is not in the file yet"))
        elif now[name] > before[name] * (1 + TOLERANCE):
            lines.append(f"{name}: {before[name]:,.6g} accepted, now {now[name]:,.6g}")
    return lines
