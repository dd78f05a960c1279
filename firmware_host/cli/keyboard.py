"""What is typed, or comes by a pipe, while an app runs: read in the background and handed to the app as it takes it."""

from __future__ import annotations

import os
import sys
import threading

from firmware_host.console import Console

#: What an app that reads text takes as its end: the byte of Ctrl-D.
_END = b"\x04"


class Keyboard:
    """Standard input. At its end the app is given Ctrl-D, unless nothing ever came: no input is not an empty input."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = b""
        try:
            self._descriptor = sys.stdin.fileno()
        except (OSError, ValueError, AttributeError):
            return
        threading.Thread(target=self._read, name="wirq keyboard", daemon=True).start()

    @property
    def waiting(self) -> bool:
        """Is there something for the app?"""
        return bool(self._waiting)

    def hand_over(self, console: Console) -> None:
        """Gives the app what it takes now; the rest stays."""
        with self._lock:
            data = self._waiting
        if data:
            taken = console.offer(data)
            with self._lock:
                self._waiting = self._waiting[taken:]

    def _read(self) -> None:
        # os.read and not sys.stdin: a thread that waits within Python's buffers cannot be left behind at the end.
        ever = os.isatty(self._descriptor)
        while True:
            try:
                data = os.read(self._descriptor, 4096)
            except OSError:
                return
            with self._lock:
                self._waiting += data or (_END if ever else b"")
            ever = True
            if not data:
                return
