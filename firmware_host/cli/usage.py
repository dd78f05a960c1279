"""Commands that were typed wrongly, where more can be said than to read the help."""

from __future__ import annotations

import click


class Misuse(click.UsageError):
    """A usage error with a way out of its own, such as the very command that was meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
