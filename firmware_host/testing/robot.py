"""Runs Robot suites on one target: what it offers decides which tests run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from firmware_host import resources
from firmware_host.errors import ToolMissing, WirqError
from firmware_host.testing.expression import matches
from firmware_host.testing.outcome import Outcome
from firmware_host.testing.targets import Target

SUFFIX = ".robot"


def check_installed() -> None:
    """Raises ToolMissing if Robot Framework is not."""
    try:
        import robot  # noqa: F401
    except ImportError as error:
        raise ToolMissing("Robot Framework is not installed", hint="pip install 'wirq[robot]'") from error


def tests(paths: Sequence[Path]) -> Iterator[tuple[str, frozenset[str]]]:
    """Full names and tags of the tests in files and directories."""
    from robot.api import TestSuite

    suites = [TestSuite.from_file_system(*paths)]
    while suites:
        suite = suites.pop(0)
        suites += suite.suites
        for test in suite.tests:
            yield test.full_name if hasattr(test, "full_name") else test.longname, frozenset(map(str, test.tags))


def left_out(target: Target, paths: Sequence[Path]) -> dict[str, int]:
    """How many tests do not run on a target, by the first tag that it does not offer."""
    result: dict[str, int] = {}
    for _, tags in tests(paths):
        for tag in target.excluded:
            if tag in tags:
                result[tag] = result.get(tag, 0) + 1
                break
    return result


def command(target: Target, output: Path, paths: Sequence[Path], selected: Sequence[str] = ()) -> list[str]:
    """The command that runs the suites on a target and leaves output.xml in `output`; `selected` are full names."""
    native = target.engine == "renode-test"
    keywords = "renode.resource" if native else "board.resource"
    variables: dict[str, Any] = {
        "TARGET": target.name,
        "BOARD": target.board,
        "SELECTOR": target.selector,
        "TIMEOUT_FACTOR": target.timeout_factor,
        "KEYWORDS": resources.path("robot_tests", "keywords", keywords),
    }
    if native:
        variables |= _native_variables(target.board)
        result = ["renode-test", "-r", str(output)]
    else:
        result = [sys.executable, "-m", "robot", "--outputdir", str(output), "--log", "NONE", "--report", "NONE"]
        result += ["--name", target.name, "--settag", f"target:{target.name}", "--consolecolors", "off"]
        result += ["--console", "dotted"]
    result += [part for name, value in variables.items() for part in ("--variable", f"{name}:{value}")]
    result += [part for tag in target.excluded for part in ("--exclude", tag)]
    for name in selected:  # the outermost suite has the target's name
        inner = name.partition(".")[2] if len(paths) > 1 or paths[0].is_dir() else name
        result += ["--test", f"*{_literally(inner)}"]
    return [*result, *(str(path) for path in paths)]


def _literally(name: str) -> str:
    """A pattern of Robot's that matches only this."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _native_variables(board: str) -> dict[str, Any]:
    from firmware_host.boards import load_board
    from firmware_host.build import firmware

    renode = load_board(board).renode()
    assert renode is not None, f"{board} has no [target.renode]"
    elf, storm = firmware(board), with_program(board, "timed_storm")
    return {"ELF": elf, "STORM_ELF": storm, "SCRIPT": renode.script, "UART": renode.uart}


def with_program(board: str, program: str) -> Path:
    """A board's firmware that runs a program of robot_tests/ at boot: by Renode's own keywords none is loaded."""
    from firmware_host.build.image import FrozenModule, Options, build
    from firmware_host.files import contents

    source = resources.path("robot_tests", "programs", f"{program}.c")
    return build(Options(board, frozen=(FrozenModule.of(*contents(source)),))).elf


def run(target: Target, paths: Sequence[Path], output: Path, expression: str = "") -> Outcome | None:
    """Runs the suites on one target; its files go into `output`. None if nothing of them is to run here."""
    outcome = Outcome(target.name, "robot")
    excluded = frozenset(target.excluded)
    there = [name for name, tags in tests(paths) if not tags & excluded]
    selected = [name for name in there if matches(expression, name)] if expression else []
    if not there or (expression and not selected):
        return None
    outcome.left_out = {} if expression else left_out(target, paths)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        arguments = command(target, output, paths, selected)
    except WirqError as error:  # a firmware that cannot be built: of this target, the others run
        outcome.error = str(error)
        return outcome
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONUTF8": "1"})
    (output / "console.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    result = next(iter(sorted(output.rglob("*output.xml"))), None)
    if result is None:
        outcome.error = f"Robot left no result: {(done.stderr + done.stdout).strip()[-500:]}"
        return outcome
    for total in ElementTree.parse(result).findall("./statistics/total/stat"):
        outcome.passed, outcome.failed = int(total.get("pass", 0)), int(total.get("fail", 0))
    outcome.failures = list(_failures(result))
    outcome.report = output / "junit.xml"
    rebot(["--xunit", outcome.report.name, "--output", "NONE", "--log", "NONE", "--report", "NONE"], [result], output)
    return outcome


def rebot(options: Sequence[str], results: Sequence[Path], output: Path) -> None:
    """Makes reports of results."""
    command_ = [sys.executable, "-m", "robot.rebot", "--outputdir", str(output), *options, *map(str, results)]
    subprocess.run(command_, capture_output=True, check=False)


def _failures(result: Path) -> Iterator[str]:
    for test in ElementTree.parse(result).iter("test"):
        status = test.find("status")
        if status is not None and status.get("status") == "FAIL":
            yield f"{test.get('name')}: {(status.text or '').strip()}"
