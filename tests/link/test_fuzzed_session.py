"""The tool's end of the link, fed with bytes of all kinds: it raises nothing but LinkError, and goes on."""

from __future__ import annotations

import random

from firmware_host.errors import LinkError
from firmware_host.link import core, frames, messages, table
from firmware_host.link.messages import Frame
from tests.link.lossy_line import Faults, Line, damaged
from tests.link.model_board import ModelBoard

_FAULTS = Faults(drop=0.01, flip=0.01, repeat=0.005, swap=0.005)


def frame(source: random.Random) -> bytes:
    """A well-formed frame with anything in it, as often as not with the kind and length of a real one."""
    kind = source.choice([*table.KINDS.values(), source.randrange(256)])
    channel, sequence, acknowledge = (source.randrange(256 if source.random() < 0.3 else 4) for _ in range(3))
    payload = source.randbytes(source.choice((0, 1, 2, 5, 13, 40, 300)))
    return frames.encode(Frame(kind, channel, sequence, acknowledge, source.randrange(1, 6), payload).to_bytes())


def test_any_bytes_leave_the_session_able_to_talk() -> None:
    for seed in range(60):
        source = random.Random(seed)
        line = Line(ModelBoard(window=4), seed=seed)
        line.connect()
        for _ in range(60):
            data = frame(source) if source.random() < 0.7 else source.randbytes(source.randrange(80))
            if source.random() < 0.3:
                data = damaged(data, _FAULTS, source)
            try:
                line.session.receive(data, line.now)
            except LinkError:
                pass
            if source.random() < 0.3:
                line.session.request(messages.COMMANDS["irq.show"], {"source": 0})
            line.step()
            assert line.session.next_due() >= 0
        # Forged numbers may have ended what the two had in common: a new session begins like any other.
        again = Line(line.board, seed=1000 + seed)
        again.connect()
        again.session.request(messages.COMMANDS["irq.raise"], {"source": 0, "count": 1, "after_us": 0, "every_us": 0})
        again.settle()
        assert any(isinstance(event, core.Answered) for event in again.events)
