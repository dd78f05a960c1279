"""`wirq info`: what a board is and what its build has."""

from __future__ import annotations

import json

import pytest

from firmware_host import Board, status
from firmware_host.cli.main import run


def test_info_lists_the_features_of_the_build_and_those_it_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    with Board.connect("host", 10.0) as board:
        expected = board.info
    assert run(["-b", "host", "info", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    every = {feature.text for feature in status.features().values()}
    assert set(result["info"]["features"]) == expected.features
    assert set(result["absent_features"]) == every - expected.features
    assert (result["board"], result["info"]["build_id"]) == ("host", expected.build_id)
    assert result["memory"]["arena_used"] <= result["memory"]["arena_size"] == result["info"]["arena_size"]


def test_info_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-b", "host", "info"]) == 0
    rows = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert rows["board"].strip() == "host (host)"
    assert "multi-value" in rows["features"]
    assert "simd" in rows["refused by name"]
    assert "simd" not in rows["features"]
