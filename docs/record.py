"""Records README's session as a picture: runs its commands and draws what they print. python docs/record.py"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "session.svg"

#: Fonts that a viewer would fetch from the network: any monospaced one does.
_FONTS = re.compile(r" *@font-face \{.*?\}\n", re.DOTALL)


def commands(readme: str) -> list[str]:
    """The commands of the section "A session"."""
    section = readme.split("\n## A session\n")[1].split("\n## ", maxsplit=1)[0]
    return [line[2:] for line in section.splitlines() if line.startswith("$ ")]


def main() -> int:
    console = Console(record=True, width=88, file=io.StringIO(), force_terminal=True)
    for command in commands((ROOT / "README.md").read_text(encoding="utf-8")):
        console.print(Text(f"$ {command}", style="bold"))
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return done.returncode
        for line in done.stdout.splitlines():
            text = Text(line)
            text.highlight_regex(r"^\[[\d:.]+\]", "dim")
            text.highlight_regex(r"interrupted by \w+", "bold green")
            console.print(text)
    svg = console.export_svg(title="wirq", theme=DIMMED_MONOKAI, unique_id="wirq")
    svg = _FONTS.sub("", svg)
    PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    print(f"written: {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
