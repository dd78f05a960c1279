"""Several requests in one write, as far as the board's window goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from firmware_host.connection import Connection
from firmware_host.link import messages

Request = tuple[str, dict[str, Any]]


def answers(connection: Connection, requests: Sequence[Request]) -> list[messages.Response]:
    """Sends all of them in one write and waits until each has its answer."""
    with connection._lock:
        ids = [connection._session.request(messages.COMMANDS[name], values) for name, values in requests]
        connection._answers.update(dict.fromkeys(ids))
        connection._send()
    return [connection.finish(one, 5.0) for one in ids]
