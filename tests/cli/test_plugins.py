"""What other packages add by entry points: the package of docs/how-to/extend-the-tool.md, as if it were installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import Board, BoardNotFound, ToolMissing, plugins
from firmware_host.boards import load_board
from firmware_host.flash import Firmware, choose
from tests.cli import guest_modules
from tests.docs.pages import Page
from tests.link.model_board import ModelBoard
from tests.link.serving import tcp_port

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = Firmware(((0x08000000, bytes(range(256))),), "test.elf")


def install(directory: Path, name: str, points: dict[str, dict[str, str]]) -> None:
    """What pip leaves of a package beside its modules."""
    info = directory / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items()) for group, rows in points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of packages with the one of the page."""
    directory = tmp_path / "packages"
    directory.mkdir()
    page = Page(ROOT / "docs/how-to/extend-the-tool.md")
    files = {block.options["file"]: block.text for block in page.blocks if "file" in block.options}
    (directory / "wirq_lab.py").write_text(files["wirq_lab.py"])
    project = tomllib.loads(files["pyproject.toml"])["project"]
    install(directory, project["name"], project["entry-points"])
    monkeypatch.syspath_prepend(directory)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(directory), str(ROOT)]))
    yield directory
    sys.modules.pop("wirq_lab", None)


def test_a_transport_is_reached_by_its_scheme(packages: Path) -> None:
    with tcp_port(ModelBoard()) as port, Board.connect(f"slot:{port - 7000}") as board:
        assert board.info.name == "model"
        assert not board.ends_with_us


def test_a_simulator_is_started_and_ends_with_the_session(packages: Path) -> None:
    with Board.connect("niced:host") as board:
        assert board.ends_with_us
        process = board._target.transport.process  # type: ignore[attr-defined]
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
        board.put(guest_modules.add())
        assert board.instantiate().invoke("add", [1, 2]) == [3]
    assert process.poll() is not None


def test_sim_keeps_a_simulator_of_another_package_running(packages: Path) -> None:
    command = [sys.executable, "-m", "firmware_host.cli.main", "--json", "sim", "niced:host"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        assert (told["board"], told["engine"]) == ("host", "niced")
        with Board.connect(told["selector"]) as board:
            assert board.info.name == "host"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_a_flasher_is_a_driver_for_boards_that_do_not_know_it(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ToolMissing, match="stm32f4 was not flashed: JLinkExe is not installed"):
        choose(load_board("stm32f4"), FIRMWARE, "jlink")
    (tmp_path / "bin").mkdir()
    program, log = tmp_path / "bin" / "JLinkExe", tmp_path / "log"
    program.write_text(f'#!/bin/sh\necho "$@" > {log}\n')
    program.chmod(0o755)
    choice = choose(load_board("stm32f4"), FIRMWARE, "jlink", "4711")
    assert choice.driver == "jlink"
    assert "load 256 bytes at 0x8000000" in choice.flasher.plan()[0]
    assert choice.flasher.run() == "by JLinkExe"
    assert log.read_text().startswith("-device stm32f4 -if SWD -speed 4000 -autoconnect 1 -SelectEmuBySN 4711")
    assert choose(load_board("stm32f4"), FIRMWARE, planned=True).driver != "jlink"


def test_the_driver_can_be_chosen_on_the_command_line(packages: Path, tmp_path: Path) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(bytes(64))
    command = [sys.executable, "-m", "firmware_host.cli.main", "-b", "stm32f4", "flash", str(image)]
    out = subprocess.check_output([*command, "--driver", "jlink", "--dry-run"], cwd=ROOT, text=True)
    assert "JLinkExe -device stm32f4" in out


def test_what_is_wrong_with_packages_is_told(packages: Path) -> None:
    with pytest.raises(BoardNotFound) as caught:
        Board.connect("nosuch:3")
    assert caught.value.hint.endswith("renode:NAME, niced:…, slot:…")
    install(packages, "other", {plugins.TRANSPORTS: {"slot": "other:slot"}, plugins.SIMULATORS: {"gone": "gone:start"}})
    with pytest.raises(ToolMissing, match=r"several packages bring 'slot' .*other:slot, wirq_lab:slot"):
        Board.connect("slot:3")
    with pytest.raises(ToolMissing, match="'gone' of the package other cannot be imported"):
        Board.connect("gone:host")


def test_the_names_of_wirqs_own_cannot_be_taken(packages: Path) -> None:
    install(packages, "taker", {plugins.TRANSPORTS: {"tcp": "wirq_lab:slot"}})
    with tcp_port(ModelBoard()) as port, Board.connect(f"tcp:127.0.0.1:{port}") as board:
        assert board.info.name == "model"
