"""Reads the primitive values of the binary format: bytes, LEB128 numbers of any permitted length, names."""

from __future__ import annotations

from firmware_host.errors import BadModule


def malformed(problem: str, offset: int) -> BadModule:
    """The error that says what is wrong with a module's bytes, and where."""
    return BadModule(
        f"the module is malformed at byte {offset:#x}: {problem}",
        hint="send the file that the compiler wrote; wasm-tools or wasm-objdump can tell more about it",
    )


class Reader:
    """A position in the bytes of a module, never past `end`."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end

    def __bool__(self) -> bool:
        """Whether there is more to read."""
        return self.position < self.end

    def byte(self) -> int:
        if self.position >= self.end:
            raise malformed("it ends in the middle of something", self.position)
        value = self.data[self.position]
        self.position += 1
        return value

    def bytes(self, count: int) -> bytes:
        if count > self.end - self.position:
            raise malformed(f"{count} bytes are announced, {self.end - self.position} are there", self.position)
        start = self.position
        self.position += count
        return self.data[start : self.position]

    def unsigned(self, bits: int = 32) -> int:
        """An unsigned LEB128 number; padding up to ceil(bits / 7) bytes is permitted."""
        start = self.position
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> bits:
                    raise malformed("a number is too large", start)
                return value
        raise malformed("a number is longer than it may be", start)

    def signed(self, bits: int) -> int:
        """A signed LEB128 number."""
        start = self.position
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte & 0x40:
                    value -= 1 << (shift + 7)
                if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
                    raise malformed("a number is too large", start)
                return value
        raise malformed("a number is longer than it may be", start)

    def name(self) -> str:
        """A name: its length in bytes, then UTF-8."""
        start = self.position
        try:
            return self.bytes(self.unsigned()).decode("utf-8")
        except UnicodeDecodeError:
            raise malformed("a name is not UTF-8", start) from None
