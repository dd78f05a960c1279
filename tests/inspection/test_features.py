"""What `wirq inspect` says that a module needs is what a board's loader asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import status
from firmware_host.build import features as options
from firmware_host.errors import BadModule, BoardError
from firmware_host.inprocess import InProcessBoard
from firmware_host.wasm import Module
from firmware_host.wasm.features import needed
from firmware_host.wast.assemble import assemble
from firmware_host.wast.commands import ModuleCommand
from firmware_host.wast.convert import convert

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "wast" / "scripts").glob("*.wast"))

#: Modules that no script of ours has, for no board has the feature.
ABSENT = {
    "simd": "(module (func (drop (v128.const i32x4 0 0 0 0))))",
    "threads": "(module (memory 1 1 shared))",
    "memory64": "(module (memory i64 1))",
}

#: What every build has.
ALWAYS = {"mutable-globals", "sign-extension", "multi-value"}


@pytest.fixture(scope="module")
def bare() -> Iterator[InProcessBoard]:
    """A VM with every feature option off: it refuses the first thing that needs one, by name."""
    define = options.defines(dict.fromkeys(options.feature_options(), False))
    with InProcessBoard(16 << 20, define=define) as board:
        yield board


def refused_for(board: InProcessBoard, module: bytes) -> str | None:
    """The feature for which a module is refused; None if it is loaded, or fails for another reason."""
    board.put(module, replace=True)
    try:
        board.instantiate()
    except BadModule as error:
        if error.code == status.code("ABSENT_FEATURE"):
            return status.feature(error.detail).text
    except BoardError:
        pass
    return None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_module_is_refused_for_a_feature_if_and_only_if_it_needs_one(bare: InProcessBoard, script: Path) -> None:
    seen = 0
    for command in convert(script.read_bytes()):
        if isinstance(command, ModuleCommand) and command.module.binary is not None:
            found = needed(Module.parse(command.module.binary)) - ALWAYS
            refused = refused_for(bare, command.module.binary)
            assert refused in found if found else refused is None, f"line {command.line}: {sorted(found)}"
            seen += 1
    assert seen


@pytest.mark.parametrize("feature", ABSENT)
def test_what_no_board_has_is_named(bare: InProcessBoard, feature: str) -> None:
    binary = assemble(ABSENT[feature].encode())
    assert needed(Module.parse(binary)) == {feature}
    assert refused_for(bare, binary) == feature


def test_a_plain_module_needs_nothing() -> None:
    assert not needed(Module.parse(assemble(b'(module (memory 1) (func (export "f") (result i32) (i32.const 1)))')))
