"""Reads and writes of non-blocking file descriptors with a deadline: what pipes, PTYs and sockets have in common."""

from __future__ import annotations

import os
import select
import time

from firmware_host.errors import LinkError
from firmware_host.transport import READ_SIZE

#: A peer that takes no byte for this long is taken for dead.
WRITE_TIMEOUT = 10.0


def wait_readable(descriptor: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout) * 1000))


def read(descriptor: int, timeout: float, name: str) -> bytes:
    """At least one byte, or b"" after the timeout. Raises LinkError at the end of the stream."""
    if not wait_readable(descriptor, timeout):
        return b""
    try:
        data = os.read(descriptor, READ_SIZE)
    except BlockingIOError:
        return b""
    except OSError as error:  # EIO: the other side of a PTY is closed
        raise LinkError(f"{name} is gone: {error.strerror}") from error
    if not data:
        raise LinkError(f"{name} closed the connection")
    return data


def write(descriptor: int, data: bytes, name: str) -> None:
    """All of it, or LinkError."""
    view = memoryview(data)
    deadline = time.monotonic() + WRITE_TIMEOUT
    while view:
        try:
            view = view[os.write(descriptor, view) :]
            deadline = time.monotonic() + WRITE_TIMEOUT
        except BlockingIOError:
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise LinkError(f"{name} takes no data since {WRITE_TIMEOUT:.0f} s") from None
        except OSError as error:
            raise LinkError(f"{name} is gone: {error.strerror}") from error
