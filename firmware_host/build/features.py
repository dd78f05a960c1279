"""The VM's build options (WIRQ_WITH_… in vm/src/config.h), and what each of them costs a board's flash."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from firmware_host import resources, status
from firmware_host.build import sizes
from firmware_host.build.image import DEFAULT_JOBS, Options, build
from firmware_host.errors import BuildError

_PREFIX = "WIRQ_WITH_"
_OPTION = re.compile(rf"#define {_PREFIX}(\w+) ([01])\n")
_NEEDS = re.compile(rf"#if {_PREFIX}(\w+) && !{_PREFIX}(\w+)\n#error")


@dataclass(frozen=True)
class FeatureOption:
    """One build option: `name` as in enum wirq_feature, whether it is on if nobody says otherwise, and the options
    without which it cannot be on."""

    name: str
    on: bool
    needs: frozenset[str]

    @property
    def text(self) -> str:
        """The feature's name in messages, such as "tail-call"."""
        return next((f.text for f in status.features().values() if f.name == self.name), self.name.lower())


@dataclass(frozen=True)
class FeatureCost:
    """Bytes of VM flash that an option adds to a build with all others but `without`, which need it."""

    option: FeatureOption
    flash: int
    without: tuple[str, ...]


def parse_options(config: str) -> dict[str, FeatureOption]:
    """The options in the text of config.h, by name, in its order."""
    needs: dict[str, set[str]] = {}
    for option, needed in _NEEDS.findall(config):
        needs.setdefault(option, set()).add(needed)
    return {
        name: FeatureOption(name, value == "1", frozenset(needs.get(name, ())))
        for name, value in _OPTION.findall(config)
    }


def feature_options() -> dict[str, FeatureOption]:
    """The options of this VM."""
    options = parse_options(resources.path("vm", "src", "config.h").read_text(encoding="utf-8"))
    if not options:
        raise BuildError(f"vm/src/config.h has no build option {_PREFIX}…")
    return options


def defines(on: Mapping[str, bool]) -> dict[str, str]:
    """What the compiler must be told for these options."""
    return {_PREFIX + name: str(int(value)) for name, value in on.items()}


def dependents(options: Mapping[str, FeatureOption], name: str) -> tuple[str, ...]:
    """Options that cannot be on without this one, in order."""
    found: set[str] = set()
    pending = [name]
    while pending:
        needed = pending.pop()
        more = {option.name for option in options.values() if needed in option.needs} - found
        found |= more
        pending += more
    return tuple(option for option in options if option in found)


def costs(
    board: str,
    toolchain: str | None = None,
    *,
    jobs: int = DEFAULT_JOBS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[FeatureCost]:
    """Builds the board's firmware with each option off, all others being on, and compares the VM's flash."""
    options = feature_options()
    built: dict[tuple[str, ...], int] = {}

    def flash(off: tuple[str, ...]) -> int:
        if off not in built:
            define = defines({name: name not in off for name in options})
            built[off] = sizes.vm_size(build(Options(board, toolchain, define=define), jobs)).flash
        return built[off]

    for done, option in enumerate(options.values()):
        progress(done, len(options))
        without = dependents(options, option.name)
        yield FeatureCost(option, flash(without) - flash((*without, option.name)), without)
    progress(len(options), len(options))
