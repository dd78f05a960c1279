"""`wirq flash`: which way is taken, what each program is told, what is refused, and that it is verified."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware_host import FlashError, ToolMissing, discovery
from firmware_host.board_facts import BoardFacts, FlasherFacts, Region
from firmware_host.boards import load_board
from firmware_host.cli.main import run
from firmware_host.flash import Firmware, choose, volumes
from firmware_host.flash.pyocd import PyocdFlasher

FAKE = """#!{python}
import json, sys, pathlib
here = pathlib.Path({log!r})
words = " ".join(sys.argv[1:]).replace("{{", " ").replace("}}", " ").split()
files = [word for word in words if word.endswith((".hex", ".bin"))]
told = {{"argv": sys.argv[1:], "stdin": sys.stdin.read(), "data": [pathlib.Path(f).read_bytes().hex() for f in files]}}
here.write_text(json.dumps(told))
print("flashing ...")
print("** it went {how} **")
sys.exit({code})
"""

FIRMWARE = Firmware(((0x08000000, bytes(range(256)) * 2), (0x08000400, b"tail")), "test.elf")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts stand-ins of programs on an otherwise empty PATH; each writes down what it was told."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))

    def make(name: str, code: int = 0) -> Path:
        log = tmp_path / f"{name}.json"
        how = "wrong" if code else "well"
        (directory / name).write_text(FAKE.format(python=sys.executable, log=str(log), code=code, how=how))
        (directory / name).chmod(0o755)
        return log

    return make


@pytest.fixture(autouse=True)
def nothing_attached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(discovery, "candidate_ports", list)
    monkeypatch.setattr(volumes, "ROOTS", (tmp_path / "media",))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WIRQ_BOARD", raising=False)


def told(log: Path) -> dict[str, Any]:
    return dict(json.loads(log.read_text()))


def test_openocd_is_told_to_program_verify_and_reset(programs: Callable[..., Path]) -> None:
    log = programs("openocd")
    choice = choose(load_board("stm32f4"), FIRMWARE)
    assert choice.driver == "openocd"
    assert choice.flasher.run() == "by openocd"
    arguments = told(log)["argv"]
    assert arguments[:3] == ["-f", "board/stm32f4discovery.cfg", "-c"]
    assert arguments[3].startswith("program {") and arguments[3].endswith("wirq-stm32f4.hex} verify reset exit")
    assert bytes.fromhex(told(log)["data"][0]).decode() == FIRMWARE.hex()
    assert told(log)["stdin"] == ""


def test_st_flash_is_given_a_binary_and_its_address(programs: Callable[..., Path]) -> None:
    log = programs("st-flash")
    choice = choose(load_board("stm32f4"), FIRMWARE, probe="066BFF")
    assert choice.driver == "st-flash"
    choice.flasher.run()
    arguments = told(log)["argv"]
    assert arguments[:4] == ["--serial", "066BFF", "--reset", "write"]
    assert arguments[5] == "0x8000000"
    assert bytes.fromhex(told(log)["data"][0]) == FIRMWARE.binary()[1]


def board_with_esptool() -> BoardFacts:
    """No board of the project has Espressif's boot loader: one whose flash lies where an ESP32-C3's does."""
    row = FlasherFacts("esptool", target="esp32c3", volume="", family=0, arguments=())
    return replace(load_board("stm32f4"), flash=Region(0x42000000, 0x400000), flashers=(row,))


ESP = Firmware(((0x42010000, b"tiny"),), "esp.elf")


def test_esptool_is_given_an_offset_from_the_flashs_beginning(programs: Callable[..., Path]) -> None:
    log = programs("esptool")
    assert choose(board_with_esptool(), ESP, probe="7C:DF").flasher.run() == "by esptool"
    arguments = told(log)["argv"]
    assert arguments[:6] == ["--chip", "esp32c3", "--port-filter", "serial=7C:DF", "write-flash", "0x10000"]
    assert bytes.fromhex(told(log)["data"][0]) == b"tiny"


def test_the_real_esptool_takes_these_arguments() -> None:
    """As far as it gets without a board."""
    with pytest.raises(FlashError, match="esptool failed with exit code 2") as caught:
        choose(board_with_esptool(), ESP, probe="no-such-serial-number").flasher.run()
    assert "Could not connect to an Espressif device" in " ".join(str(caught.value).split())


def test_a_program_that_fails_is_exit_code_7_with_its_last_words(programs: Callable[..., Path]) -> None:
    programs("openocd", code=3)
    with pytest.raises(FlashError, match=r"exit code 3\nflashing ...\n\*\* it went wrong") as caught:
        choose(load_board("stm32f4"), FIRMWARE).flasher.run()
    assert caught.value.exit_code == 7
    assert "openocd -f" in caught.value.hint


def test_what_every_way_lacks_is_told(programs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PyocdFlasher, "_probes", lambda self: [])
    with pytest.raises(ToolMissing, match="none of its ways is there") as caught:
        choose(load_board("stm32f4"), FIRMWARE)
    assert "openocd: openocd is not installed: sudo apt-get" in caught.value.hint
    assert "pyocd: no debug probe is attached" in caught.value.hint
    with pytest.raises(FlashError, match="not flashed by esptool"):
        choose(load_board("stm32f4"), FIRMWARE, "esptool")


def test_firmware_of_another_board_is_refused(programs: Callable[..., Path]) -> None:
    programs("openocd")
    with pytest.raises(FlashError, match="at 0x8000000; the flash of microbit is 0x0 to 0x40000"):
        choose(load_board("microbit"), FIRMWARE)
    outside = Firmware(((0x080FFFFF, b"ab"),))
    with pytest.raises(FlashError, match="flash of stm32f4"):
        choose(load_board("stm32f4"), outside)


# ---- drives


SMALL = Firmware(((0, b"\x00\x40\x00\x20" + bytes(60)),), "small.elf")


class Drive:
    """A board's drive as the boards do it: a moment after a file has come it is taken away, and comes back with what
    the board thinks of the file, or never."""

    def __init__(self, path: Path, refusal: str = "", returns: bool = True) -> None:
        self.path = path
        self.taken = b""
        self._refusal = refusal
        self._returns = returns
        path.mkdir(parents=True)
        self._board = threading.Thread(target=self._flash, daemon=True)

    def __enter__(self) -> Drive:
        self._board.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._board.join(10.0)

    def _flash(self) -> None:
        while not (files := [one for one in self.path.glob("wirq-*") if one.stat().st_size > 0]):
            time.sleep(0.01)
        time.sleep(0.3)  # the tool believes that all is done
        self.taken = files[0].read_bytes()
        shutil.rmtree(self.path)
        time.sleep(0.2)
        if self._returns:
            self.path.mkdir()
        if self._refusal:
            (self.path / "FAIL.TXT").write_text(self._refusal)


def test_a_drive_gets_an_intel_hex_file(tmp_path: Path) -> None:
    with Drive(tmp_path / "media" / "anna" / "MICROBIT") as drive:
        choice = choose(load_board("microbit"), SMALL)
        assert choice.driver == "copy"
        assert choice.flasher.run() == "by the board's own check of the file"
    assert drive.taken.decode() == SMALL.hex()


def test_the_pico_gets_a_uf2_file_and_is_gone_with_its_drive(tmp_path: Path) -> None:
    facts = load_board("pico")
    firmware = Firmware(((0x10000000, bytes(range(256)) * 3),), "pico.elf")
    with Drive(tmp_path / "media" / "anna" / "RPI-RP2", returns=False) as drive:
        choice = choose(facts, firmware)
        assert choice.driver == "uf2"
        assert choice.flasher.run() == "by the board's own check of the file"
    assert drive.taken == firmware.uf2(0xE48BFF56)


def test_two_drives_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    for name in ("MICROBIT", "MICROBIT1"):
        (tmp_path / "media" / "anna" / name).mkdir(parents=True)
    with pytest.raises(FlashError, match="2 drives are called MICROBIT, so nothing was flashed"):
        choose(load_board("microbit"), SMALL).flasher.run()
    assert not list((tmp_path / "media").rglob("*.hex"))


REFUSED = "error: The hex file is not for this board.\r\n"


def test_what_the_drive_says_of_a_file_it_refused_is_told(tmp_path: Path) -> None:
    with (
        Drive(tmp_path / "media" / "MICROBIT", refusal=REFUSED),
        pytest.raises(FlashError, match="MICROBIT refused the file: error: The hex file is not for this board"),
    ):
        choose(load_board("microbit"), SMALL).flasher.run()


def test_what_the_drive_said_of_the_last_file_is_not_told_of_this_one(tmp_path: Path) -> None:
    with Drive(tmp_path / "media" / "MICROBIT") as drive:
        (drive.path / "FAIL.TXT").write_text(REFUSED)
        assert choose(load_board("microbit"), SMALL).flasher.run() == "by the board's own check of the file"


def test_a_drive_that_never_comes_back_has_not_verified_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "_RETURN_TIMEOUT", 0.5)
    with Drive(tmp_path / "media" / "MICROBIT", returns=False):
        assert choose(load_board("microbit"), SMALL).flasher.run() == "by nothing yet, for its drive did not come back"


# ---- file formats


@pytest.mark.parametrize("suffix", [".hex", ".uf2", ".bin"])
def test_firmware_survives_every_format(tmp_path: Path, suffix: str) -> None:
    start, image = FIRMWARE.binary()
    file = tmp_path / f"firmware{suffix}"
    contents = {".hex": FIRMWARE.hex().encode(), ".uf2": FIRMWARE.uf2(0xE48BFF56), ".bin": image}[suffix]
    file.write_bytes(contents)
    read = Firmware.read(file, origin=start).binary()
    assert read[0] == start
    assert read[1][: len(image)] == image
    assert set(read[1][len(image) :]) <= {0xFF}


def test_uf2_blocks_lie_on_boundaries_of_256_and_name_the_family() -> None:
    data = Firmware(((0x10000010, bytes(300)),)).uf2(0xE48BFF56)
    assert len(data) == 2 * 512
    for number in range(2):
        words = [int.from_bytes(data[512 * number + 4 * i :][:4], "little") for i in range(8)]
        assert words == [0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number, 2, 0xE48BFF56]
        assert data[512 * number + 508 :][:4] == (0x0AB16F30).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.hex", b":00000001FE\n"),
        ("a.hex", b"hello"),
        ("a.uf2", bytes(512)),
        ("a.uf2", b"UF2"),
        ("a.elf", b"\x7fELF"),
        ("a.bin", b""),
        ("a.txt", b"text"),
    ],
)
def test_files_that_are_no_firmware_are_refused_by_name(tmp_path: Path, name: str, data: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(FlashError, match=name):
        Firmware.read(file)


# ---- the command


def test_dry_run_prints_what_would_be_done_without_any_tool(
    programs: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "test.hex"
    file.write_text(FIRMWARE.hex())
    assert run(["flash", str(file), "-b", "stm32f4", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("openocd -f board/stm32f4discovery.cfg -c 'program {")
    assert run(["flash", str(file), "-b", "stm32f4", "--dry-run", "--driver", "pyocd", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["dry_run"], result["driver"], result["bytes"]) == (True, "pyocd", FIRMWARE.size)


def test_the_command_flashes_a_file(
    programs: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = programs("openocd")
    file = tmp_path / "test.hex"
    file.write_text(FIRMWARE.hex())
    assert run(["flash", str(file), "-b", "stm32f4"]) == 0
    assert "stm32f4 flashed by openocd: 516 bytes, verified by openocd" in capsys.readouterr().out
    assert log.is_file()


def test_it_never_guesses_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flash"]) == 3
    assert "no board answers, so it is not known which one to flash" in capsys.readouterr().err
    assert run(["flash", "-b", "host"]) == 7
    assert run(["flash", "-b", "qemu:stm32f4"]) == 7
    assert "is not flashed" in capsys.readouterr().err


def test_several_boards_that_answer_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.link.model_board import ModelBoard
    from tests.link.model_transport import connected

    with connected(ModelBoard()) as model:
        info = model.info
    found = [discovery.FoundBoard(f"/dev/ttyACM{i}", f"SERIAL{i}", "ST-LINK", info) for i in range(2)]
    monkeypatch.setattr(discovery, "find_boards", lambda timeout=1.0: found)
    assert run(["flash"]) == 3
    error = capsys.readouterr().err
    assert "2 boards answer, so nothing was flashed" in error
    assert "choose one:  wirq -b id:SERIAL0 flash" in error


def test_a_board_that_answers_as_another_build_is_exit_code_7(
    programs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from firmware_host.cli import flash
    from tests.link.model_board import ModelBoard
    from tests.link.model_transport import connected

    with connected(ModelBoard()) as model:
        info = replace(model.info, name="stm32f4", build_id="00" * 8)
    found = [discovery.FoundBoard("/dev/ttyACM0", "S", "ST-LINK", info)]
    monkeypatch.setattr(discovery, "candidate_ports", lambda: found)
    monkeypatch.setattr(discovery, "find_boards", lambda timeout=1.0: found)
    monkeypatch.setattr(flash, "_RETURN", 0.3)
    programs("openocd")
    assert run(["flash", "-b", "stm32f4"]) == 7
    assert "was flashed, but answers as build 0000000000000000" in capsys.readouterr().err


def test_options_that_a_file_has_no_use_for_are_said_to_be_unused(
    programs: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs("openocd")
    file = tmp_path / "test.hex"
    file.write_text(FIRMWARE.hex())
    options = ["--toolchain", "gcc", "--variant", "usart2"]
    assert run(["flash", str(file), "-b", "stm32f4", "--dry-run", *options]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "--toolchain is for firmware that is built; test.hex is flashed as it is",
        "--variant is for firmware that is built; test.hex is flashed as it is",
    ]


def test_what_the_board_has_already_is_flashed_again_only_when_forced(
    programs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from firmware_host.build.image import Options, build
    from tests.link.model_board import ModelBoard
    from tests.link.model_transport import connected

    with connected(ModelBoard()) as model:
        info = replace(model.info, name="stm32f4", build_id=build(Options("stm32f4")).build_id)
    found = [discovery.FoundBoard("/dev/ttyACM0", "S", "ST-LINK", info)]
    monkeypatch.setattr(discovery, "candidate_ports", lambda: found)
    monkeypatch.setattr(discovery, "find_boards", lambda timeout=1.0: found)
    log = programs("openocd")
    assert run(["flash", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["flashed"] is False
    assert not log.exists()
    assert run(["flash", "--json", "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["flashed"] is True
    assert log.exists()
