"""README's picture is a recording of README's session."""

from __future__ import annotations

import html
import re

from tests.docs.pages import ROOT


def test_the_picture_shows_the_commands_and_lines_of_the_session_and_fetches_nothing() -> None:
    picture = (ROOT / "docs" / "session.svg").read_text(encoding="utf-8")
    shown = [html.unescape(text).replace("\u00a0", " ") for text in re.findall(r"<text [^>]*>(.*?)</text>", picture)]
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## A session\n")[1].split("\n## ")[0]
    session = section.split("```console")[1].split("```")[0].splitlines()[1:]
    for line in session:
        for words in re.sub(r"^\[[\d:.]+\]|\(build \w+\)", "", line).split("interrupted by"):
            assert any(words.strip().removesuffix(":") in text for text in ["".join(shown), *shown]), line
    assert "url(http" not in picture
    assert "font-face" not in picture
