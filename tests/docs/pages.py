"""The pages of the documentation: headings, links, fenced blocks. docs/README.md says what the blocks' words mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(.*)$")
_HEADING = re.compile(r"^#{1,6} (.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: language, words after it (`file=x` as a key with a value), text, and the line it begins in."""

    language: str
    options: dict[str, str] = field(hash=False)
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _split(self) -> tuple[list[Block], list[str]]:
        """Its blocks, and its lines with the blocks left blank."""
        blocks: list[Block] = []
        prose: list[str] = []
        inside: list[str] | None = None
        for number, line in enumerate(self.text.splitlines(), 1):
            fence = _FENCE.match(line)
            if fence and inside is None:
                language, _, words = fence[1].partition(" ")
                options = dict(word.partition("=")[::2] for word in words.split())
                inside, first = [], number
            elif fence:
                assert inside is not None
                text = "".join(f"{one}\n" for one in inside)
                blocks.append(Block(language, options, text, first))
                inside = None
            elif inside is not None:
                inside.append(line)
            prose.append("" if fence or inside is not None else line)
        assert inside is None, f"{self.name}: a fenced block is not closed"
        return blocks, prose

    @property
    def blocks(self) -> list[Block]:
        return self._split[0]

    @property
    def prose(self) -> list[str]:
        return self._split[1]

    @cached_property
    def anchors(self) -> set[str]:
        """What links to headings are called, as GitHub makes them."""
        headings = [found[1] for line in self.prose if (found := _HEADING.match(line))]
        named = re.findall(r'<a id="([^"]+)">', self.text)
        slugs = (re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings)
        return {*slugs, *named}

    @property
    def links(self) -> list[str]:
        return [target for line in self.prose for target in _LINK.findall(_CODE.sub("", line))]

    @property
    def code_spans(self) -> list[str]:
        return [span for line in self.prose for span in _CODE.findall(line)]


def pages() -> list[Page]:
    """README.md and everything in docs/."""
    return [Page(path) for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))]


#: Directories whose own README.md files belong to the documentation, too.
_BESIDE = ("benchmarks", "boards", "examples", "guests", "robot_tests", "tests", "tools")


def all_pages() -> list[Page]:
    """Those, and the README.md files of the directories that they lead to."""
    beside = [path for name in _BESIDE for path in sorted((ROOT / name).rglob("*.md"))]
    return [*pages(), *map(Page, beside)]
