"""Restartable memory.copy (R54): progress lives only in (d, s, n), and the direction is found anew at each restart.

Compares with memmove for every overlap in 20 bytes and several chunk sizes. The twin keeps the forward bookkeeping
for backward chunks and must fail.
"""

from __future__ import annotations

import sys

SIZE, CHUNKS = 20, (1, 2, 3, 5, 8)


def copy(memory: bytearray, d: int, s: int, n: int, chunk: int, broken: bool) -> None:
    while n:  # each turn is one dispatch of the same instruction
        k = min(chunk, n)
        if d <= s:
            memory[d : d + k] = memory[s : s + k]
            d, s = d + k, s + k
        else:
            memory[d + n - k : d + n] = memory[s + n - k : s + n]
            if broken:
                d, s = d + k, s + k
        n -= k


def count(broken: bool) -> tuple[int, int]:
    """Cases, and how many of them end otherwise than memmove."""
    total = bad = 0
    for d in range(SIZE):
        for s in range(SIZE):
            for n in range(SIZE - max(d, s) + 1):
                want = bytearray(range(SIZE))
                want[d : d + n] = bytes(range(SIZE))[s : s + n]
                for chunk in CHUNKS:
                    memory = bytearray(range(SIZE))
                    copy(memory, d, s, n, chunk, broken)
                    total += 1
                    bad += memory != want
    return total, bad


if __name__ == "__main__":
    cases, wrong = count(False)
    _, twin = count(True)
    print(f"{cases} cases: {wrong} wrong; broken twin: {twin} wrong")
    sys.exit(wrong != 0 or twin == 0)
