"""The VM's feature options: what config.h says of them, what they cost, and that all of them fit their flash."""

from __future__ import annotations

import json

import pytest

from firmware_host import status
from firmware_host.build import features, sizes, toolchains
from firmware_host.build.image import Options, build
from firmware_host.cli.main import run
from firmware_host.errors import ToolMissing

#: Bytes of flash that the VM may take of a Cortex-M4 with everything on.
BUDGET = 48 * 1024

#: Bytes of flash from which on a feature is off unless a board has room for it.
MOST_OF_ONE = 2048

CONFIG = """
#define WIRQ_WITH_A 1
#endif
#ifndef WIRQ_WITH_B /* for something */
#define WIRQ_WITH_B 1
#endif
#define WIRQ_WITH_C 0
#if WIRQ_WITH_B && !WIRQ_WITH_A
#error "b needs a"
#endif
#if WIRQ_WITH_C && !WIRQ_WITH_B
#error "c needs b"
#endif
"""


def test_options_are_read_with_what_they_need() -> None:
    options = features.parse_options(CONFIG)
    assert {name: (option.on, option.needs) for name, option in options.items()} == {
        "A": (True, frozenset()),
        "B": (True, frozenset("A")),
        "C": (False, frozenset("B")),
    }
    assert [features.dependents(options, name) for name in options] == [("B", "C"), ("C",), ()]
    assert features.defines({"A": True, "B": False}) == {"WIRQ_WITH_A": "1", "WIRQ_WITH_B": "0"}


def test_every_option_is_a_feature_that_refusals_can_name() -> None:
    names = {feature.name for feature in status.features().values()}
    assert set(features.feature_options()) <= names


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_the_vm_with_every_feature_fits_its_flash_on_a_cortex_m4(toolchain: str) -> None:
    """As it is built: none of them is off."""
    try:
        toolchains.find("cortex-m4", toolchain)
    except ToolMissing as missing:
        pytest.skip(f"SKIPPED: flash with {toolchain} was not measured, {missing}")
    assert all(option.on for option in features.feature_options().values())
    assert sizes.vm_size(build(Options("stm32f4", toolchain))).flash <= BUDGET


def test_size_prints_what_each_feature_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = {name: option for name, option in features.feature_options().items() if name == "SATURATING_TRUNCATION"}
    monkeypatch.setattr(features, "feature_options", lambda: only)
    assert run(["size", "--board", "stm32f4", "--features", "--json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [cost] = objects[-1]["features"]
    assert (cost["feature"], cost["on"], cost["without"]) == ("nontrapping-fptoint", True, [])
    assert 0 < cost["flash"] < MOST_OF_ONE
    assert [one["done"] for one in objects if one["type"] == "progress"] == [0, 1]
