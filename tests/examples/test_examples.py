"""Every example on every board that it fits, undisturbed and interrupted; and on wasmtime, without interrupts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import Board, resources
from firmware_host.build.guest import compile_c
from firmware_host.wasm import Module, strip
from tests.guests.polyfill import Guest, Stopped

EXAMPLES = resources.path("examples")
BOARDS = ["host", "qemu:stm32f4", "qemu:microbit", "qemu:hifive1"]

FORCED_RESULT = "3245 primes, checksum 2092706092\n"
POLLED_RESULT = "walked to 3083738941\n"

TIMEOUT = 60.0


@pytest.fixture(scope="module", params=BOARDS)
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    with Board.connect(request.param, 10.0) as connected:
        yield connected


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each example compiled as `wirq run` compiles it."""
    folder = tmp_path_factory.mktemp("examples")
    sources = [source for source in sorted(EXAMPLES.glob("*/*.c")) if source.stem != "embed"]
    return {source.stem: compile_c(source, folder / f"{source.stem}.wasm", report=pytest.fail) for source in sources}


def _run(board: Board, module: Path, raises: dict[str, tuple[int, int, int]] | None = None) -> str:
    """Runs an example to its end. `raises`: by source, how often, after how many us, and how many us apart."""
    board.put(strip(module.read_bytes()), replace=True)
    instance = board.instantiate()
    board.console.discard()
    for source, (count, after_us, every_us) in (raises or {}).items():
        board.irq_raise(board.irq_number(source), count, after_us, every_us)
    with board.run(instance) as app:
        assert app.wait(TIMEOUT).status == 0
    return board.console.unread.replace("\r\n", "\n")


def _delivered(board: Board, source: str) -> int:
    """Handler runs of this source since the module was loaded."""
    return board.irq_show(board.irq_number(source)).delivered


def test_every_example_is_one_file_and_listed() -> None:
    folders = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in folders:
        assert [path.name for path in (EXAMPLES / name).iterdir()] == [f"{name}.c"]
        assert f"({name}/{name}.c)" in listed
    assert {"forced", "polled", "uart_echo"} <= set(folders)


def test_examples_need_little_memory(modules: dict[str, Path]) -> None:
    for path in modules.values():
        memory = Module.parse(path.read_bytes()).memory
        assert memory is not None
        assert memory.minimum_bytes <= 2048


class TestForced:
    """The computation comes out the same, however often it is interrupted."""

    def test_undisturbed(self, board: Board, modules: dict[str, Path]) -> None:
        printed = _run(board, modules["forced"])
        assert printed == f"counting primes\n{FORCED_RESULT}raised: button 0, soft0 0\n"

    def test_interrupted_by_two_sources(self, board: Board, modules: dict[str, Path]) -> None:
        printed = _run(board, modules["forced"], {"button": (1, 200, 0), "soft0": (1, 400, 0)})
        assert "interrupted by button: 1\n" in printed
        assert "interrupted by soft0: 1\n" in printed
        assert printed.endswith(f"{FORCED_RESULT}raised: button 1, soft0 1\n")

    def test_interrupted_ten_thousand_times(self, board: Board, modules: dict[str, Path]) -> None:
        printed = _run(board, modules["forced"], {"button": (10_000, 0, 0)})
        assert printed.endswith(f"{FORCED_RESULT}raised: button 10000, soft0 0\n")
        assert _delivered(board, "button") > 0

    def test_interrupted_again_and_again(self, board: Board, modules: dict[str, Path]) -> None:
        printed = _run(board, modules["forced"], {"soft0": (50, 20, 20)})
        assert printed.endswith(f"{FORCED_RESULT}raised: button 0, soft0 50\n")
        assert _delivered(board, "soft0") > 1


class TestPolled:
    """Every raise is seen, by a program that is never interrupted."""

    def test_undisturbed(self, board: Board, modules: dict[str, Path]) -> None:
        assert _run(board, modules["polled"]) == f"walking\n{POLLED_RESULT}"

    def test_raises_are_counted_and_change_nothing_else(self, board: Board, modules: dict[str, Path]) -> None:
        printed = _run(board, modules["polled"], {"button": (3, 100, 0), "soft0": (1, 200, 0)})
        seen = [line.split(", times: ") for line in printed.splitlines() if ", times: " in line]
        assert sum(int(count) for name, count in seen if name == "  button") == 3
        assert sum(int(count) for name, count in seen if name == "  soft0") == 1
        assert printed.endswith(POLLED_RESULT)


class TestUartEcho:
    """What is typed comes back, until Ctrl-D."""

    def test_text_comes_back(self, board: Board, modules: dict[str, Path]) -> None:
        board.put(strip(modules["uart_echo"].read_bytes()), replace=True)
        instance = board.instantiate()
        board.console.discard()
        with board.run(instance) as app:
            board.console.expect("Ctrl-D ends\r?\n", TIMEOUT)
            for word in ("hello", "again", "x" * 200):
                board.console.write(word.encode())
                board.console.expect(word, TIMEOUT)
            board.console.write(b"last\x04")
            board.console.expect("last\r?\nbye\r?\n", TIMEOUT)
            assert app.wait(TIMEOUT).status == 0


class TestOnWasmtime:
    """R2: the same modules run on an engine that knows no interrupts, with a small polyfill."""

    def test_forced_is_interrupted_at_host_calls(self, modules: dict[str, Path]) -> None:
        guest = Guest(modules["forced"])
        guest.raise_(2, 5)
        assert guest.run() == 0
        assert guest.output.endswith(f"{FORCED_RESULT}raised: button 5, soft0 0\n".encode())

    def test_polled_sees_what_was_raised_before_its_last_look(self, modules: dict[str, Path]) -> None:
        guest = Guest(modules["polled"])
        guest.raise_(3, 4)
        assert guest.run() == 0
        assert guest.output == f"walking\n  soft0, times: 4\n{POLLED_RESULT}".encode()

    def test_uart_echo_sends_back_what_it_reads(self, modules: dict[str, Path]) -> None:
        def type_(text: bytes) -> None:
            guest.input += text
            guest.raise_(0)

        guest = Guest(
            modules["uart_echo"],
            script=[lambda _: type_(b"hello "), lambda _: None, lambda _: type_(b"you\x04not this")],
        )
        assert guest.run() == 0
        assert guest.output.endswith(b"ends\nhello you\nbye\n")

    def test_uart_echo_waits_when_nothing_is_typed(self, modules: dict[str, Path]) -> None:
        guest = Guest(modules["uart_echo"], script=[lambda _: None])
        with pytest.raises(Stopped):
            guest.run()
