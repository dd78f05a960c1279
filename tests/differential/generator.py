"""Random valid modules: always the same for a seed, ending whatever happens, and free of what the standard leaves open.

What the standard leaves open is kept out of what can be compared:

- Bits of a NaN that arithmetic made never reach an integer or memory as they are: only exponent and quiet bit do, in
  which all implementations agree. Floats that were only moved (constants, loads, parameters) are exact, and stay so.
- Every loop and function takes from the global `fuel`, and traps when there is none.
- Memories and tables have a maximum that the VM can serve, and stacks are deep enough.

Exported functions take and give integers only, so that no bit is lost on the way through a host language.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from firmware_host.wasm.encode import constant, signed, unsigned
from firmware_host.wasm.types import Kind
from tests.differential import values
from tests.differential.body import Body
from tests.differential.module import (
    NUMBERS,
    Data,
    Elements,
    Global,
    Memory,
    Module,
    Signature,
    Table,
    ValueType,
    typed_reference,
)

#: Loops and calls of one exported function.
MOST_FUEL = 1500
#: Of the interrupt source whose handler every module has, and which must not be noticed.
SOURCE_NAME = "soft0"


@dataclass(frozen=True)
class Call:
    """Of an exported function: arguments are the bit patterns of integers, by type."""

    name: str
    arguments: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Program:
    """A module and what is done with it."""

    seed: int
    module: bytes
    calls: tuple[Call, ...]


def generate(seed: int, features: Collection[str]) -> Program:
    """`features`: names of enum wirq_feature that the module may use."""
    return _Generator(seed, features).program()


class _Generator:
    def __init__(self, seed: int, features: Collection[str]) -> None:
        self.seed = seed
        self.random = Random(seed)
        # Each module leaves some features out, so that simpler forms are seen too.
        self.features = {one for one in sorted(features) if self.random.random() < 0.8}
        if "REFERENCE_TYPES" not in self.features:
            self.features -= {"MULTI_TABLE", "TYPED_FUNCTION_REFERENCES"}
        self.module = Module()

    def program(self) -> Program:
        random, module = self.random, self.module
        module.import_function("test", "log", Signature(("i32",), ()))
        module.import_function("test", "log64", Signature(("i64",), ()))
        self._memories()
        self._tags()
        own = [module.declare(self._signature()) for _ in range(random.randrange(1, 7))]
        self._tables(own)
        self._globals()
        if "TYPED_FUNCTION_REFERENCES" in self.features:
            self._typed_globals(own)
        self._segments(own)
        for function in own:
            module.bodies[function] = Body(random, module, self.features, module.signature(function)).function(own)
        wrappers = [self._wrapper(function) for function in own]
        self._state()
        self._handler()
        if random.random() < 0.2:
            module.start = module.declare(Signature((), ()))
            module.bodies[module.start] = Body(random, module, self.features, Signature((), ())).start(own, 50)
        module.exports.extend((f"memory{i}", Kind.MEMORY, i) for i in range(len(module.memories)))
        calls = []
        for _ in range(random.randrange(2, 8)):
            name, parameters = random.choice(wrappers)
            calls.append(Call(name, tuple((t, values.integer(random, int(t[1:]))) for t in parameters)))
            calls.append(Call("state", ()))
        return Program(self.seed, module.finish(), tuple(calls))

    # -- index spaces

    def _number(self) -> str:
        return self.random.choices(NUMBERS, (4, 3, 2, 2))[0]

    def _signature(self, largest: int = 5) -> Signature:
        count = self.random.randrange(largest)
        if self.random.random() < 0.05:
            count += 12
        results = self.random.choices((0, 1, 2, 3), (2, 5, 1, 1))[0] if "MULTI_VALUE" in self.features else 1
        parameters = tuple(self._parameter() for _ in range(count))
        if self.random.random() < 0.2:
            parameters = (self._number(),) * 2
        return Signature(parameters, tuple(self._parameter() for _ in range(results)))

    def _parameter(self) -> ValueType:
        if "REFERENCE_TYPES" in self.features and self.random.random() < 0.08:
            return self.random.choice(("funcref", "externref"))
        return self._number()

    def _memories(self) -> None:
        random = self.random
        count = random.choices((0, 1, 2, 3), (1, 12, 3, 1))[0]
        if "MULTI_MEMORY" not in self.features:
            count = min(1, count)
        for _ in range(count):
            if "CUSTOM_PAGE_SIZES" in self.features and random.random() < 0.4:
                minimum = random.choice((0, 1, 2, 3, 4, 7, 8, 9, 100, 1000, 4096, 65535, 65536, 70000))
                self.module.memories.append(Memory(minimum, minimum + random.choice((0, 1, 5, 1000)), 0))
            else:
                minimum = random.choices((0, 1, 2), (1, 8, 2))[0]
                self.module.memories.append(Memory(minimum, minimum + random.randrange(3), 16))

    def _tags(self) -> None:
        if "EXCEPTIONS" in self.features:
            for _ in range(self.random.randrange(4)):
                parameters = tuple(self._number() for _ in range(self.random.randrange(4)))
                self.module.tags.append(self.module.type(Signature(parameters, ())))

    def _tables(self, own: list[int]) -> None:
        random, module = self.random, self.module
        count = random.choices((0, 1, 2, 3), (1, 6, 2, 1))[0]
        if "MULTI_TABLE" not in self.features:
            count = min(1, count)
        for i in range(count):
            type_ = "funcref"
            if i != 0 and random.random() < 0.3:
                type_ = "externref"
            minimum = random.choice((0, 1, len(own), 10, 20, 100))
            module.tables.append(Table(type_, minimum, minimum + random.randrange(5)))

    def _globals(self) -> None:
        random, module = self.random, self.module
        module.globals.append(Global("i32", True, constant("i32", MOST_FUEL)))  # fuel
        for _ in range(random.randrange(1, 7)):
            type_ = self._parameter()
            module.globals.append(Global(type_, random.random() < 0.8, self._initial(type_)))

    def _typed_globals(self, own: list[int]) -> None:
        for _ in range(self.random.randrange(3)):
            function = self.random.choice(own)
            index = self.module.functions[function]
            if self.random.random() < 0.6:
                init = b"\xd2" + unsigned(function) + b"\x0b"
            else:
                init = b"\xd0" + unsigned(index) + b"\x0b"
            self.module.globals.append(Global(typed_reference(index), True, init))

    def _initial(self, type_: ValueType) -> bytes:
        """A constant expression."""
        random = self.random
        if type_ in ("i32", "i64") and "EXTENDED_CONST" in self.features and random.random() < 0.4:
            return self._constant_tree(type_, 4) + b"\x0b"
        if type_ in NUMBERS:
            return constant(type_, values.bits_of(random, type_))
        return constant(type_, 0)

    def _constant_tree(self, type_: str, depth: int) -> bytes:
        random = self.random
        if depth == 0 or random.random() < 0.3:
            fixed = [i for i, one in enumerate(self.module.globals) if one.type == type_ and not one.mutable]
            if fixed and "GC" in self.features:  # of a global that is defined before, in 3.0
                return b"\x23" + unsigned(random.choice(fixed))
            return constant(type_, values.bits_of(random, type_))[:-1]
        operation = random.choice((0x6A, 0x6B, 0x6C) if type_ == "i32" else (0x7C, 0x7D, 0x7E))
        left, right = self._constant_tree(type_, depth - 1), self._constant_tree(type_, depth - 1)
        return left + right + bytes([operation])

    def _segments(self, own: list[int]) -> None:
        random, module = self.random, self.module
        bulk = "BULK_MEMORY" in self.features
        for memory in range(len(module.memories)):
            for _ in range(random.randrange(3)):
                content = random.randbytes(random.choice((0, 1, 5, 30, 200, 1800)))
                size = module.memories[memory].size
                if bulk and random.random() < 0.4:
                    module.data.append(Data(content, None))
                elif len(content) <= size:
                    offset = random.choice((0, size - len(content), random.randrange(size - len(content) + 1)))
                    module.data.append(Data(content, memory, constant("i32", offset)))
        funcref_tables = [i for i, table in enumerate(module.tables) if table.type == "funcref"]
        for index in funcref_tables:
            for _ in range(random.randrange(1, 3)):
                size = module.tables[index].minimum
                count = random.randrange(min(size, random.choice((8, 60))) + 1)
                listed: list[int | None] = [random.choice([*own, *own, 0]) for _ in range(count)]
                if "REFERENCE_TYPES" in self.features and random.random() < 0.3:
                    listed = [one if random.random() < 0.7 else None for one in listed]
                if bulk and random.random() < 0.3:
                    module.elements.append(Elements(tuple(listed), None))
                else:
                    offset = random.randrange(size - count + 1)
                    module.elements.append(Elements(tuple(listed), index, constant("i32", offset)))
        if "REFERENCE_TYPES" in self.features:  # so that every function may be referred to
            module.elements.append(Elements(tuple(own), None, declarative=True))

    # -- exported functions

    def _wrapper(self, function: int) -> tuple[str, tuple[str, ...]]:
        """Exports a function by another, of integers, that gives it fuel."""
        module = self.module
        signature = module.signature(function)
        parameters = tuple(_as_integer(one) for one in signature.parameters if one in NUMBERS)
        results = tuple(_as_integer(one) for one in signature.results)
        outer = Signature(parameters, results)
        wrapper = module.declare(outer)
        module.bodies[wrapper] = Body(self.random, module, self.features, outer).wrapper(function, MOST_FUEL)
        module.exports.append((f"f{function}", Kind.FUNCTION, wrapper))
        return f"f{function}", parameters

    def _state(self) -> None:
        """A function that gives all that the module remembers but its memories."""
        kinds = [_as_integer(one.type) for one in self.module.globals]
        if "MULTI_VALUE" not in self.features:
            kinds = kinds[-1:]
        sizes = self._sizes() if "MULTI_VALUE" in self.features else []
        signature = Signature((), (*kinds, *("i32" for _ in sizes)))
        function = self.module.declare(signature)
        body = Body(self.random, self.module, self.features, signature)
        shown = range(len(self.module.globals))[-len(kinds) :]
        self.module.bodies[function] = body.state(shown, sizes)
        self.module.exports.append(("state", Kind.FUNCTION, function))

    def _sizes(self) -> list[bytes]:
        """Instructions that tell how large memories are."""
        return [b"\x3f" + unsigned(i) for i in range(len(self.module.memories))]

    def _handler(self) -> None:
        """An interrupt handler that uses much stack and changes nothing: whoever is interrupted must not notice."""
        inner = self.module.declare(Signature(("i32",), ("i32",)))
        deeper = b"\x20\x00\x04\x7f\x20\x00\x41\x01\x6b\x10" + unsigned(inner) + b"\x41\x0d\x6a\x05\x41\x07\x0b\x0b"
        self.module.bodies[inner] = b"\x01\x14\x7e" + deeper
        signature = Signature(("i32", "i32", "i32"), ())
        handler = self.module.declare(signature)
        self.module.bodies[handler] = b"\x00\x41" + signed(6) + b"\x10" + unsigned(inner) + b"\x1a\x0b"
        self.module.exports.append((f"irq:{SOURCE_NAME}", Kind.FUNCTION, handler))


def _as_integer(type_: ValueType) -> str:
    """What a value is told as: references as whether they are null."""
    return {"i64": "i64", "f64": "i64"}.get(type_, "i32")
