"""Works out where a script has no more use for instances made before, so that the board can have their memory back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from firmware_host.errors import BadModule
from firmware_host.wasm import Module
from firmware_host.wast import commands as c
from firmware_host.wast import spectest


def imports_of(binary: bytes | None) -> frozenset[tuple[str, str]]:
    """(module, name) of what a module imports; nothing if it cannot be read, for then no board takes it either."""
    if binary is None:
        return frozenset()
    try:
        return frozenset((one.module, one.name) for one in Module.parse(binary).imports)
    except BadModule:
        return frozenset()


def flatten(commands: Sequence[c.Command]) -> Iterator[tuple[int, c.Command]]:
    """All commands, those of threads included, each with the index of the outermost one."""
    for index, command in enumerate(commands):
        yield index, command
        if isinstance(command, c.ThreadCommand):
            for _, inner in flatten(command.commands):
                yield index, inner


def _module_of(command: c.Command) -> c.ModuleSource | None:
    return command.module if isinstance(command, c.ModuleCommand | c.AssertModule) else None


def stateful_imports(commands: Sequence[c.Command]) -> frozenset[str]:
    """Tables and memories of spectest that any module of the script imports."""
    wanted: set[str] = set()
    for _, command in flatten(commands):
        source = _module_of(command)
        if source is not None:
            wanted |= {name for module, name in imports_of(source.binary) if module == spectest.NAME}
    return frozenset(wanted & spectest.STATEFUL)


def fresh_starts(commands: Sequence[c.Command]) -> Collection[int]:
    """Indices of commands before which everything on the board may be dropped.

    Such a command makes an instance, and neither it nor any later one refers to what was made before: by name, by
    import, as the current instance, or through a table or memory of spectest.
    """
    keep: list[tuple[int, int]] = []  # made at, used at: no fresh start in between
    named: dict[str, int] = {}
    registered: dict[str, int] = {}
    current = 0
    first_state: int | None = None
    candidates: list[int] = []

    for index, command in flatten(commands):
        source = _module_of(command)
        imports = imports_of(source.binary) if source else frozenset()
        for module, name in imports:
            if module in registered:
                keep.append((registered[module], index))
            if module == spectest.NAME and name in spectest.STATEFUL:
                first_state = index if first_state is None else first_state
                keep.append((first_state, index))
        match command:
            case c.ModuleCommand(definition=False) | c.InstanceCommand():
                current = index
                candidates.append(index)
                name = command.instance if isinstance(command, c.InstanceCommand) else command.module.name
                if isinstance(command, c.InstanceCommand):  # what it imports is not looked up
                    keep.append((0, index))
                if name:
                    named[name] = index
            case c.RegisterCommand():
                made = named.get(command.name, current) if command.name else current
                keep.append((made, index))
                registered[command.as_] = made
            case c.ActionCommand() | c.AssertReturn() | c.AssertFailure():
                module = command.action.module
                keep.append((named.get(module, current) if module else current, index))
            case _:
                pass
    return frozenset(index for index in candidates if not any(made < index <= used for made, used in keep))
