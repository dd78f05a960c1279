"""The commands of a script, converted: every module in its binary form, every value as bits."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_host.wast.values import Value


@dataclass(frozen=True)
class ModuleSource:
    """A module of a script. `binary` is None where the script has it as text that no binary form can stand for."""

    binary: bytes | None
    name: str = ""  # such as "$m"


@dataclass(frozen=True)
class Invoke:
    """Calls an export. `module` is empty for the current instance."""

    module: str
    field: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True)
class Get:
    """Reads an exported global."""

    module: str
    field: str


Action = Invoke | Get


@dataclass(frozen=True)
class Command:
    """One command: the line where it begins, and its keyword in the script."""

    line: int
    keyword: str


@dataclass(frozen=True)
class ModuleCommand(Command):
    """Instantiates a module and makes it current; a definition is only kept, for InstanceCommand."""

    module: ModuleSource
    definition: bool = False


@dataclass(frozen=True)
class InstanceCommand(Command):
    """Instantiates a module that was defined earlier."""

    instance: str
    module: str


@dataclass(frozen=True)
class RegisterCommand(Command):
    """Lets later modules import from an instance, the current one if `name` is empty."""

    as_: str
    name: str


@dataclass(frozen=True)
class ActionCommand(Command):
    """Does something whose result does not matter, as long as it does not trap."""

    action: Action


@dataclass(frozen=True)
class AssertReturn(Command):
    """An action that returns these results."""

    action: Action
    expected: tuple[Value, ...]


@dataclass(frozen=True)
class AssertFailure(Command):
    """An action that fails: by a trap (assert_trap), the stack's end, an exception or a suspension nobody takes."""

    action: Action
    text: str


@dataclass(frozen=True)
class AssertModule(Command):
    """A module that does not come to life: malformed, invalid, unlinkable, or uninstantiable by a trap."""

    module: ModuleSource
    text: str


@dataclass(frozen=True)
class ThreadCommand(Command):
    """Commands that run on a thread of their own."""

    name: str
    shared_module: str
    commands: tuple[Command, ...]


@dataclass(frozen=True)
class WaitCommand(Command):
    """Waits for a thread to end."""

    thread: str


@dataclass(frozen=True)
class Unconvertible(Command):
    """A command that the converter does not understand: always a failure."""

    problem: str
