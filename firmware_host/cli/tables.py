"""Tables of text, as wide as they need to be."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Lines of columns two spaces apart; the columns in `right` are aligned to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = (row[i].rjust(width) if i in right else row[i].ljust(width) for i, width in enumerate(widths))
        return "  ".join(cells).rstrip()

    return "\n".join(line(row) for row in (header, *rows))
