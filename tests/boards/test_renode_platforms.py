"""The boards' Renode files against board.toml and drivers: types, addresses, interrupts; and that they load offline."""

from __future__ import annotations

import re

import pytest

from firmware_host import resources
from firmware_host.boards import BoardFacts, known_boards, load_board
from tests.boards import renode_platform
from tests.boards.renode_platform import Peripheral, Platform

BOARDS = [name for name in known_boards() if load_board(name).renode() is not None]

#: Types that Renode 1.16.1 has, with the attributes that their constructors take.
TYPES = {
    "CPU.CortexM": {"cpuType", "nvic"},
    "CPU.RiscV32": {"cpuType", "privilegedArchitecture", "timeProvider"},
    "GPIOPort.NRF52840_GPIO": set(),
    "GPIOPort.NRF52840_GPIOTasksEvents": {"port0", "port1"},
    "GPIOPort.STM32_GPIOPort": {"modeResetValue", "outputSpeedResetValue", "pullUpPullDownResetValue", "numberOfAFs"},
    "GPIOPort.SiFive_GPIO": set(),
    "IRQControllers.CoreLevelInterruptor": {"frequency", "numberOfTargets", "divider"},
    "IRQControllers.NVIC": {"systickFrequency", "priorityMask", "haltSystickOnDeepSleep"},
    "IRQControllers.PlatformLevelInterruptController": {"numberOfSources", "numberOfContexts", "prioritiesEnabled"},
    "IRQControllers.STM32F4_EXTI": {"numberOfOutputLines", "firstDirectLine"},
    "MTD.STM32F4_FlashController": {"flash"},
    "Memory.MappedMemory": {"size"},
    "Miscellaneous.Button": {"invert"},
    "Miscellaneous.LED": {"invert"},
    "Miscellaneous.STM32F4_RCC": {"rtcPeripheral"},
    "Timers.NRF52840_Timer": {"numberOfEvents"},
    "Timers.STM32F4_RTC": {"wakeupTimerFrequency"},
    "UART.CMSDK_APB_UART": {"frequency"},
    "UART.NRF52840_UART": {"easyDMA"},
    "UART.STM32_UART": {"frequency"},
    "UART.SiFive_UART": {"inputClockFrequency"},
}

#: Processor cores by the machine of board.toml. Renode's cortex-m4 has the floating-point unit.
CORES = {
    "cortex-m0": "cortex-m0",
    "cortex-m33": "cortex-m33",
    "cortex-m4f": "cortex-m4",
    "rv32imac": "rv32imac_zicsr_zifencei",
}


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> BoardFacts:
    return load_board(request.param)


@pytest.fixture
def platform(board: BoardFacts) -> Platform:
    renode = board.renode()
    assert renode is not None
    return renode_platform.read(renode.platform)


def drivers(board: BoardFacts) -> str:
    """The board's drivers and those it shares with others, with its own addresses in them."""
    files = [board.directory / name for name in board.sources]
    if "NRF_TIMER" in board.define:
        files += [resources.path("boards", "firmware", name) for name in ("nrf_timer.c", "nrf_flash.c")]
    text = "\n".join(file.read_text() for file in files)
    for name, value in board.define.items():
        text = re.sub(rf"\bBOARD_{name}\b", f"{value:#010x}" if type(value) is int else str(value), text)
    return re.sub(
        r"CHIP_REGISTER\((0x\w+) \+ (0x\w+)\)",
        lambda found: f"CHIP_REGISTER({int(found[1], 16) + int(found[2], 16):#010X})".replace("0X", "0x"),
        text,
    )


def reaches(platform: Platform, start: Peripheral, controller: str) -> set[int]:
    """Interrupt numbers of a controller that a peripheral's outputs lead to, through others."""
    found: set[int] = set()
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        peripheral = waiting.pop()
        seen.add(peripheral.name)
        for receiver, number in peripheral.connections.values():
            if receiver == controller:
                found.add(number)
            elif receiver not in seen:
                waiting.append(platform.peripherals[receiver])
    return found


def test_every_type_and_attribute_is_one_that_renode_has(platform: Platform) -> None:
    for peripheral in platform.peripherals.values():
        assert peripheral.type in TYPES, peripheral
        assert peripheral.attributes.keys() <= TYPES[peripheral.type], peripheral


def test_everything_that_is_named_is_there(platform: Platform) -> None:
    for peripheral in platform.peripherals.values():
        assert peripheral.parent in ("sysbus", *platform.peripherals), peripheral
        for receiver, _ in peripheral.connections.values():
            assert receiver in platform.peripherals, peripheral
        for name in ("nvic", "timeProvider", "port0", "flash", "rtcPeripheral"):
            assert peripheral.attributes.get(name, "cpu") in platform.peripherals, peripheral


def test_nothing_is_fetched_from_a_network(board: BoardFacts) -> None:
    renode = board.renode()
    assert renode is not None
    for file in (renode.platform, renode.script):
        text = file.read_text()
        assert "ApplySVD" not in text
        assert "://" not in text
        assert not re.search(r"^using +\"", text, re.MULTILINE), "a stock platform may fetch something"


