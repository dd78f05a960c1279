"""Rewrites a module so that its safe points are calls of an import: `wirq.safepoint`, of type [i32] -> [].

Any engine runs the result; with a polyfill of the module `wirq` (guests/polyfill) it is interrupted where wirq would
interrupt it (interrupts.md R1). The argument names the safe point: it is the offset of the instruction in the module
that was rewritten, before whose effect the call stands. Bulk operations become loops of chunks with a call before each,
as wirq does them (R54): check everything first, then from the front, or from the back where a copy overlaps so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_host.wasm import encode
from firmware_host.wasm.instructions import (
    CALL,
    ELSE,
    END,
    IF,
    MEMORY_COPY,
    MEMORY_FILL,
    MEMORY_INIT,
    REF_FUNC,
    RETURN_CALL,
    TABLE_COPY,
    TABLE_FILL,
    TABLE_INIT,
    TRY_TABLE,
    Instruction,
    expression_end,
    instructions,
    locals_end,
)
from firmware_host.wasm.module import Module
from firmware_host.wasm.reader import Reader, malformed
from firmware_host.wasm.rewrite import append, count, edited
from firmware_host.wasm.types import VALUE_TYPE_BYTES, FunctionType, Kind, SectionId

#: Bytes of memory, and elements of a table, that wirq does without a look between: vm/src/config.h; a test compares.
CHUNK = 256
TABLE_CHUNK = 32

IMPORT = ("wirq", "safepoint")

_BRANCHES = {IF, ELSE, 0x0C, 0x0D, 0x0E, 0x0F, 0xD5, 0xD6, 0x08, 0x0A}
_CALLS = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15}
_BULK = {MEMORY_INIT, MEMORY_COPY, MEMORY_FILL, TABLE_INIT, TABLE_COPY, TABLE_FILL}
_TABLES = {TABLE_INIT, TABLE_COPY, TABLE_FILL}

_CALL, _I32_CONST, _GET, _SET, _TEE = b"\x10", b"\x41", b"\x20", b"\x21", b"\x22"
_ADD, _SUB, _LT_U, _GT_U, _OR = b"\x6a", b"\x6b", b"\x49", b"\x4b", b"\x72"
_IF, _LOOP, _BLOCK, _ELSE, _BR, _BR_IF = b"\x04\x40", b"\x03\x40", b"\x02\x40", b"\x05", b"\x0c", b"\x0d"


def instrument(data: bytes) -> tuple[bytes, list[int]]:
    """The rewritten module, and the numbers of its safe points in the order of the code. Custom sections other than
    wirq.cfg are left out: what they tell is of the old code. Raises BadModule."""
    module = Module.parse(data)
    return _Rewriter(Module.parse(module.strip())).rewrite()


@dataclass
class _Rewriter:
    module: Module
    sites: list[int] = field(default_factory=list)
    helpers: dict[bytes, int] = field(default_factory=dict)  # instruction bytes to function index
    bodies: list[tuple[FunctionType, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.imported = self.module.imported(Kind.FUNCTION)
        self.safepoint = self.imported  # after all imports, which keep their indices
        self.data = self.module.data

    def moved(self, function: int) -> int:
        return function if function < self.imported else function + 1

    # -- the whole

    def rewrite(self) -> tuple[bytes, list[int]]:
        code = [self._body(one.start, one.end) for one in self.module.code]
        data = self.data
        data = edited(data, SectionId.CODE, lambda n, _: (n, b"".join(code)))
        for number, edit in (
            (SectionId.EXPORT, self._exports),
            (SectionId.ELEMENT, self._elements),
            (SectionId.GLOBAL, self._globals),
            (SectionId.TABLE, self._tables),
        ):
            if count(data, number):
                data = edited(data, number, edit)
        data = self._start(data)
        data = append(data, SectionId.IMPORT, self._import(data))
        data = append(data, SectionId.TYPE, encode.function_type(FunctionType(("i32",))))
        for type_, body in self.bodies:
            index = count(data, SectionId.TYPE)
            data = append(data, SectionId.TYPE, encode.function_type(type_))
            data = append(data, SectionId.FUNCTION, encode.unsigned(index))
            data = append(data, SectionId.CODE, encode.unsigned(len(body)) + body)
        return data, self.sites

    def _import(self, data: bytes) -> bytes:
        module, name = IMPORT
        return encode.name(module) + encode.name(name) + b"\x00" + encode.unsigned(count(data, SectionId.TYPE))

    def _start(self, data: bytes) -> bytes:
        for section in self.module.sections:
            if section.id == SectionId.START and self.module.start is not None:
                old = self.data[section.start : section.end]
                new = encode.section(SectionId.START, encode.unsigned(self.moved(self.module.start)))
                at = data.index(old)
                return data[:at] + new + data[at + len(old) :]
        return data

    # -- sections with function indices

    def _exports(self, items: int, body: bytes) -> tuple[int, bytes]:
        out = b""
        for export in self.module.exports:
            index = self.moved(export.index) if export.kind == Kind.FUNCTION else export.index
            out += encode.name(export.name) + bytes([export.kind]) + encode.unsigned(index)
        return items, out

    def _expression(self, reader: Reader) -> bytes:
        """A constant expression, its references moved."""
        end = expression_end(reader.data, reader.position, reader.end)
        out = b""
        for one in instructions(reader.data, reader.position, end):
            raw = reader.data[one.start : one.end]
            if one.opcode == REF_FUNC:
                raw = bytes([REF_FUNC]) + encode.unsigned(self.moved(Reader(raw, 1).unsigned()))
            out += raw
        reader.position = end
        return out

    def _globals(self, items: int, body: bytes) -> tuple[int, bytes]:
        reader, out = Reader(body), b""
        for _ in range(items):
            start = reader.position
            if reader.byte() in (0x63, 0x64):
                reader.signed(33)
            reader.byte()
            out += body[start : reader.position] + self._expression(reader)
        return items, out

    def _tables(self, items: int, body: bytes) -> tuple[int, bytes]:
        reader, out = Reader(body), b""
        for _ in range(items):
            start = reader.position
            initialised = body[start : start + 2] == b"\x40\x00"
            reader.bytes(2 if initialised else 0)
            if reader.byte() in (0x63, 0x64):
                reader.signed(33)
            flags = reader.unsigned()
            for _ in range(1 + (flags & 1)):
                reader.unsigned(64)
            out += body[start : reader.position]
            if initialised:
                out += self._expression(reader)
        return items, out

    def _elements(self, items: int, body: bytes) -> tuple[int, bytes]:
        reader, out = Reader(body), b""
        for _ in range(items):
            start = reader.position
            flags = reader.unsigned()
            if not flags & 1 and flags & 2:
                reader.unsigned()  # table
            out += body[start : reader.position]
            if not flags & 1:
                out += self._expression(reader)
            start = reader.position
            if flags & 3:  # a kind, or a type
                byte = reader.byte()
                if byte in (0x63, 0x64):
                    reader.signed(33)
            amount = reader.unsigned()
            out += body[start : reader.position]
            for _ in range(amount):
                out += self._expression(reader) if flags & 4 else encode.unsigned(self.moved(reader.unsigned()))
        return items, out

    # -- code

    def _point(self, site: int) -> bytes:
        self.sites.append(site)
        return _I32_CONST + encode.signed(site) + _CALL + encode.unsigned(self.safepoint)

    def _body(self, start: int, end: int) -> bytes:
        first = locals_end(self.data, start, end)
        out = bytearray(self.data[start:first])
        tries: list[int] = []  # depths of the try_table that are open: their end branches past the catch clauses
        for one in instructions(self.data, first, end):
            if one.opcode == TRY_TABLE:
                tries.append(one.depth)
            elif one.opcode == END and tries[-1:] == [one.depth - 1]:
                tries.pop()
                out += self._point(one.start)
            out += self._instruction(one)
        return encode.unsigned(len(out)) + bytes(out)

    def _instruction(self, one: Instruction) -> bytes:
        raw = self.data[one.start : one.end]
        if one.opcode in _BULK:
            self.sites.append(one.start)
            return _I32_CONST + encode.signed(one.start) + _CALL + encode.unsigned(self._helper(one.opcode, raw))
        if one.opcode in (CALL, RETURN_CALL, REF_FUNC):
            raw = bytes([one.opcode]) + encode.unsigned(self.moved(Reader(self.data, one.operands).unsigned()))
        if one.opcode in _BRANCHES or one.opcode in _CALLS or (one.opcode == END and one.depth == 0):
            return self._point(one.start) + raw
        return raw

    def _helper(self, opcode: int, raw: bytes) -> int:
        """The function that does this instruction in chunks: its operands, and the safe point's number."""
        if raw not in self.helpers:
            self.helpers[raw] = len(self.module.functions) + 1 + len(self.bodies)
            self.bodies.append(_chunks(opcode, raw, self._value_type(opcode, raw), self.safepoint))
        return self.helpers[raw]

    def _value_type(self, opcode: int, raw: bytes) -> str:
        if opcode != TABLE_FILL:
            return "i32"
        type_ = self.module.tables[Reader(raw, 2).unsigned()].element
        if type_ not in VALUE_TYPE_BYTES:
            raise malformed(f"a table.fill of {type_} cannot be rewritten by this tool", 0)
        return type_


