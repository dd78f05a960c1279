"""Commands for files: what is sent, what is not, and that a dry run changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.sim.host import STORE_VARIABLE
from tests.cli.conftest import Wirq


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    monkeypatch.setenv("WIRQ_BOARD", "host")


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    directory = tmp_path / "modules"
    (directory / "below").mkdir(parents=True)
    (directory / "a.txt").write_text("first")
    (directory / "below" / "b.txt").write_text("second")
    (directory / ".hidden").write_text("no")
    return directory


def listed(wirq: Wirq) -> dict[str, int]:
    return {one["name"]: one["size"] for one in wirq("ls", "--json").last["files"]}


def test_put_takes_a_directory_with_r_only(wirq: Wirq, modules: Path) -> None:
    ran = wirq("put", modules)
    assert ran.code == 2
    assert "is a directory: -r takes what is in it" in ran.err
    assert wirq("put", "-r", modules).code == 0
    assert listed(wirq) == {"a.txt": 5, "b.txt": 6}


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(wirq: Wirq, modules: Path) -> None:
    assert wirq("put", modules / "a.txt").code == 0
    ran = wirq("put", "-r", modules, "--dry-run")
    assert ran.out == "a.txt  5 B  is on the board already\nb.txt  6 B  would be sent\nnothing was sent\n"
    assert listed(wirq) == {"a.txt": 5}
    forced = wirq("put", modules / "a.txt", "--force", "--dry-run", "--json").last
    assert forced["files"] == [{"name": "a.txt", "size": 5, "send": True}]


def test_a_second_host_board_says_why_its_files_do_not_last(wirq: Wirq, modules: Path, tmp_path: Path) -> None:
    with Board.connect("host"):
        ran = wirq("put", modules / "a.txt")
        assert ran.code == 0
        assert f"another host board has {tmp_path / 'store'} open" in ran.err
    assert listed(wirq) == {}
    assert wirq("put", modules / "a.txt").err == ""


def test_put_says_what_it_replaced(wirq: Wirq, modules: Path) -> None:
    wirq("put", modules / "a.txt")
    (modules / "a.txt").write_text("longer than before")
    ran = wirq("put", modules / "a.txt")
    assert ran.out.splitlines()[0].startswith("a.txt  18 B  ")
    assert ran.out.splitlines()[0].endswith("0 frames resent")
    assert ran.out.splitlines()[1].startswith("on board: sha256 ")
    assert ran.out.splitlines()[1].endswith("  checked, was 5 B")


def test_rm_of_what_is_not_there(wirq: Wirq, modules: Path) -> None:
    wirq("put", modules / "a.txt")
    assert wirq("rm", "gone.txt").code == 6
    ran = wirq("rm", "gone.txt", "a.txt", "--dry-run", "--force")
    assert (ran.code, ran.out) == (0, "would remove a.txt\n")
    assert listed(wirq) == {"a.txt": 5}
    assert wirq("rm", "gone.txt", "a.txt", "--force").out == "removed a.txt\n"
    assert wirq("rm", "a.txt", "--force").out == "nothing was there to remove\n"


def test_sync_writes_what_has_changed_or_with_force_everything(wirq: Wirq, modules: Path) -> None:
    assert wirq("sync", modules, "--json").last["written"] == ["a.txt"]
    assert wirq("sync", modules, "--json").last["written"] == []
    assert wirq("sync", modules, "--force", "--json").last["written"] == ["a.txt"]


def test_df_writes_its_figures_with_separators_and_says_what_lowered_code_is(wirq: Wirq, tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_bytes(bytes(100_000))
    assert wirq("put", tmp_path / "large.txt").code == 0
    space = wirq("df", "--json").last
    assert space["used"] > 100_000
    lines = wirq("df").out.splitlines()
    assert lines[0] == "store    file, lasting"
    assert lines[1] == f"size     {space['size']:,} bytes"
    assert lines[2] == f"used     {space['used']:,} bytes, {100 * space['used'] / space['size']:.0f} %"
    assert lines[3] == "         of that, lowered code: 0 bytes (removed when files need room)"
    assert lines[4] == f"largest  {space['largest']:,} bytes: the largest file that fits now"


def test_sync_says_which_directories_it_leaves_out_and_takes_them_with_r(wirq: Wirq, modules: Path) -> None:
    ran = wirq("sync", modules)
    assert "left out: below/; -r takes what is in it" in ran.err
    assert listed(wirq) == {"a.txt": 5}
    assert wirq("sync", "-r", modules).err == ""
    assert listed(wirq) == {"a.txt": 5, "b.txt": 6}
    assert wirq("sync", modules, "--delete", "--json").last["removed"] == ["b.txt"]
    (modules / "below" / "a.txt").write_text("another")
    ran = wirq("sync", "-r", modules)
    assert (ran.code, "would both become a.txt; nothing was sent" in ran.err) == (6, True)
