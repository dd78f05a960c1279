"""The command `wirq wast`: what it prints, its JSON, its exit codes, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_host.cli.main import run
from firmware_host.wast import cache

GOOD = '(module (func (export "f") (result i32) (i32.const 1)))\n(assert_return (invoke "f") (i32.const 1))\n'
BAD = GOOD + '(assert_return (invoke "f") (i32.const 2))\n'


def _wast(*arguments: object) -> int:
    return run(["-b", "host", "wast", *map(str, arguments)])


def _result(text: str) -> dict[str, Any]:
    objects = [json.loads(line) for line in text.splitlines()]
    assert [one["type"] for one in objects].count("result") == 1
    result: dict[str, Any] = objects[-1]
    return result


def test_a_script_that_passes_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "good.wast"
    script.write_text(GOOD)
    assert _wast(script) == 0
    assert capsys.readouterr().out == "good  2 passed\n1 script: 2 passed; 0 failed\n"


def test_a_failure_is_shown_with_its_line_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "bad.wast"
    script.write_text(BAD)
    assert _wast(script) == 1
    shown = capsys.readouterr().out
    assert "bad  2 passed, 1 failed\n  line 3: assert_return: expected i32:0x2, got cells 00000001\n" in shown


def test_skips_are_shown_with_their_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "skips.wast"
    script.write_text(
        '(assert_malformed (module quote "(func") "")\n(module (func (drop (v128.const i32x4 0 0 0 0))))\n'
    )
    assert _wast(script) == 0
    assert "0 passed, 2 skipped: 1 needs simd, 1 text only" in capsys.readouterr().out


def test_folders_are_searched_and_files_named_within_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("b/two", "a/one"):
        file = tmp_path / f"{name}.wast"
        file.parent.mkdir(exist_ok=True)
        file.write_text(GOOD)
    assert _wast(tmp_path, tmp_path / "b") == 0
    assert capsys.readouterr().out == (
        "a/one  2 passed\nb/two  2 passed\n\na      2 passed\nb      2 passed\n2 scripts: 4 passed; 0 failed\n"
    )


def test_a_list_of_superseded_commands_above_the_script_is_heeded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = tmp_path / "group"
    group.mkdir()
    (group / "old.wast").write_text(BAD)
    (tmp_path / "superseded.json").write_text('{"group/old": {"why": "", "commands": [{"line": 3}]}}')
    assert _wast(group / "old.wast") == 0
    assert "group/old  3 passed (1 by a newer rule)" in capsys.readouterr().out


def test_json_has_every_file_and_every_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.wast").write_text(text)
    assert _wast("--json", tmp_path) == 1
    result = _result(capsys.readouterr().out)
    assert (result["ok"], result["passed"], result["failed"], result["skipped"]) == (False, 4, 1, {})
    assert [one["file"] for one in result["files"]] == ["bad", "good"]
    assert result["groups"] == {"": {"passed": 4, "superseded": 0, "failed": 1, "does_not_fit": 0, "skipped": {}}}
    assert result["files"][0]["failures"] == [
        {"line": 3, "command": "assert_return", "message": "expected i32:0x2, got cells 00000001"}
    ]


def test_a_path_without_scripts_is_an_error_and_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _wast(tmp_path) == 2
    assert "there is no .wast file in" in capsys.readouterr().err
    assert _wast(tmp_path / "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_missing_assembler_is_named_with_the_way_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "text.wast"
    script.write_text(GOOD)
    monkeypatch.setattr(cache, "_folder", lambda: tmp_path / "empty")
    monkeypatch.setitem(__import__("sys").modules, "wasmtime", None)
    assert _wast(script) == 8
    assert "pip install" in capsys.readouterr().err
