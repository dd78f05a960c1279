"""A timeline as SVG: one row for the program and for each level of handlers, marks where sources were raised.
Calls are too many and too short for it."""

from __future__ import annotations

from html import escape

from firmware_host.trace.timeline import MAIN, Timeline

_WIDTH, _LEFT, _ROW, _BAR, _TOP = 960, 150, 44, 22, 34
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2")
_PROGRAM, _WAIT = "#c9ced6", "#eef0f3"


def picture(timeline: Timeline, title: str) -> str:
    """The SVG file's text."""
    scale = (_WIDTH - _LEFT - 20) / max(timeline.end, 1)
    order = sorted(timeline.rows, key=lambda row: (row == MAIN, row))  # the most urgent on top
    rows = {row: _TOP + i * _ROW for i, row in enumerate(order)}
    height = _TOP + len(rows) * _ROW + 44

    def x(time: int) -> float:
        return _LEFT + time * scale

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for row, y in rows.items():
        out.append(f'<text x="10" y="{y + 16}">{escape(timeline.rows[row])}</text>')
        out.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y + _BAR}" y2="{y + _BAR}" stroke="#ddd"/>')
    for span in timeline.spans:
        if span.depth:
            continue
        width = max((span.end - span.start) * scale, 1.5)
        colour = _COLOURS[span.source % len(_COLOURS)] if span.source is not None else _PROGRAM
        colour = _WAIT if span.name == "wait" else colour
        y = rows[span.row]
        tip = f"{span.name}: {span.start} to {span.end} us"
        out.append(
            f'<rect x="{x(span.start):.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}">'
            f"<title>{escape(tip)}</title></rect>"
        )
        if width > 7 * len(span.name) + 6:
            out.append(f'<text x="{x(span.start) + 4:.1f}" y="{y + 15}">{escape(span.name)}</text>')
    bottom = rows[MAIN] + _BAR
    for instant in timeline.instants:
        at, colour = x(instant.time), _COLOURS[instant.source % len(_COLOURS)]
        out.append(
            f'<path d="M{at:.1f} {bottom + 2} l-4 8 h8 z" fill="{colour}">'
            f"<title>{escape(instant.name)}: {instant.time} us</title></path>"
        )
    for i in range(6):
        time = timeline.end * i // 5
        out.append(f'<text x="{x(time):.1f}" y="{height - 8}" text-anchor="middle" fill="#555">{time:,} us</text>')
    return "\n".join([*out, "</svg>", ""])