def _chunks(opcode: int, raw: bytes, value: str, safepoint: int) -> tuple[FunctionType, bytes]:
    """(to, from or value, count, site) -> (): the operation `raw` in chunks, a call of the safe point before each."""
    to, source, left, site = (bytes([i]) for i in range(4))
    is_fill = opcode in (MEMORY_FILL, TABLE_FILL)
    chunk = _I32_CONST + encode.signed(TABLE_CHUNK if opcode in _TABLES else CHUNK)
    whole = _GET + to + _GET + source + _GET + left + raw

    def end_of(start: bytes) -> bytes:
        return _GET + start + _GET + left + _ADD

    point = _GET + site + _CALL + encode.unsigned(safepoint)
    # Out of bounds, also where a sum wraps: the operation itself traps before it does anything.
    wraps = end_of(to) + _GET + to + _LT_U
    if not is_fill:
        wraps += end_of(source) + _GET + source + _LT_U + _OR
    nothing = end_of(to) + (_GET + source if is_fill else end_of(source)) + _I32_CONST + b"\x00" + raw
    check = wraps + _IF + whole + _ELSE + nothing + b"\x0b"

    def step(start: bytes) -> bytes:
        return _GET + start + chunk + _ADD + _SET + start

    shorter = _GET + left + chunk + _SUB + _SET + left
    forward = _GET + to + _GET + source + chunk + raw + step(to) + (b"" if is_fill else step(source)) + shorter
    last = end_of(to) + chunk + _SUB + end_of(source) + chunk + _SUB + chunk + raw
    backward = last + shorter
    same = opcode in (MEMORY_COPY, TABLE_COPY)
    both = _GET + to + _GET + source + _GT_U + _IF + backward + _ELSE + forward + b"\x0b" if same else forward
    loop = _BLOCK + _LOOP + _GET + left + chunk + b"\x4d" + _BR_IF + b"\x01" + both + point + check_again(opcode, check)
    loop += _BR + b"\x00" + b"\x0b" + b"\x0b"
    return FunctionType(("i32", value, "i32", "i32")), b"\x00" + point + check + loop + whole + b"\x0b"


def check_again(opcode: int, check: bytes) -> bytes:
    """The repeated operation checks its bounds again; only a segment can have been dropped meanwhile (R55)."""
    return check if opcode in (MEMORY_INIT, TABLE_INIT) else b""
