"""A VM to test: the driver program, its commands as methods, and modules from text or by hand."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import wasmtime

from tests.vm.building import ROOT, environment

_ROW = re.compile(r"WIRQ_(ERROR|FEATURE)_ROW\((\d+), (\w+),")


def _codes(kind: str) -> dict[str, int]:
    text = (ROOT / "vm/include/wirq_errors.h").read_text()
    return {name: int(code) for row, code, name in _ROW.findall(text) if row == kind}


STATUS = _codes("ERROR")
FEATURE = _codes("FEATURE")
STATUS_NAME = {code: name for name, code in STATUS.items()}


def wat(text: str) -> bytes:
    """A module in text form, assembled."""
    return bytes(wasmtime.wat2wasm(text))


def leb(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def section(number: int, *items: bytes) -> bytes:
    """A section of a vector of items."""
    body = leb(len(items)) + b"".join(items)
    return bytes([number]) + leb(len(body)) + body


def raw_section(number: int, body: bytes) -> bytes:
    return bytes([number]) + leb(len(body)) + body


PREAMBLE = b"\0asm\1\0\0\0"


@dataclass(eq=False)
class Refusal(Exception):
    """The VM answered an error."""

    status: str
    offset: int = 0
    function: int = -1
    detail: int = 0


@dataclass(eq=False)
class Trap(Exception):
    status: str
    function: int
    offset: int
    depth: int
    source: int


class DriverEnded(AssertionError):
    """The driver process is no more; the message has its last words."""


@dataclass(frozen=True)
class Loaded:
    handle: int
    wasm: int
    lowered: int
    bytes: int


@dataclass(frozen=True)
class Source:
    class_: int
    attached: bool
    enabled: bool
    pending: bool
    raised: int
    delivered: int
    missed: int
    faults: int
    priority: int
    active: bool


class Machine:
    """One driver process with one VM."""

    def __init__(
        self, program: Path, scratch: Path, arena: int = 1 << 20, stack: int = 4096, handler_stack: int = 512
    ) -> None:
        self._scratch = scratch
        self._files = 0
        self._process = subprocess.Popen(
            [str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.open(arena, stack, handler_stack)

    def __enter__(self) -> Machine:
        return self

    def kill(self) -> None:
        """Ends the driver, whatever it is doing; who waits for its answer is told with DriverEnded."""
        self._process.kill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        _, complaint = self._process.communicate()
        if kind is None:
            assert self._process.returncode == 0, complaint

    def command(self, line: str) -> list[str]:
        """One command; the words after "ok"."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: what it said last tells why
        words = self._process.stdout.readline().split()
        if not words or words[0] not in ("ok", "error", "trap"):
            rest, complaint = self._process.communicate()
            raise DriverEnded(f"{line[:200]!r} ended the driver: {' '.join(words)}\n{rest}{complaint}")
        if words[0] == "ok":
            return words[1:]
        name = STATUS_NAME[int(words[1])]
        numbers = [int(word) for word in words[3::2]]
        if words[0] == "trap":
            raise Trap(name, *numbers)
        raise Refusal(name, *numbers)

    def numbers(self, line: str) -> list[int]:
        return [int(word) for word in self.command(line)]

    # -- loading

    def open(self, arena: int, stack: int = 4096, handler_stack: int = 512) -> None:
        self.command(f"open {arena} {stack} {handler_stack}")

    def load(self, module: bytes, piece: int = 0) -> Loaded:
        """piece: 0 whole and in place; n bytes at a time; -n: random pieces, seed n."""
        self._files += 1
        path = self._scratch / f"{id(self)}-{self._files}.wasm"
        path.write_bytes(module)
        try:
            words = self.command(f"load {piece} {path}")
        finally:
            path.unlink()
        return Loaded(int(words[0]), int(words[2]), int(words[4]), int(words[6]))

    def code_mode(self, mode: int) -> None:
        """How loads treat lowered code from now on: 0: the arena; 1: memory outside, function by function; 2: the same,
        and what is used was found there by a load that was fed no bodies."""
        self.command(f"code {mode}")

    def instantiate(self, module: bytes | str, piece: int = 0, start: bool = True) -> int:
        """Loads, instantiates and starts a module; its instance's handle."""
        loaded = self.load(wat(module) if isinstance(module, str) else module, piece)
        (instance,) = self.numbers(f"instantiate {loaded.handle}")
        if start:
            self.command(f"start {instance}")
        return instance

    def register(self, instance: int, name: str) -> None:
        self.command(f"register {instance} {_hex(name)}")

    def release(self, instance: int) -> None:
        self.command(f"release {instance}")

    def unload(self, module: int) -> None:
        self.command(f"unload {module}")

    def reset(self) -> None:
        self.command("reset")

    def used(self) -> int:
        return int(self.memory()["used"])

    def memory(self) -> dict[str, int]:
        words = self.command("memory")
        return {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}

    # -- running

    def call(self, instance: int, name: str, *cells: int) -> list[int]:
        """Result cells of an export."""
        return self.call_counting(instance, name, *cells)[1:]

    def call_counting(self, instance: int, name: str, *cells: int) -> list[int]:
        """How often the run was suspended, and then the result cells."""
        arguments = "".join(f" {cell & 0xFFFFFFFF}" for cell in cells)
        return self.numbers(f"call {instance} {_hex(name)}{arguments}")

    def begin(self, instance: int, name: str) -> None:
        """Prepares a call without arguments, to be run by turns."""
        self.command(f"begin {instance} {_hex(name)}")

    def turn(self) -> str:
        """What one wirq_run came to."""
        return ("done", "trapped", "suspended", "waiting")[self.numbers("turn")[0]]

    def yield_soon(self) -> None:
        self.command("yield")

    def value(self, instance: int, name: str) -> list[int]:
        return self.numbers(f"global {instance} {_hex(name)}")

    def digest(self, instance: int) -> list[int]:
        return self.numbers(f"digest {instance}")

    def crc(self, instance: int, memory: int) -> tuple[int, int]:
        """Size and CRC-32 of any of its memories."""
        size, crc = self.numbers(f"crc {instance} {memory}")
        return size, crc

    def features(self) -> set[str]:
        """Names of what this build has."""
        (bits,) = self.numbers("features")
        return {name for name, bit in FEATURE.items() if bits >> bit & 1}

    def fail(self, n: int) -> int:
        """The n-th allocation from now fails, none if 0. What was left of the number that was given last."""
        return self.numbers(f"fail {n}")[0]

    def read(self, instance: int, address: int, length: int) -> bytes:
        words = self.command(f"read {instance} {address} {length}")
        return bytes.fromhex(words[0]) if words else b""

    def word(self, instance: int, address: int) -> int:
        return int.from_bytes(self.read(instance, address, 4), "little")

    def log(self) -> list[int]:
        """What modules gave to test.log since the last look."""
        return self.numbers("log")

    def callers(self) -> list[tuple[int, bool]]:
        """Of the last trap, from the one that called the function that trapped: function index, and whether an
        interrupt came there rather than a call."""
        numbers = self.numbers("callers")
        return [(numbers[i], bool(numbers[i + 2])) for i in range(0, len(numbers), 3)]

    def faults(self) -> list[tuple[int, str]]:
        """Source and trap of the handlers that faulted since the last look."""
        numbers = self.numbers("faults")
        return [(numbers[i], STATUS_NAME[numbers[i + 1]]) for i in range(0, len(numbers), 2)]

    # -- interrupts

    def raise_(self, source: int) -> None:
        self.command(f"raise {source}")

    def source(self, source: int) -> Source:
        words = self.command(f"source {source}")
        class_, attached, enabled, pending, raised, delivered, missed, faults, priority, active = map(int, words[1::2])
        flags = bool(attached), bool(enabled), bool(pending)
        return Source(class_, *flags, raised, delivered, missed, faults, priority, bool(active))

    def budget(self, source: int, fuel: int = 0, deadline_us: int = 0, interval_us: int = 0) -> None:
        self.command(f"budget {source} {fuel} {deadline_us} {interval_us}")

    def bound(self, source: int) -> dict[str, int]:
        """The parts of the source's latency bound."""
        words = self.command(f"bound {source}")
        return {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}

    def policy(self, source: int, policy: str, answer: bool = False) -> None:
        """What becomes of the source's handler when it traps; `answer` is the embedder's for the policy "host"."""
        self.command(f"policy {source} {('fatal', 'contain', 'host').index(policy)} {int(answer)}")

    def inject(self, source: int, n: int, every_dispatch: bool) -> None:
        self.command(f"inject {source} {n} {int(every_dispatch)}")

    def injected(self) -> int:
        return self.numbers("injected")[0]

    def sleeps(self, sources: Iterable[int]) -> None:
        """What each of the next sleeps is woken by: a source that is raised in it, or -1 for nothing."""
        self.command("sleeps" + "".join(f" {source}" for source in sources))


def _hex(name: str) -> str:
    return name.encode().hex() or "-"