def test_memories_are_those_of_board_toml(board: BoardFacts, platform: Platform) -> None:
    assert board.ram is not None
    assert board.flash is not None
    ram = platform.peripherals["ram"]
    assert (ram.address, ram.size) == (board.ram.origin, board.ram.size)
    assert platform.holds(board.flash.origin, board.flash.size)


def test_the_core_is_that_of_board_toml(board: BoardFacts, platform: Platform) -> None:
    assert platform.peripherals["cpu"].attributes["cpuType"] == CORES[board.machine]


def test_the_serial_line_is_where_the_driver_looks_and_interrupts_as_board_toml_says(
    board: BoardFacts, platform: Platform
) -> None:
    renode = board.renode()
    assert renode is not None
    uart = platform.peripherals[renode.uart.removeprefix("sysbus.")]
    assert uart.type.startswith("UART.")
    assert uart.address is not None
    registers = re.findall(r"CHIP_REGISTER\((0x\w+)\)", drivers(board))
    assert len([text for text in registers if uart.address <= int(text, 16) < uart.address + 0x1000]) > 3
    assert [number for _, number in uart.connections.values()] == [board.source("uart").vector]


def test_the_button_leads_to_its_vector(board: BoardFacts, platform: Platform) -> None:
    controller = "plic" if "plic" in platform.peripherals else "nvic"
    button = platform.peripherals.get("button") or platform.peripherals["gpio"]
    reached = reaches(platform, button, controller)
    if "gpiote" in platform.peripherals:  # it listens to the port without a connection
        reached |= reaches(platform, platform.peripherals["gpiote"], controller)
    assert board.source("button").vector in reached


def test_the_led_is_at_its_pin(board: BoardFacts, platform: Platform) -> None:
    if "led" not in platform.peripherals:  # Renode has no model of what drives it: the shadow of the pin is tested
        assert any(first <= board.define["FPGAIO"] <= last for first, last, _ in platform.tags)
        return
    led = platform.peripherals["led"]
    pin = next(pin for pin in board.pins if pin.name == "led")
    number = int(re.findall(r"\d+", pin.pin)[-1])
    assert led.address == number
    assert platform.peripherals[led.parent].connections[str(number)] == ("led", 0)


def test_the_tick_runs_at_the_rate_that_the_host_tells(board: BoardFacts, platform: Platform) -> None:
    renode = board.renode()
    assert renode is not None
    if timers := platform.of_type("Timers.NRF52840_Timer"):
        assert [number for _, number in timers[0].connections.values()] == [board.source("timer").vector]
        rate = 16_000_000 // 16  # the model's rate, through the prescaler that the driver sets
    elif clints := platform.of_type("IRQControllers.CoreLevelInterruptor"):
        rate = int(clints[0].attributes["frequency"])
    else:
        rate = int(platform.peripherals["nvic"].attributes["systickFrequency"])
    assert rate == renode.tick_hz


def test_peripherals_lie_where_the_drivers_look(board: BoardFacts, platform: Platform) -> None:
    registers = [int(text, 16) for text in re.findall(r"CHIP_REGISTER\((0x\w+)", drivers(board))]
    assert registers
    blocks = [p.address for p in platform.peripherals.values() if p.parent == "sysbus" and p.address is not None]
    for register in registers:
        tagged = any(first <= register <= last for first, last, _ in platform.tags)
        modelled = any(base <= register < base + 0x1000 or base == register & ~0xFFFFFF for base in blocks)
        assert tagged or modelled, hex(register)


def test_flags_that_the_drivers_wait_for_come_at_once(board: BoardFacts, platform: Platform) -> None:
    """Polling a register that is not there takes Renode minutes."""
    waited = re.findall(r"chip_wait\(&(\w+)", drivers(board))
    defined = dict(re.findall(r"#define (\w+) CHIP_REGISTER\((0x\w+)\)", drivers(board)))
    for name in waited:
        address = int(defined[name], 16)
        is_tagged = any(first <= address <= last and value for first, last, value in platform.tags)
        is_modelled = any(
            p.parent == "sysbus" and p.address is not None and p.address <= address < p.address + 0x400
            for p in platform.peripherals.values()
        )
        assert is_tagged or is_modelled, name


def test_the_script_loads_the_platform_and_the_firmware_it_is_given(board: BoardFacts) -> None:
    renode = board.renode()
    assert renode is not None
    assert board.flash is not None
    text = renode.script.read_text()
    assert f"machine LoadPlatformDescription $ORIGIN/{renode.platform.name}" in text
    assert "sysbus LoadELF $bin" in text
    assert re.search(r"^\$bin\?=", text, re.MULTILINE), "whoever includes it may name another firmware"
    assert not re.search(r"^start\b", text, re.MULTILINE), "the serial line is attached first"
    if board.flash.origin:
        assert f"{board.flash.origin:#010x}" in text, "vectors or the first instruction are not at 0"


def test_a_line_that_is_not_understood_is_named() -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "broken.repl"
        file.write_text("ram: Memory.MappedMemory @ sysbus 0x0\n    size 4\n")
        with pytest.raises(ValueError, match=r"broken\.repl:2"):
            renode_platform.read(file)
