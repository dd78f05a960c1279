"""What takes its time is announced: the library never prints, so whoever uses it may say who is told."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def listen(listener: Callable[[str], None]) -> None:
    """From now on `listener` is told, in a line each, what is about to take more than a moment."""
    _LISTENER.set(listener)


def announce(text: str) -> None:
    """Tells the listener, if there is one."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(text)
