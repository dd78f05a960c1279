"""A model board behind a real byte stream, served by a thread: for transports and whatever opens them."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from firmware_host.transport.pseudo_terminal import open_raw
from tests.link.model_board import ModelBoard


def serve(descriptor: int, board: ModelBoard, stop: threading.Event) -> None:
    """Moves bytes until the other side closes or `stop` is set."""
    while not stop.is_set():
        try:
            if select.select([descriptor], [], [], 0.01)[0]:
                data = os.read(descriptor, 4096)
                if not data:
                    return
                board.receive(data)
            answer = board.data_to_send()
            while answer:
                answer = answer[os.write(descriptor, answer) :]
        except BlockingIOError:
            continue
        except OSError:
            return


@contextmanager
def serving(descriptor: int, board: ModelBoard) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(descriptor, board, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def serial_port(board: ModelBoard) -> Iterator[str]:
    """The path of a terminal device with the board behind it."""
    master, slave = open_raw()
    try:
        with serving(master, board):
            yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


@contextmanager
def tcp_port(board: ModelBoard) -> Iterator[int]:
    """A port of the loopback with the board behind its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def accept() -> None:
            listener.settimeout(10)
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                serve(connection.fileno(), board, stop)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            listener.close()
            thread.join()
