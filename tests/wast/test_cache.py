"""Converted scripts are kept: found again, made anew when they do not fit, and never more than data."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from firmware_host.wast import cache
from firmware_host.wast.convert import convert

SCRIPT = b'(module binary "\\00asm" "\\01\\00\\00\\00")\n(assert_return (invoke "f" (i32.const 1)) (f32.const 0x1p-3))'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WIRQ_CACHE", str(tmp_path))
    return tmp_path / "wast"


def test_what_was_converted_once_is_not_converted_again(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    first = cache.converted(SCRIPT)
    assert first == convert(SCRIPT)
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(cache, "convert", lambda source: pytest.fail("converted again"))
    assert cache.converted(SCRIPT) == first


def test_another_script_is_another_file(folder: Path) -> None:
    cache.converted(SCRIPT)
    assert cache.converted(SCRIPT + b"\n(module)") != cache.converted(SCRIPT)
    assert len(list(folder.iterdir())) == 2


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("made-by-a-cached-file",)


DAMAGE = [b"", b"nonsense", pickle.dumps(_Hostile()), pickle.dumps([1, 2]), pickle.dumps("a")]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_no_converted_script_is_made_again(
    damage: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    cache.converted(SCRIPT)
    [file] = folder.iterdir()
    file.write_bytes(damage)
    assert cache.converted(SCRIPT) == convert(SCRIPT)
    assert not Path("made-by-a-cached-file").exists()
    assert file.read_bytes() != damage


def test_a_folder_that_cannot_be_written_is_no_failure(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    assert cache.converted(SCRIPT) == convert(SCRIPT)
