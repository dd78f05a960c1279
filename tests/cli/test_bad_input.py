"""Bad input: each kind gives one clear error with its exit code, names the way out, and leaves the board usable."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from firmware_host import BadModule, Board, BoardBusy, BoardError, LinkError, NoSpace, ToolMissing
from firmware_host.build.guest import compile_c
from firmware_host.wasm.types import FunctionType
from tests.cli import guest_modules
from tests.cli.conftest import Wirq, WriteModule
from tests.link.model_board import ModelBoard
from tests.link.serving import serial_port

GOOD = guest_modules.add()


@pytest.fixture(scope="module")
def host() -> Iterator[Board]:
    with Board.connect("host", timeout=10.0) as board:
        yield board


def still_works(board: Board) -> None:
    board.put(GOOD)
    assert board.instantiate().invoke("add", [20, 22]) == [42]


def refused(board: Board, data: bytes, error: type[BoardError]) -> BoardError:
    with pytest.raises(error) as caught:
        board.put(data)
        board.run(board.instantiate())
    assert caught.value.exit_code == 6
    return caught.value


# -- modules, told by the board itself


def test_a_module_cut_off_at_any_byte_is_refused(host: Board) -> None:
    for length in range(1, len(GOOD), 3):
        error = refused(host, GOOD[:length], BadModule)
        assert "refused" in str(error)
    still_works(host)


def test_a_module_with_any_bad_byte_never_harms_the_board(host: Board) -> None:
    for position in range(0, len(GOOD), 5):
        damaged = bytearray(GOOD)
        damaged[position] ^= 0xFF
        host.put(bytes(damaged))
        try:
            host.instantiate()
        except BoardError as error:
            assert str(error)
    still_works(host)


MODULES = {
    "not a module": (b"#!/bin/sh\n", BadModule, "magic header not detected", "not a binary WebAssembly module"),
    "invalid": (guest_modules.invalid(), BadModule, r"type mismatch (in function 0 (main), byte 0x", ""),
    "absent feature": (guest_modules.simd(), BadModule, "needs simd", "-mno-simd128"),
    "missing import": (guest_modules.imports("env", "host"), BadModule, "unknown import env.host", "wirq_guest.h"),
    "import of a wrong type": (guest_modules.imports("board", "clock_us"), BadModule, "board.clock_us", "compare"),
    "handler of the wrong type": (
        guest_modules.handler("timer", FunctionType(("i32",))),
        BadModule,
        "an interrupt handler must have type",
        "declare it as",
    ),
    "handler of an unknown source": (guest_modules.handler("radio"), BoardError, "no such interrupt", "irq list"),
    "nothing to run": (guest_modules.nothing_to_run(), BadModule, "no entry point", "wirq call"),
    "memory too large": (guest_modules.memory_of(1000), NoSpace, "linear memory does not fit", "--page-size=1"),
    "code too large": (guest_modules.code_of(3_000_000), NoSpace, "does not fit", ""),
}


@pytest.mark.parametrize("case", MODULES)
def test_a_module_that_cannot_run_is_refused_and_the_board_stays_usable(host: Board, case: str) -> None:
    data, kind, message, hint = MODULES[case]
    error = refused(host, data, kind)
    assert message in str(error)
    assert hint in error.hint
    still_works(host)


def test_a_refused_load_keeps_what_was_loaded_if_it_was_to_be_kept(host: Board) -> None:
    host.put(GOOD)
    first = host.instantiate()
    host.put(guest_modules.invalid())
    with pytest.raises(BadModule):
        host.instantiate(keep=True)
    assert first.invoke("add", [1, 2]) == [3]


# -- modules, told by the command


COMMANDS = {
    "truncated": (GOOD[:-3], 6, "refused", ""),
    "not a module": (b"hello", 6, "refused", "give a binary module (.wasm) or a C file (.c)"),
    "invalid": (guest_modules.invalid(), 6, "type mismatch", ""),
    "missing import": (guest_modules.imports("env", "host"), 6, "unknown import env.host", "wirq_guest.h"),
    "memory too large": (guest_modules.memory_of(1000), 6, "nothing was sent", "--page-size=1"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_the_command_tells_a_refusal_once_with_the_way_out(wirq: Wirq, write: WriteModule, case: str) -> None:
    data, code, message, hint = COMMANDS[case]
    ran = wirq("-b", "host", "run", write(data))
    assert ran.code == code
    assert ran.err.count("error: ") == 1
    assert message in ran.err
    assert hint in ran.err
    told = wirq("-b", "host", "run", write(data), "--json").last
    assert (told["type"], told["code"]) == ("error", code)


def test_memory_that_cannot_fit_is_told_in_bytes_before_anything_is_sent(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "run", write(guest_modules.memory_of(1000)), "--json")
    assert ran.last["memory_bytes"] == 65_536_000
    assert ran.last["arena_size"] < 65_536_000
    assert "progress" not in [one["type"] for one in ran.objects]


def test_an_unknown_source_names_those_there_are(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "run", write(guest_modules.main_returns(0)), "--raise", "radio@1ms")
    assert ran.code == 6
    assert "host has no interrupt source 'radio'" in ran.err
    assert "3 soft0" in ran.err
    ran = wirq("-b", "host", "irq", "raise", "9")
    assert ran.code == 6
    assert "wirq irq list" in ran.err


def test_c_that_does_not_compile_is_exit_code_1_with_the_compilers_words(wirq: Wirq, tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("int main(void) { return nothing; }\n")
    ran = wirq("-b", "host", "run", source)
    assert ran.code == 1
    assert "nothing" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("instrument", "APP", "-o", "FILE"),
        ("irq", "config", "MODULE", "button", "--fuel", "9", "-o", "FILE"),
        ("-b", "host", "trace", "APP", "-o", "FILE"),
        ("-b", "host", "repl", "--save", "FILE"),
    ],
    ids=lambda words: next(word for word in words if not word.startswith("-") and word != "host"),
)
def test_a_file_that_cannot_be_written_is_told_with_the_reason(
    wirq: Wirq, tmp_path: Path, words: tuple[str, ...]
) -> None:
    app = tmp_path / "app.c"
    app.write_text('#include "wirq_guest.h"\nint main(void) { return 0; }\n')
    module = compile_c(app, tmp_path / "app.wasm")
    missing = tmp_path / "missing" / "file"
    ran = wirq(*(str({"APP": app, "MODULE": module, "FILE": missing}.get(word, word)) for word in words))
    assert ran.code == 1
    assert f"error: cannot write {missing}: No such file or directory\n" in ran.err


def test_a_file_that_is_not_there_is_a_usage_error(wirq: Wirq) -> None:
    ran = wirq("-b", "host", "run", "nosuch.wasm")
    assert ran.code == 2
    assert "nosuch.wasm" in ran.err


# -- the link


def test_a_second_put_in_the_middle_of_the_first_replaces_it(host: Board) -> None:
    big = guest_modules.code_of(20_000)

    def another(done: int, total: int) -> None:
        if done < total:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        host.put(big, progress=another)
    still_works(host)
    host.put(big)
    host.instantiate()


def test_garbage_on_the_line_costs_nothing_that_runs(host: Board) -> None:
    host.put(guest_modules.main_never_ends())
    with host.run(host.instantiate()) as app:
        source = bytes(range(256)) * 8
        host.connection.transport.write(source + b"\x00" + b"reset\r\n" + source)
        host.irq_raise(3)
        assert host.irq_show(3).raised >= 1
        assert app.running
    still_works(host)


def test_a_second_call_while_one_runs_is_busy_and_the_first_goes_on(host: Board) -> None:
    host.put(guest_modules.main_never_ends())
    instance = host.instantiate()
    with host.run(instance) as app:
        with pytest.raises(BoardBusy, match="something is running"):
            instance.invoke("main")
        with pytest.raises(BoardBusy):
            host.drop()
        assert app.running
    still_works(host)


def test_a_board_that_does_not_answer_is_exit_code_5_and_says_what_it_sent(wirq: Wirq, tmp_path: Path) -> None:
    class Bootloader(ModelBoard):
        def receive(self, data: bytes) -> None:  # so the port is open: what was said before is not heard
            self.say("boot: waiting for image\r\n")

    model = Bootloader()
    with serial_port(model) as port:
        ran = wirq("-b", f"port:{port}", "--timeout", "0.5", "irq", "list")
    assert ran.code == 5
    assert f"no hello from {port} in 0.5 s" in ran.err
    assert 'last line: "boot: waiting for image"' in ran.err


def test_a_firmware_process_that_dies_is_a_link_error() -> None:
    with Board.connect("host", timeout=5.0) as board:
        board._target.transport.process.kill()  # type: ignore[attr-defined]
        with pytest.raises(LinkError, match="ended by signal SIGKILL"):
            board.memory()


# -- tools


def test_a_missing_emulator_is_exit_code_8_and_names_the_package(
    wirq: Wirq, write: WriteModule, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from firmware_host.sim import qemu

    monkeypatch.setenv("PATH", str(tmp_path))
    qemu.find_program.cache_clear()
    ran = wirq("-b", "qemu:stm32f4", "run", write(GOOD))
    assert ran.code == 8
    assert "sudo apt-get install" in ran.err
    ran = wirq("-b", "renode:stm32f4", "run", write(GOOD), "--json")
    assert (ran.code, ran.last["name"], ran.last["tool"]) == (8, "ToolMissing", "renode")


def test_a_missing_compiler_is_exit_code_8(wirq: Wirq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from firmware_host.build import toolchains

    def missing() -> Path:
        raise ToolMissing("the Python package ziglang is not installed", hint="pip install ziglang")

    monkeypatch.setattr(toolchains, "zig", missing)
    source = tmp_path / "app.c"
    source.write_text("int main(void) { return 0; }\n")
    ran = wirq("-b", "host", "run", source)
    assert ran.code == 8
    assert "pip install ziglang" in ran.err


def test_a_port_that_may_not_be_opened_is_exit_code_4(wirq: Wirq, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(port: serial.Serial) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(serial.Serial, "open", forbidden)
    ran = wirq("-b", "port:/dev/null", "irq", "list")
    assert ran.code == 4
    assert "/dev/null exists but you may not open it" in ran.err
    assert "usermod -aG" in ran.err
