"""The Python API over a model board: uploads, deferred calls, running apps, console, and what each refusal becomes."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

import firmware_host
from firmware_host import (
    BadModule,
    Board,
    BoardBusy,
    BoardError,
    LinkError,
    LinkTimeout,
    NoSpace,
    ProtocolMismatch,
    TrapError,
    status,
)
from firmware_host.link import messages
from firmware_host.names import ModuleNames
from firmware_host.refusals import refusal
from firmware_host.selector import Target
from tests.link.model_board import ModelBoard
from tests.link.model_transport import ModelTransport, connected

MODULE = b"\0asm\1\0\0\0" + bytes(1500)


def test_connecting_tells_who_the_board_is() -> None:
    with connected(ModelBoard()) as board:
        assert board.info.name == "model"
        assert board.info.vm_version == "0.1.0"
        assert board.info.features == {"mutable-globals", "sign-extension"}
        assert board.info.store_kind == "ram"


def test_the_tick_rate_of_an_emulator_is_told_after_hello() -> None:
    model = ModelBoard()
    with Board(Target("model", ModelTransport(model), tick_hz=64_000_000)):
        assert model.tick_hz == 64_000_000
    assert model.executed == [("control.set_tick", {"hz": 64_000_000})]


def test_a_silent_board_is_a_timeout_that_says_what_it_sent() -> None:
    model = ModelBoard()
    model.mute = True
    model.say("boot: waiting for image\r\n")
    transport = ModelTransport(model)
    with pytest.raises(LinkTimeout, match=r'25 bytes of text, last line: "boot: waiting for image"') as caught:
        Board(Target("model", transport), timeout=0.3)
    assert caught.value.exit_code == 5
    assert caught.value.hint
    assert transport.closed


def test_another_protocol_major_is_refused_and_the_port_released() -> None:
    transport = ModelTransport(ModelBoard(major=7))
    with pytest.raises(ProtocolMismatch, match=r"7\.0.*1\.0"):
        Board(Target("model", transport), timeout=1.0)
    assert transport.closed


def test_a_module_is_sent_in_pieces_and_whole() -> None:
    model = ModelBoard()
    seen: list[tuple[int, int]] = []
    with connected(model) as board:
        board.put(MODULE, progress=lambda done, total: seen.append((done, total)))
    assert model.committed == MODULE
    assert seen[-1] == (len(MODULE), len(MODULE))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_the_board_has_already_is_not_sent_again() -> None:
    model = ModelBoard()
    with connected(model) as board:
        board.put(MODULE)
        model.executed.clear()
        board.put(MODULE)
    assert "files.write" not in [name for name, _ in model.executed]


def test_an_upload_that_was_cut_off_resumes() -> None:
    model = ModelBoard()
    with connected(model) as board:
        digest = {"size": len(MODULE), "name": "a"}
        board.ask("files.begin", sha256=hashlib.sha256(MODULE).digest(), **digest)
        board.ask("files.write", offset=0, data=MODULE[:100])
    with connected(model) as board:
        model.executed.clear()
        board.put(MODULE)
    writes = [values["offset"] for name, values in model.executed if name == "files.write"]
    assert writes[0] == 100
    assert model.committed == MODULE


def test_another_put_replaces_a_half_finished_one() -> None:
    model = ModelBoard()
    other = b"\0asm\1\0\0\0other"
    with connected(model) as board:
        board.ask("files.begin", size=len(MODULE), sha256=hashlib.sha256(MODULE).digest(), name="a")
        board.ask("files.write", offset=0, data=MODULE[:100])
        board.put(other)
        assert model.committed == other


def test_a_module_too_large_for_the_board_is_no_space_and_the_board_stays_usable() -> None:
    with connected(ModelBoard()) as board:
        with pytest.raises(NoSpace, match=r"big\.wasm does not fit.*5000 bytes") as caught:
            board.put(bytes(5000), "big.wasm")
        assert caught.value.exit_code == 6
        board.put(MODULE)


def test_invoke_answers_cells() -> None:
    with connected(ModelBoard()) as board:
        board.put(MODULE)
        assert board.instantiate().invoke("add", [2, 3]) == [5]


def test_a_call_that_takes_too_long_is_stopped() -> None:
    model = ModelBoard()
    with connected(model) as board:
        board.put(MODULE)
        instance = board.instantiate()
        with pytest.raises(LinkTimeout):
            instance.invoke("loop", timeout=0.2)
        assert instance.invoke("add", [1, 1]) == [2]


def test_a_board_that_dies_during_a_call_is_noticed() -> None:
    model = ModelBoard()
    with connected(model, timeout=0.3) as board:
        board.put(MODULE)
        instance = board.instantiate()
        threading.Timer(0.1, lambda: setattr(model, "mute", True)).start()
        with pytest.raises(LinkTimeout, match="stopped answering"):
            instance.invoke("loop")


def test_an_unplugged_board_is_a_link_error_for_every_later_call() -> None:
    transport = ModelTransport(ModelBoard())
    with Board(Target("model", transport), timeout=1.0) as board:
        transport.cut = True
        for _ in range(2):
            with pytest.raises(LinkError, match="unplugged"):
                board.memory()


def test_an_idle_host_still_acknowledges_and_takes_text() -> None:
    model = ModelBoard()
    with connected(model) as board:
        model.event("irq.irq", {"source": 1, "raised": 1, "delivered": 1, "missed": 0, "board_time_us": 5})
        model.event("irq.irq", {"source": 1, "raised": 2, "delivered": 2, "missed": 0, "board_time_us": 6})
        model.say("good morning\r\n")
        seen: list[int] = []
        board.on_irq = lambda values: seen.append(values["raised"])
        deadline = time.monotonic() + 3
        while (len(seen) < 2 or "good morning" not in board.console.text) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert seen == [1, 2]
        assert "good morning" in board.console.text


def test_an_app_is_waited_for() -> None:
    model = ModelBoard()
    with connected(model) as board:
        board.put(MODULE)
        app = board.run(board.instantiate())
        assert app.running
        model.exit(0, result=0xFFFFFFFE)
        assert app.wait(1.0) == firmware_host.AppResult(-2)
        assert not app.running


def test_leaving_an_apps_block_stops_it() -> None:
    model = ModelBoard()
    with connected(model) as board:
        board.put(MODULE)
        with board.run(board.instantiate()) as app:
            pass
        assert not model.running
        trap = app.wait().trap
        assert trap is not None
        assert trap.stopped


def test_a_second_run_meanwhile_is_refused_as_busy() -> None:
    model = ModelBoard()
    with connected(model) as board:
        board.put(MODULE)
        instance = board.instantiate()
        with board.run(instance) as app:
            with pytest.raises(BoardBusy):
                board.run(instance)
            assert app.running


def test_typing_goes_by_the_console_channel_and_text_is_expected() -> None:
    model = ModelBoard()
    with connected(model) as board:
        board.console.write_line("irq list")
        match = board.console.expect(r"heard (\w+) list", timeout=1.0)
        assert match[1] == "irq"
        with pytest.raises(LinkTimeout, match="never"):
            board.console.expect("never", timeout=0.05)
        board.console.write(b"x")
        board.console.expect("heard x", timeout=1.0)
    assert bytes(model.text_in) == b"irq list\rx"


def test_a_source_is_found_by_number_or_refused() -> None:
    with connected(ModelBoard()) as board:
        assert board.irq_number("3") == 3
        with pytest.raises(BoardError, match="no such interrupt source") as caught:
            board.irq_raise(9)
        assert caught.value.code == status.code("UNKNOWN_SOURCE")


FAILURE = {"offset": 0x4C, "function": 3, "detail": 14, "text": ""}
REFUSALS = [
    ("TYPE_MISMATCH", BadModule, r"app\.wasm is refused: type mismatch \(in function 3, byte 0x4c\)", ""),
    ("ABSENT_FEATURE", BadModule, r"needs simd, which this board's build does not have", "-mno-simd128"),
    ("UNKNOWN_IMPORT", BadModule, r"unknown import number 14", "wirq_guest.h"),
    ("HANDLER_TYPE", BadModule, "interrupt handler must have type", "void handler"),
    ("NO_ENTRY", BadModule, "no entry point", "wirq call"),
    ("NO_MEMORY", NoSpace, r"memory is full \(14 bytes are needed\)", "smaller"),
    ("LINEAR_MEMORY_TOO_LARGE", NoSpace, "linear memory does not fit", "--page-size=1"),
    ("BUSY", BoardBusy, "something is running", "stop it"),
    ("UNKNOWN_SOURCE", BoardError, "no such interrupt source", "wirq irq list"),
    ("TRAP_DIVIDE_BY_ZERO", TrapError, r"trap: integer divide by zero in function 3, 14 calls deep", ""),
]


@pytest.mark.parametrize(("name", "kind", "message", "hint"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_status_becomes_the_exception_that_says_what_where_and_the_way_out(
    name: str, kind: type[Exception], message: str, hint: str
) -> None:
    error = refusal(status.code(name), FAILURE, ModuleNames("app.wasm"))
    assert type(error) is kind
    with pytest.raises(kind, match=message):
        raise error
    assert hint in error.hint


def test_an_import_is_named_by_the_board_or_from_the_hosts_copy() -> None:
    values = {**FAILURE, "text": "env.print"}
    assert "unknown import env.print" in str(refusal(status.code("UNKNOWN_IMPORT"), values, ModuleNames("a")))


def test_a_status_from_newer_firmware_is_named_as_unknown() -> None:
    error = refusal(199, FAILURE, ModuleNames("app.wasm"))
    assert "status 199" in str(error)
    assert "update wirq" in error.hint


def test_a_request_that_does_not_fit_a_frame_is_refused_before_it_is_sent() -> None:
    model = ModelBoard(max_frame=64)
    with connected(model) as board:
        board.put(MODULE)
        with pytest.raises(LinkError, match="takes 64"):
            board.instantiate().invoke("add", list(range(64)))
        assert board.instantiate().invoke("add", [1]) == [1]
        assert messages.HEADER_SIZE == 6
