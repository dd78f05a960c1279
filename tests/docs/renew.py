"""Writes into pages what their sessions print now: python -m tests.docs.renew PAGE…

Only sessions that no longer agree are changed; read the difference before you commit it. Those that were shortened
with `…` have to be shortened again by hand.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.pages import Block, Page
from tests.docs.sessions import Terminal, differences, is_missing, is_run, steps


def printed(terminal: Terminal, block: Block) -> str:
    """The session with what its commands print."""
    text = ""
    for step in steps(block):
        text += "$ " + step.command.replace("\n", "\n> ") + "\n" + terminal.run(step.command)
    return text


def renew(page: Page, directory: Path) -> list[int]:
    """Renews the page; lines of the sessions that were changed."""
    changed = []
    text = page.text
    terminal = Terminal(directory)
    for block in page.blocks:
        if "file" in block.options:
            terminal.write(block)
        elif is_run(block) and not is_missing(block) and differences(terminal, block, page.name):
            text = text.replace(block.text, printed(terminal, block))
            changed.append(block.line)
    page.path.write_text(text, encoding="utf-8")
    return changed


def main() -> int:
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as directory:
            for line in renew(Page(Path(name).resolve()), Path(directory)):
                print(f"{name}:{line}: renewed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
