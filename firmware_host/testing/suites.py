"""Which suites are meant, and what comes of them on all targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from firmware_host import resources
from firmware_host.errors import BoardError
from firmware_host.testing import python, robot
from firmware_host.testing.outcome import Outcome
from firmware_host.testing.targets import Target

_PYTEST_FILES = ("test_*.py", "*_test.py")


@dataclass(frozen=True)
class Suites:
    """Files and directories with Robot's suites, and those with pytest's tests; a directory may be both."""

    robot: tuple[Path, ...] = ()
    python: tuple[Path, ...] = ()

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Suites:
        """Raises BoardError if there is no test at or below one of them."""
        robots, pythons = [], []
        for path in paths:
            is_robot = any(path.rglob(f"*{robot.SUFFIX}")) if path.is_dir() else path.suffix == robot.SUFFIX
            is_python = (
                any(file for pattern in _PYTEST_FILES for file in path.rglob(pattern))
                if path.is_dir()
                else path.suffix == python.SUFFIX
            )
            if not is_robot and not is_python:
                raise BoardError(
                    f"there is no test in {path}", hint="give .robot files, test_*.py, or their directories"
                )
            robots += [path] if is_robot else []
            pythons += [path] if is_python else []
        suites = cls(tuple(robots), tuple(pythons))
        if suites.robot:
            robot.check_installed()
        if suites.python:
            python.check_installed()
        return suites

    @classmethod
    def own(cls) -> Suites:
        """Those that come with wirq: what every board must do."""
        return cls.of([resources.path("robot_tests", "suites"), resources.path("robot_tests", "api")])

    def run(
        self,
        targets: Sequence[Target],
        output: Path,
        expression: str = "",
        jobs: int = 2,
        done: Callable[[Outcome], None] = lambda outcome: None,
    ) -> list[Outcome]:
        """Runs everything on all targets, `jobs` of them at a time; `done` is called as each ends."""

        def on(target: Target) -> list[Outcome]:
            missing = target.missing_programs
            if missing:
                why = f"{' and '.join(missing)} not on PATH, so NOTHING was tested on it"
                return [Outcome(target.name, "robot and pytest", skipped=why)]
            found = []
            directory = output / target.name.replace("/", "-").replace(":", "-")
            if self.robot:
                found.append(robot.run(target, self.robot, directory / "robot", expression))
            if self.python:
                found.append(python.run(target, self.python, directory, expression))
            return [outcome for outcome in found if outcome is not None]

        outcomes: dict[str, list[Outcome]] = {}
        with ThreadPoolExecutor(jobs) as pool:
            running = {pool.submit(on, target): target for target in targets}
            for future in as_completed(running):
                outcomes[running[future].name] = future.result()
                for outcome in future.result():
                    done(outcome)
        return [outcome for target in targets for outcome in outcomes[target.name]]


def robot_log(outcomes: Sequence[Outcome], output: Path) -> Path | None:
    """Joins Robot's results of all targets into one log, and returns it."""
    results = [
        result
        for outcome in outcomes
        if outcome.engine == "robot" and outcome.report is not None
        for result in sorted(outcome.report.parent.rglob("*output.xml"))
    ]
    if not results:
        return None
    robot.rebot(["--name", "wirq", "--output", "all.xml"], results, output)
    return output / "log.html"
