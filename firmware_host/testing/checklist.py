"""What only hardware can show, and only to people: a list for one board, made of its facts."""

from __future__ import annotations

from firmware_host.board_facts import BoardFacts

#: The firmware's own name for a button that it looks at when it starts.
_HELD_AT_BOOT = "HAS_BUTTON"


def checklist(board: BoardFacts) -> list[str]:
    """What to try by hand on a real board, and what is to be seen. Each line is one thing to tick off."""
    name = board.name
    steps = []
    if board.flashers:
        first = board.flashers[0]
        drive = f" to the drive {first.volume}" if first.volume else ""
        steps.append(f"wirq flash -b {name} --force brings the firmware on by {first.driver}{drive}, and verifies it")
    steps.append("unplug it and plug it in again while `wirq repl` runs: the session goes on")
    steps.append("with any terminal program (picocom, screen): Enter prints the prompt again, help lists the commands")
    led = next((pin for pin in board.pins if pin.name == "led"), None)
    if led is not None and led.pin:
        steps.append(f"docs/tutorial/blink.md: the LED at {led.pin} is switched every 50 ms, ten times, and ends dark")
    button = board.source("button")
    if button.vector is not None:
        steps.append(
            f"wirq run examples/forced/forced.c and press the button (vector {button.vector}): "
            '"interrupted by button" comes once a press, and the checksum stays'
        )
    if board.define.get(_HELD_AT_BOOT):
        steps.append("wirq autostart MODULE, then hold the button at reset: nothing starts, the prompt answers")
    steps.append("wirq autostart MODULE, then send Ctrl-C in the first half second after power-on: nothing starts")
    if board.store is not None:
        steps.append(
            "pull the plug in the middle of `wirq put`, twenty times: `wirq ls` shows the old file or the new one"
        )
        steps.append("wirq put a module, cut the power for a minute: it is there, and `wirq df` says flash")
    steps.append(
        "scope on button and LED, a handler that writes the LED: the longest of 1,000 delays is below `wirq irq bound`"
    )
    steps.append("current at the prompt falls to what the part's data sheet gives for sleep")
    return steps


def text(board: BoardFacts) -> str:
    """The list as it is printed."""
    lines = [f"What only hands and eyes can tell of {board.title}:"]
    return "\n".join([*lines, *(f"  [ ] {step}" for step in checklist(board))])
