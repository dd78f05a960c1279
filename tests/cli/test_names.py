"""Names are chosen once: commands, their flags, exit codes, public Python names. Each has a golden list (R9)."""

from __future__ import annotations

import ast
import inspect
import re
import resource
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import firmware_host
from firmware_host import errors
from firmware_host.cli.main import COMMANDS, cli, run

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def lines_of(command: click.Command, path: str) -> list[str]:
    lines = []
    arguments = [p.human_readable_name for p in command.params if isinstance(p, click.Argument)]
    options = [" ".join((*p.opts, *p.secondary_opts)) for p in command.params if isinstance(p, click.Option)]
    own = [o for o in options if o not in GLOBAL]
    lines.append(" ".join([path, *arguments, *(f"[{o}]" for o in own)]))
    if isinstance(command, click.Group) and path != "wirq":
        for name, below in command.commands.items():
            lines += lines_of(below, f"{path} {name}")
    return lines


GLOBAL = ["-b --board", "--json", "-v --verbose", "-q --quiet", "--timeout", "--no-reset"]


def test_commands_and_flags_are_those_of_the_golden_list() -> None:
    context = click.Context(cli)
    lines = ["wirq " + " ".join(f"[{o}]" for o in GLOBAL)]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        lines += lines_of(command, f"wirq {name}")
    golden = (HERE / "commands.txt").read_text().splitlines()
    assert lines == golden


def test_every_command_takes_the_global_options() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        flags = {flag for p in command.params for flag in p.opts}
        assert {"--board", "--json", "--timeout", "--quiet"} <= flags, name


def commands_below(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands_below(below, f"{path} {name}")


ALL = dict(commands_below(cli, "wirq"))


@pytest.mark.parametrize("path", ALL)
def test_every_help_has_an_example_of_the_command(path: str) -> None:
    command = ALL[path]
    text = inspect.cleandoc(f"{command.help}\n\n{command.epilog or ''}")
    assert "Example" in text, text
    examples = [line.strip() for line in text.partition("Example")[2].splitlines()[1:]]
    options = r"(-b \S+ |--board \S+ )?"
    assert any(re.match(f"wirq {options}{path.removeprefix('wirq').strip()}", line) for line in examples), text


def test_every_error_has_an_exit_code_of_the_table() -> None:
    codes = {code for code, _ in errors.EXIT_CODES}
    assert [code for code, _ in errors.EXIT_CODES] == sorted(codes)
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.WirqError)]
    assert len(classes) > 15
    for one in classes:
        assert one.exit_code in codes
        assert one("message", hint="do this").hint == "do this"


def test_exit_codes_are_those_of_the_golden_list() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.WirqError)]
    lines = [f"{c.__name__} {c.exit_code}" for c in sorted(classes, key=lambda c: (c.exit_code, c.__name__))]
    assert lines == (HERE / "exit_codes.txt").read_text().splitlines()


def test_public_names_are_those_of_the_golden_list_and_can_be_imported() -> None:
    assert sorted(firmware_host.__all__) == (HERE / "public_names.txt").read_text().split()
    for name in firmware_host.__all__:
        assert getattr(firmware_host, name) is not None
    with pytest.raises(AttributeError):
        _ = firmware_host.nothing_of_that_name


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    command = [sys.executable, "-m", "firmware_host.cli.main", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"wirq {project['version']}\n"


def test_no_command_is_the_help_and_an_unknown_one_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert capsys.readouterr().err.startswith("Usage: wirq")
    assert run(["flahs"]) == 2
    assert "No such command 'flahs'" in capsys.readouterr().err
    assert run(["--json"]) == 2
    assert '"code": 2' in capsys.readouterr().out


def test_help_takes_less_than_150_ms_of_the_processor() -> None:
    """Its own time, not that on the wall, which depends on what else this computer does."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "firmware_host.cli.main", "--help"]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.150


def test_help_starts_quickly_for_it_imports_little() -> None:
    """Counted, for this does not depend on the machine at all."""

    def modules(what: str) -> int:
        script = f"import sys, click; {what}; print(len(sys.modules), file=sys.stderr)"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        return int(done.stderr)

    assert modules("from firmware_host.cli.main import run; run(['--help'])") < modules("pass") + 40


def test_help_imports_no_command_and_nothing_heavy() -> None:
    script = (
        "import sys; from firmware_host.cli.main import run; run(['--help']); "
        "print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "('rich', 'prompt_toolkit', 'construct', 'serial', 'elftools') or m == 'firmware_host.board'), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Commands:" in done.stdout


def test_the_library_neither_prints_nor_exits() -> None:
    """All but the command line, and the commands that are started as modules: callers own the terminal (R8)."""
    package = Path(firmware_host.__file__).parent
    commands = {package / "cli", package / "bench"}
    found = []
    for file in package.rglob("*.py"):
        if commands & set(file.parents):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("print", "exit", "quit", "sys.exit", "os._exit", "SystemExit") or called.startswith(
                    ("sys.stdout.", "sys.stderr.")
                ):
                    found.append(f"{file.relative_to(package)}:{node.lineno}: {called}")
    assert found == []
