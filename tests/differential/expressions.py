"""Expressions of a function body: code that leaves one value of a wanted type.

`exact` wants a float whose bits are known in full; else it may be a NaN that arithmetic made (see generator.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random

from firmware_host.wasm.encode import constant, signed, unsigned
from tests.differential import values
from tests.differential.module import NUMBERS, Module, Signature, ValueType, encode_type
from vm.ops.wasm import Instruction, numeric

FUEL = 0  # index of the global

_BY_RESULT: dict[str, list[Instruction]] = {kind: [row for row in numeric() if row.result == kind] for kind in NUMBERS}

#: All but those that show the bits of a NaN.
_TOLD = [row for row in numeric() if "reinterpret_f" not in row.name]

#: Opcode, and log2 of the width.
_LOADS = {
    "i32": ((0x28, 2), (0x2C, 0), (0x2D, 0), (0x2E, 1), (0x2F, 1)),
    "i64": ((0x29, 3), (0x30, 0), (0x31, 0), (0x32, 1), (0x33, 1), (0x34, 2), (0x35, 2)),
    "f32": ((0x2A, 2),),
    "f64": ((0x2B, 3),),
}
STORES = {
    "i32": ((0x36, 2), (0x3A, 0), (0x3B, 1)),
    "i64": ((0x37, 3), (0x3C, 0), (0x3D, 1), (0x3E, 2)),
    "f32": ((0x38, 2),),
    "f64": ((0x39, 3),),
}


def i32(value: int) -> bytes:
    """An i32.const, of a signed or unsigned number."""
    value &= 0xFFFFFFFF
    return b"\x41" + signed(value - (1 << 32) if value >> 31 else value)


class Expressions:
    """What is known where code is generated, and expressions made of it."""

    def __init__(self, random: Random, module: Module, features: Collection[str], signature: Signature) -> None:
        self.random = random
        self.module = module
        self.features = features
        self.signature = signature
        self.locals: list[ValueType] = list(signature.parameters)
        self.exact_locals: set[int] = set()
        self.own: list[int] = []  # functions that may be called
        self.left = 0  # instructions that may still be made, about
        self._float_temporaries: dict[str, int] = {}

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def add_local(self, type_: ValueType, exact: bool = False) -> int:
        self.locals.append(type_)
        if exact:
            self.exact_locals.add(len(self.locals) - 1)
        return len(self.locals) - 1

    # -- any value

    def value(self, type_: ValueType, exact: bool = False) -> bytes:
        self.left -= 1
        makers: list[tuple[int, Callable[[ValueType, bool], bytes | None]]] = [(3, self._local), (2, self._global)]
        if type_ not in NUMBERS:
            makers.append((4, self._reference))
        else:
            makers.append((4, self._constant))
            if self.left > 0:
                makers += [(12, self._numeric), (3, self._load), (1, self._size)]
        if self.left > 0:
            makers += [(2, self._select), (2, self.structured), (2, self._tee), (2, self._call)]
        maker = self.random.choices([one for _, one in makers], [weight for weight, _ in makers])[0]
        made = maker(type_, exact)
        if made is None:
            made = self._constant(type_, exact) if type_ in NUMBERS else self._reference(type_, exact)
        return made

    def arguments(self, types: tuple[ValueType, ...]) -> bytes:
        return b"".join(self.value(one) for one in types)

    def structured(self, type_: ValueType, exact: bool) -> bytes | None:
        """A block, loop or if that gives a value: see body.py."""
        raise NotImplementedError

    # -- numbers

    def _constant(self, type_: ValueType, exact: bool) -> bytes:
        return constant(type_, values.bits_of(self.random, type_))[:-1]

    def _numeric(self, type_: ValueType, exact: bool) -> bytes | None:
        row = self.random.choice(_BY_RESULT[type_])
        if exact and type_[0] == "f" and "reinterpret" not in row.name:
            return self.exact_float(type_, self._operation(row, self.value))
        if "reinterpret_f" in row.name:
            return self.bits(row.parameters[0])
        return self._operation(row, self.value)

    def _operation(self, row: Instruction, operand: Callable[[ValueType, bool], bytes]) -> bytes:
        """`operand` makes code for one; its second argument is `exact`."""
        operation = row.name.split(".")[1]
        # Of the second operand of copysign the sign shows, even if it is a NaN.
        exact = [operation == "copysign" and i == 1 for i in range(len(row.parameters))]
        operands = [operand(one, how) for one, how in zip(row.parameters, exact, strict=True)]
        if operation.startswith("trunc_f") and self.chance(0.9):
            return self._saturating(row, operands[0])
        if operation.startswith(("div_", "rem_")) and self.chance(0.9):
            operands[1] += b"\x41\x01\x72" if row.result == "i32" else b"\x42\x01\x84"  # not 0
        return b"".join(operands) + _opcode(row.opcode)

    def _saturating(self, row: Instruction, operand: bytes) -> bytes:
        order = [f"{to}.trunc_{of}_{sign}" for to in ("i32", "i64") for of in ("f32", "f64") for sign in "su"]
        return operand + b"\xfc" + unsigned(order.index(row.name))

    def survey(self) -> bytes:
        """Many operations on constants and locals, whose results are mixed into one number, which is logged: none of
        them is lost in what the program happens to do with it."""
        mixed = b"\x20" + unsigned(self.add_local("i64"))
        code = b""
        for i in range(self.random.randrange(10, 80)):
            if i % 8 == 0:  # values that the loader does not know
                code += b"".join(self.anew() for _ in range(3))
            row = self.random.choice(_TOLD)
            result = self._operation(row, self.leaf)
            if row.result in ("f32", "f64"):
                result = self.known_bits(row.result, result)
            if row.result in ("i32", "f32"):
                result += b"\xad"  # i64.extend_i32_u
            code += mixed + b"\x42\x01\x89" + result + b"\x85" + b"\x21" + mixed[1:]  # rotated by 1, xor
        return code + mixed + b"\x10\x01"

    def anew(self) -> bytes:
        """Gives a local a constant value."""
        index = self.random.randrange(len(self.locals))
        type_ = self.locals[index]
        return (
            constant(type_, values.bits_of(self.random, type_))[:-1] + b"\x21" + unsigned(index)
            if type_ in NUMBERS
            else b""
        )

    def leaf(self, type_: ValueType, exact: bool) -> bytes:
        local = self._local(type_, exact) if self.chance(0.5) else None
        if local is not None:
            return local
        return self._constant(type_, exact) if type_ in NUMBERS else self._reference(type_, exact)

    def bits(self, type_: str) -> bytes:
        """The bits of a float as an integer: of an exact one all of them, of another the same unless it is a NaN."""
        if self.chance(0.5):
            return self.value(type_, exact=True) + (b"\xbc" if type_ == "f32" else b"\xbd")
        return self.known_bits(type_, self.value(type_))

    def known_bits(self, type_: str, code: bytes) -> bytes:
        """bits & (x != x ? exponent and quiet bit : all)."""
        if type_ not in self._float_temporaries:
            self._float_temporaries[type_] = self.add_local(type_)
        tee, get = (bytes([op]) + unsigned(self._float_temporaries[type_]) for op in (0x22, 0x20))
        if type_ == "f32":
            return code + tee + b"\xbc" + i32(0x7FC00000) + i32(-1) + get + get + b"\x5c\x1b\x71"
        masks = b"\x42" + signed(0x7FF8000000000000) + b"\x42" + signed(-1)
        return code + tee + b"\xbd" + masks + get + get + b"\x62\x1b\x83"

    def exact_float(self, type_: str, code: bytes) -> bytes:
        return self.known_bits(type_, code) + (b"\xbe" if type_ == "f32" else b"\xbf")

    # -- locals, globals

    def pick_local(self, type_: ValueType, exact: bool = False) -> int | None:
        hidden = self._float_temporaries.values()
        fitting = [
            i
            for i, one in enumerate(self.locals)
            if one == type_ and i not in hidden and not (exact and type_[0] == "f" and i not in self.exact_locals)
        ]
        if type_ not in NUMBERS:
            fitting = [i for i, one in enumerate(self.locals) if one == type_]
        return self.random.choice(fitting) if fitting else None

    def _local(self, type_: ValueType, exact: bool) -> bytes | None:
        index = self.pick_local(type_, exact)
        return None if index is None else b"\x20" + unsigned(index)

    def _tee(self, type_: ValueType, exact: bool) -> bytes | None:
        index = self.pick_local(type_)
        if index is None or (exact and index not in self.exact_locals and type_ in ("f32", "f64")):
            return None
        return self.value(type_, exact=index in self.exact_locals) + b"\x22" + unsigned(index)

    def pick_global(self, type_: ValueType, mutable: bool = False) -> int | None:
        """Floats in globals are exact."""
        fitting = [
            i
            for i, one in enumerate(self.module.globals)
            if i != FUEL and one.type == type_ and (one.mutable or not mutable)
        ]
        return self.random.choice(fitting) if fitting else None

    def _global(self, type_: ValueType, exact: bool) -> bytes | None:
        index = self.pick_global(type_)
        return None if index is None else b"\x23" + unsigned(index)

    # -- memory

    def address(self, memory: int, width: int) -> tuple[bytes, int]:
        """Code for an address, and the offset of the access: nearly always in bounds, often at one of them."""
        random, size = self.random, self.module.memories[memory].size
        wild = self.chance(0.02)
        if size < width and not wild:
            return i32(0), random.randrange(3)  # traps, unless memory has grown
        if wild:
            return self.value("i32"), random.choice((0, 1, 4, 65535, 0xFFFFFFFF))
        last = size - width
        if self.chance(0.3) or last < 16:
            address = random.choice((0, last, last, random.randrange(last + 1)))
            if self.chance(0.03):
                address = last + random.randrange(1, 5)
            offset = random.choice((0, address, random.randrange(address + 1)))
            return i32(address - offset), offset
        bits = last.bit_length() - 1  # (expression & mask) <= last
        offset = random.choice((0, 0, 1, 2, 8, last - (1 << bits) + 1, random.randrange(last - (1 << bits) + 2)))
        offset = min(offset, last - (1 << bits) + 1)
        return self.value("i32") + i32((1 << bits) - 1) + b"\x71", offset

    def memarg(self, memory: int, width_log2: int, offset: int) -> bytes:
        align = self.random.randrange(width_log2 + 1)
        if memory == 0 and not ("MULTI_MEMORY" in self.features and self.chance(0.05)):
            return unsigned(align) + unsigned(offset)
        return unsigned(align | 0x40) + unsigned(memory) + unsigned(offset)

    def pick_memory(self) -> int | None:
        return self.random.randrange(len(self.module.memories)) if self.module.memories else None

    def _load(self, type_: ValueType, exact: bool) -> bytes | None:
        memory = self.pick_memory()
        if memory is None:
            return None
        opcode, width = self.random.choice(_LOADS[type_])
        code, offset = self.address(memory, 1 << width)
        return code + bytes([opcode]) + self.memarg(memory, width, offset)

    def _size(self, type_: ValueType, exact: bool) -> bytes | None:
        if type_ != "i32":
            return None
        choices = []
        memory = self.pick_memory()
        if memory is not None:
            choices += [
                b"\x3f" + unsigned(memory),
                i32(self.random.choice((0, 1, 2, 70000))) + b"\x40" + unsigned(memory),
            ]
        if "REFERENCE_TYPES" in self.features:
            choices += [self.value(kind) + b"\xd1" for kind in ("funcref", "externref")]
            for table, one in enumerate(self.module.tables):
                grow = self.value(one.type) + i32(self.random.choice((0, 1, 3, 100)))
                choices += [b"\xfc\x10" + unsigned(table), grow + b"\xfc\x0f" + unsigned(table)]
        return self.random.choice(choices) if choices else None

    # -- choosing and calling

    def _select(self, type_: ValueType, exact: bool) -> bytes:
        both = self.value(type_, exact) + self.value(type_, exact) + self.value("i32")
        if type_ in NUMBERS and not ("REFERENCE_TYPES" in self.features and self.chance(0.2)):
            return both + b"\x1b"
        return both + b"\x1c\x01" + encode_type(type_)

    def _call(self, type_: ValueType, exact: bool) -> bytes | None:
        if exact and type_ in ("f32", "f64"):
            return None
        fitting = [f for f in self.own if self.module.signature(f).results[:1] == (type_,)]
        if not fitting:
            return None
        function = self.random.choice(fitting)
        return self.call(function) + b"\x1a" * (len(self.module.signature(function).results) - 1)

    def call(self, function: int) -> bytes:
        """In one of the ways that calls are made."""
        arguments = self.arguments(self.module.signature(function).parameters)
        way = self.random.random()
        if way < 0.3:
            index, table = self.table_index(function)
            if index is not None:
                return arguments + index + b"\x11" + unsigned(self.module.functions[function]) + unsigned(table)
        if way < 0.5 and "TYPED_FUNCTION_REFERENCES" in self.features:
            return arguments + self.typed(function) + b"\x14" + unsigned(self.module.functions[function])
        return arguments + b"\x10" + unsigned(function)

    def typed(self, function: int) -> bytes:
        """A reference of the function's type, mostly not null."""
        type_ = f"ref null {self.module.functions[function]}"
        if self.chance(0.25):
            return self.value(type_) + (b"\xd4" if self.chance(0.3) else b"")
        return b"\xd2" + unsigned(function)

    def table_index(self, function: int) -> tuple[bytes | None, int]:
        """Code for an element where the function is, or was at the beginning; of any element now and then."""
        places = []
        for segment in self.module.elements:
            if segment.table is not None:
                start = _offset_of(segment.offset)
                places += [(segment.table, start + i) for i, one in enumerate(segment.functions) if one == function]
        tables = [i for i, one in enumerate(self.module.tables) if one.type == "funcref"]
        if not tables:
            return None, 0
        if places and self.chance(0.95):
            table, at = self.random.choice(places)
            return i32(at), table
        if not self.chance(0.2):
            return None, 0
        table = self.random.choice(tables)
        return i32(self.random.randrange(self.module.tables[table].minimum + 2)), table

    # -- references

    def _reference(self, type_: ValueType, exact: bool) -> bytes:
        choices = [b"\xd0" + encode_type(type_)]
        if type_.startswith("ref "):
            index = int(type_.split()[-1])
            choices = [b"\xd0" + unsigned(index)] if "null" in type_ else []
            choices += [b"\xd2" + unsigned(f) for f in self.own if self.module.functions[f] == index] * 2
            return self.random.choice(choices)
        if type_ == "funcref":
            choices += [b"\xd2" + unsigned(f) for f in self.own[:3]]
        for table, one in enumerate(self.module.tables):
            if one.type == type_ and one.minimum:
                choices.append(i32(self.random.randrange(one.minimum)) + b"\x25" + unsigned(table))
        return self.random.choice(choices)


def _opcode(number: int) -> bytes:
    return bytes([number]) if number < 0x100 else b"\xfc" + unsigned(number & 0xFF)


def _offset_of(expression: bytes) -> int:
    """Of a segment: an i32.const below 64."""
    return expression[1] & 0x7F
