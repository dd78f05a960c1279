"""Function bodies: statements and structured control, over the expressions of expressions.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firmware_host.wasm.encode import unsigned, vector
from tests.differential.expressions import FUEL, STORES, Expressions, i32
from tests.differential.module import NUMBERS, Signature, ValueType, encode_type

#: Traps when fuel is gone, else takes one.
TAKE_FUEL = (
    b"\x23" + unsigned(FUEL) + b"\x45\x04\x40\x00\x0b" + b"\x23" + unsigned(FUEL) + b"\x41\x01\x6b\x24" + unsigned(FUEL)
)
#: Deepest nesting of blocks.
MOST_DEPTH = 7


@dataclass(frozen=True)
class Label:
    """What a branch to it takes."""

    types: tuple[ValueType, ...]


class Body(Expressions):
    """Makes one function body."""

    labels: list[Label]

    # -- whole functions

    def function(self, own: list[int]) -> bytes:
        random = self.random
        self.own = own
        self.left = random.choice((10, 40, 80, 200))
        for _ in range(random.randrange(8) + (30 if self.chance(0.05) else 0)):
            type_ = self._local_type()
            self.add_local(type_, exact=type_ in ("f32", "f64") and self.chance(0.5))
        self.labels = [Label(self.signature.results)]
        code = TAKE_FUEL + (self.survey() if self.chance(0.3) else b"") + self._content(self.signature.results)
        return self._finish(code)

    def tell_locals(self) -> bytes:
        """Logs a number that depends on the value of every local."""
        shown = [i for i in range(len(self.locals)) if i not in self._float_temporaries.values()]
        mixed = unsigned(self.add_local("i64"))
        code = b""
        for i in shown:
            told = self._told(self.locals[i], b"\x20" + unsigned(i))
            if self.locals[i] not in ("i64", "f64"):
                told += b"\xad"  # i64.extend_i32_u
            code += b"\x20" + mixed + b"\x42\x03\x89" + told + b"\x85\x21" + mixed  # rotated by 3, xor
        return code + b"\x20" + mixed + b"\x10\x01"

    def start(self, own: list[int], fuel: int) -> bytes:
        """A start function: gives itself fuel, and must not trap at once, so it does little."""
        self.own = []
        self.left = 10
        self.labels = [Label(())]
        for type_ in NUMBERS:
            self.add_local(type_, exact=True)
        code = i32(fuel) + b"\x24" + unsigned(FUEL) + b"".join(self._local_set() for _ in range(4))
        return self._finish(code)

    def wrapper(self, function: int, fuel: int) -> bytes:
        """Gives fuel, calls the function with what its own integer parameters stand for, and returns integers."""
        signature = self.module.signature(function)
        code = i32(fuel) + b"\x24" + unsigned(FUEL)
        at = 0
        for type_ in signature.parameters:
            if type_ in NUMBERS:
                code += b"\x20" + unsigned(at) + {"f32": b"\xbe", "f64": b"\xbf"}.get(type_, b"")
                at += 1
            else:
                code += b"\xd0" + encode_type(type_)
        code += b"\x10" + unsigned(function)
        kept = [self.add_local(one) for one in signature.results]
        code += b"".join(b"\x21" + unsigned(one) for one in reversed(kept))
        for type_, local in zip(signature.results, kept, strict=True):
            code += self._told(type_, b"\x20" + unsigned(local))
        return self._finish(code)

    def state(self, globals_: range, sizes: list[bytes]) -> bytes:
        """The values of all globals, and what else is given; tables are logged."""
        code = b"".join(self._told(self.module.globals[i].type, b"\x23" + unsigned(i)) for i in globals_)
        tables = range(len(self.module.tables)) if "REFERENCE_TYPES" in self.features else ()
        return self._finish(b"".join(map(self._tell_table, tables)) + code + b"".join(sizes))

    def _tell_table(self, table: int) -> bytes:
        """Logs a number that depends on which elements are null, and on how many there are."""
        left, mixed = (unsigned(self.add_local("i32")) for _ in range(2))
        code = b"\xfc\x10" + unsigned(table) + b"\x21" + left + b"\x02\x40\x03\x40\x20" + left + b"\x45\x0d\x01"
        code += b"\x20" + left + b"\x41\x01\x6b\x22" + left + b"\x25" + unsigned(table) + b"\xd1\x41\x01\x6a"
        return code + b"\x20" + mixed + b"\x41\x1f\x6c\x6a\x21" + mixed + b"\x0c\x00\x0b\x0b\x20" + mixed + b"\x10\x00"

    def _told(self, type_: ValueType, code: bytes) -> bytes:
        if type_ in ("f32", "f64"):
            return self.known_bits(type_, code)
        return code if type_ in NUMBERS else code + b"\xd1"

    def _finish(self, code: bytes) -> bytes:
        own = self.locals[len(self.signature.parameters) :]
        return vector(b"\x01" + encode_type(one) for one in own) + code + b"\x0b"

    def _local_type(self) -> ValueType:
        if "REFERENCE_TYPES" in self.features and self.chance(0.1):
            return self.random.choice(("funcref", "externref"))
        if "TYPED_FUNCTION_REFERENCES" in self.features and self.own and self.chance(0.1):
            return f"ref null {self.module.functions[self.random.choice(self.own)]}"
        return self.random.choices(NUMBERS, (4, 3, 2, 2))[0]

    # -- statements

    def _content(self, results: tuple[ValueType, ...]) -> bytes:
        """Statements, and then the results, or something that does not go on."""
        code = b"".join(self._statement() for _ in range(self.random.randrange(1, 5)))
        if self.chance(0.1):
            code += self._leave()
            if self.chance(0.5):
                return code
            if self.chance(0.3):  # where nothing comes, operands may be missing
                code += self.random.choice((b"\x6a\x1a", b"\x1a", b"\x7c\x1a", b"\x0f", b"\x1b\x1a", b"\x92\x1a"))
        if len(self.labels) <= 2 and self.chance(0.5):
            code += self.tell_locals()
        return code + self.arguments(results)

    def _statement(self) -> bytes:
        if self.left <= 0:
            return self._local_set()
        self.left -= 1
        makers: list[tuple[int, Callable[[], bytes]]] = [
            (8, self._local_set),
            (4, self._global_set),
            (6, self._store),
            (2, self._log),
            (3, self._block),
            (3, self._if),
            (3, self._loop),
            (3, self._branch_if),
            (2, self._branch_table),
            (3, self._call_for_nothing),
            (1, self._drop),
            (1, lambda: b"\x01"),
            (3, self._bulk),
            (1, self.survey),
            (2, self._rotate),
        ]
        if "REFERENCE_TYPES" in self.features:
            makers.append((2, self._table))
        if "TYPED_FUNCTION_REFERENCES" in self.features:
            makers.append((2, self._on_null))
        if "EXCEPTIONS" in self.features:
            makers.append((4, self._try))
        if "TAIL_CALL" in self.features:
            makers.append((2, self._leave_if))
        maker = self.random.choices([one for _, one in makers], [weight for weight, _ in makers])[0]
        return maker()

    def _local_set(self) -> bytes:
        settable = [i for i in range(len(self.locals)) if i not in self._float_temporaries.values()]
        if not settable:
            return b"\x01"
        index = self.random.choice(settable)
        return self.value(self.locals[index], exact=index in self.exact_locals) + b"\x21" + unsigned(index)

    def _rotate(self) -> bytes:
        """Values of locals change places: what is on the stack is the old value of each."""
        type_ = self.random.choice(NUMBERS)
        picked = [self.pick_local(type_, exact=True) for _ in range(self.random.randrange(2, 6))]
        places = [unsigned(one) for one in picked if one is not None]
        code = b"".join(b"\x20" + one for one in places)
        self.random.shuffle(places)
        return code + b"".join(b"\x21" + one for one in places)

    def _global_set(self) -> bytes:
        type_ = self.random.choice(self.module.globals).type
        index = self.pick_global(type_, mutable=True)
        return b"\x01" if index is None else self.value(type_, exact=True) + b"\x24" + unsigned(index)

    def _store(self) -> bytes:
        memory = self.pick_memory()
        if memory is None:
            return b"\x01"
        type_ = self.random.choice(NUMBERS)
        opcode, width = self.random.choice(STORES[type_])
        address, offset = self.address(memory, 1 << width)
        return address + self.value(type_, exact=True) + bytes([opcode]) + self.memarg(memory, width, offset)

    def _log(self) -> bytes:
        return self.value("i32") + b"\x10\x00" if self.chance(0.7) else self.value("i64") + b"\x10\x01"

    def _drop(self) -> bytes:
        return self.value(self._local_type()) + b"\x1a"

    def _call_for_nothing(self) -> bytes:
        if not self.own:
            return b"\x01"
        function = self.random.choice(self.own)
        return self.call(function) + self._take_results(self.module.signature(function).results)

    def _take_results(self, results: tuple[ValueType, ...]) -> bytes:
        code = b""
        for type_ in reversed(results):
            local = self.pick_local(type_) if self.chance(0.7) else None
            code += b"\x1a" if local is None or local in self.exact_locals else b"\x21" + unsigned(local)
        return code

    # -- structured control

    def _block_type(self, parameters: tuple[ValueType, ...], results: tuple[ValueType, ...]) -> bytes:
        if not parameters and not results:
            return b"\x40"
        if not parameters and len(results) == 1:
            return encode_type(results[0])
        return unsigned(self.module.type(Signature(parameters, results)))

    def _types(self) -> tuple[ValueType, ...]:
        if "MULTI_VALUE" not in self.features or not self.chance(0.3):
            return ()
        return tuple(self._local_type() for _ in range(self.random.randrange(1, 4)))

    def _within(self, label: tuple[ValueType, ...], results: tuple[ValueType, ...], parameters: int = 0) -> bytes:
        """The content of a block, whose parameters are dropped at once or later."""
        if len(self.labels) >= MOST_DEPTH:
            return b"\x1a" * parameters + self.arguments(results)
        self.labels.append(Label(label))
        code = b"\x1a" * parameters + self._content(results)
        self.labels.pop()
        return code

    def structured(self, type_: ValueType, exact: bool) -> bytes | None:
        if len(self.labels) >= MOST_DEPTH or (exact and type_ in ("f32", "f64")):
            return None
        return self.random.choice((self._block, self._if, self._loop))((type_,))

    def _block(self, results: tuple[ValueType, ...] | None = None) -> bytes:
        taken = self._types()
        given = results if results is not None else self._types()
        code = self.arguments(taken) + b"\x02" + self._block_type(taken, given)
        code += self._within(given, given, len(taken)) + b"\x0b"
        return code if results is not None else code + self._take_results(given)

    def _if(self, results: tuple[ValueType, ...] | None = None) -> bytes:
        taken = self._types()
        given = results if results is not None else self._types()
        code = self.arguments(taken) + self.value("i32") + b"\x04" + self._block_type(taken, given)
        code += self._within(given, given, len(taken))
        if taken != given or self.chance(0.6):
            code += b"\x05" + self._within(given, given, len(taken))
        code += b"\x0b"
        return code if results is not None else code + self._take_results(given)

    def _loop(self, results: tuple[ValueType, ...] | None = None) -> bytes:
        taken = self._types()
        given = results if results is not None else self._types()
        code = self.arguments(taken) + b"\x03" + self._block_type(taken, given) + TAKE_FUEL
        code += self._within(taken, given, len(taken))
        if self.chance(0.7):  # around again
            self.labels.append(Label(taken))
            code += b"".join(b"\x1a" for _ in given) + self.arguments(taken) + self.value("i32") + b"\x0d\x00"
            code += b"\x1a" * len(taken) + self.arguments(given)
            self.labels.pop()
        code += b"\x0b"
        return code if results is not None else code + self._take_results(given)

    # -- leaving

    def _pick_label(self) -> tuple[int, Label]:
        depth = self.random.randrange(len(self.labels))
        return depth, self.labels[-1 - depth]

    def _branch_if(self) -> bytes:
        depth, label = self._pick_label()
        code = self.arguments(label.types) + self.value("i32") + b"\x0d" + unsigned(depth)
        return code + self._take_results(label.types)

    def _branch_table(self) -> bytes:
        """In a block of its own, since nothing comes behind it."""
        if len(self.labels) >= MOST_DEPTH:
            return b"\x01"
        self.labels.append(Label(()))
        depth, label = self._pick_label()
        alike = [i for i in range(len(self.labels)) if self.labels[-1 - i].types == label.types]
        targets = [self.random.choice(alike) for _ in range(self.random.choice((0, 1, 2, 3, 8, 40)))]
        index = self.value("i32") + (b"\x41\x07\x71" if self.chance(0.7) else b"")
        code = self.arguments(label.types) + index + b"\x0e" + vector(map(unsigned, targets)) + unsigned(depth)
        self.labels.pop()
        return b"\x02\x40" + code + b"\x0b"

    def _leave(self) -> bytes:
        """Code that does not go on."""
        ways: list[Callable[[], bytes]] = [self._branch, self._branch, self._return]
        if self.chance(0.05):
            ways = [lambda: b"\x00"]
        if "TAIL_CALL" in self.features:
            ways += [self._tail_call, self._tail_call]
        if "EXCEPTIONS" in self.features and self.module.tags:
            ways.append(self._throw)
        return self.random.choice(ways)()

    def _branch(self) -> bytes:
        depth, label = self._pick_label()
        return self.arguments(label.types) + b"\x0c" + unsigned(depth)

    def _return(self) -> bytes:
        told = self.tell_locals() if self.chance(0.3) else b""
        return told + self.arguments(self.signature.results) + b"\x0f"

    def _leave_if(self) -> bytes:
        code = self.value("i32") + b"\x04\x40"
        self.labels.append(Label(()))
        code += self._tail_call() + b"\x0b"
        self.labels.pop()
        return code

    def _tail_call(self) -> bytes:
        fitting = [f for f in self.own if self.module.signature(f).results == self.signature.results]
        if not fitting:
            return self._return()
        again = [f for f in fitting if self.module.signature(f).parameters == self.signature.parameters]
        if again and self.chance(
            0.5
        ):  # with its own parameters, perhaps in another order: they are moved over each other
            function = self.random.choice(again)
            arguments = self._own_parameters()
        else:
            function = self.random.choice(fitting)
            arguments = self.arguments(self.module.signature(function).parameters)
        type_ = unsigned(self.module.functions[function])
        index, table = self.table_index(function)
        if index is not None and self.chance(0.4):
            return arguments + index + b"\x13" + type_ + unsigned(table)
        if "TYPED_FUNCTION_REFERENCES" in self.features and self.chance(0.4):
            return arguments + self.typed(function) + b"\x15" + type_
        return arguments + b"\x12" + unsigned(function)

    def _own_parameters(self) -> bytes:
        """Those of one type in any order."""
        types = self.signature.parameters
        places = list(range(len(types)))
        self.random.shuffle(places)
        taken = [places.pop(next(i for i, place in enumerate(places) if types[place] == one)) for one in types]
        return b"".join(b"\x20" + unsigned(place) for place in taken)

    def _throw(self) -> bytes:
        tag = self.random.randrange(len(self.module.tags))
        return self.arguments(self._carried(tag)) + b"\x08" + unsigned(tag)

    # -- exceptions

    def _carried(self, tag: int) -> tuple[ValueType, ...]:
        return self.module.signatures[self.module.tags[tag]].parameters

    def _try(self) -> bytes:
        """block (what is caught) … try_table (catch 0) … end, the results of which are taken or dropped."""
        if len(self.labels) >= MOST_DEPTH - 1:
            return b"\x01"
        tags = range(len(self.module.tags))
        tag = self.random.choice(tags) if tags and self.chance(0.7) else None
        reference = self.chance(0.4)
        caught = (*(self._carried(tag) if tag is not None else ()), *(("exnref",) if reference else ()))
        form = (0 if tag is not None else 2) + reference
        clause = bytes([form]) + (unsigned(tag) if tag is not None else b"") + b"\x00"
        self.labels += [Label(caught), Label(())]
        inside = self._content(())
        if self.chance(0.5):
            inside += self.value("i32") + b"\x04\x40"
            self.labels.append(Label(()))
            inside += (self._throw() if tags else self._leave()) + b"\x0b"
            self.labels.pop()
        self.labels.pop()
        code = b"\x02" + self._block_type((), caught) + b"\x1f\x40\x01" + clause + inside + b"\x0b"
        if reference:  # nothing was thrown: there is no exnref to give
            code += self.arguments(caught[:-1]) + b"\xd0\x69\x0b"
        else:
            code += self.arguments(caught) + b"\x0b"
        self.labels.pop()
        return self._after_catch(code, caught, reference)

    def _after_catch(self, code: bytes, caught: tuple[ValueType, ...], reference: bool) -> bytes:
        if not reference:
            return code + self._take_results(caught)
        again = self.add_local("exnref")
        code += b"\x21" + unsigned(again) + self._take_results(caught[:-1])
        if self.chance(0.3):  # thrown again, if it was thrown
            code += b"\x20" + unsigned(again) + b"\xd1\x45\x04\x40\x20" + unsigned(again) + b"\x0a\x0b"
        return code

    # -- bulk, tables, references

    def _bulk(self) -> bytes:
        memory = self.pick_memory()
        if memory is None:
            return b"\x01"
        length = i32(self.random.choice((0, 1, 3, 8, 100, 300, 600)))
        to, _ = self.address(memory, 1)
        to += i32(self.random.choice((0, 0xFF, 0x3FF))) + b"\x71" if self.chance(0.5) else b""
        passive = [i for i, one in enumerate(self.module.data) if one.memory is None]
        ways = ["fill", "copy"] + ["init", "drop"] * ("BULK_MEMORY" in self.features and bool(passive))
        match self.random.choice(ways):
            case "fill":
                return to + self.value("i32") + length + b"\xfc\x0b" + unsigned(memory)
            case "copy":
                source = self.pick_memory() or 0
                origin, _ = self.address(source, 1)
                size = self.module.memories[memory].size
                if source == memory and size > 1000 and self.chance(0.5):  # both overlap, in more than one chunk
                    at = self.random.randrange(100, min(size - 800, 1500))
                    distance = self.random.randrange(-90, 91)
                    to, origin, length = i32(at), i32(at + distance), i32(self.random.randrange(200, 700))
                return to + origin + length + b"\xfc\x0a" + unsigned(memory) + unsigned(source)
            case "init":
                segment = self.random.choice(passive)
                size = len(self.module.data[segment].content)
                start = self.random.randrange(size + 1)
                count = self.random.randrange(size - start + 1)
                return to + i32(start) + i32(count) + b"\xfc\x08" + unsigned(segment) + unsigned(memory)
            case _:
                if self.chance(0.7):
                    return b"\x01"
                dropped = unsigned(self.random.choice(passive))
                used = to + i32(0) + i32(self.random.randrange(2)) + b"\xfc\x08" + dropped + unsigned(memory)
                return b"\xfc\x09" + dropped + (used if self.chance(0.3) else b"")

    def _table(self) -> bytes:
        random = self.random
        if not self.module.tables:
            return b"\x01"
        index = random.randrange(len(self.module.tables))
        table = self.module.tables[index]
        if table.minimum == 0 and not self.chance(0.1):
            return b"\x01"
        at = random.randrange(max(1, table.minimum))
        count = random.randrange(max(1, table.minimum - at))
        ways = ["set", "fill", "copy"]
        passive = [
            i
            for i, one in enumerate(self.module.elements)
            if one.table is None and not one.declarative and one.functions
        ]
        if table.type == "funcref" and passive and "BULK_MEMORY" in self.features:
            ways += ["init", "drop"]
        match random.choice(ways):
            case "set":
                return i32(at) + self.value(table.type) + b"\x26" + unsigned(index)
            case "fill":
                return i32(at) + self.value(table.type) + i32(count) + b"\xfc\x11" + unsigned(index)
            case "copy":
                alike = [i for i, one in enumerate(self.module.tables) if one.type == table.type]
                source = random.choice(alike)
                size = self.module.tables[source].minimum
                start = random.randrange(size + 1)
                if source == index and self.chance(0.5):  # both overlap
                    start = max(0, min(at + random.randrange(-5, 6), size - count))
                count = min(count, size - start)
                return i32(at) + i32(start) + i32(count) + b"\xfc\x0e" + unsigned(index) + unsigned(source)
            case "init":
                segment = random.choice(passive)
                count = min(count, len(self.module.elements[segment].functions))
                return i32(at) + i32(0) + i32(count) + b"\xfc\x0c" + unsigned(segment) + unsigned(index)
            case _:
                return b"\xfc\x0d" + unsigned(random.choice(passive)) if self.chance(0.3) else b"\x01"

    def _on_null(self) -> bytes:
        if not self.own or len(self.labels) >= MOST_DEPTH:
            return b"\x01"
        function = self.random.choice(self.own)
        type_ = self.module.functions[function]
        nullable = f"ref null {type_}"
        if self.chance(0.2):
            return self.value(nullable) + b"\xd4\x1a"
        if self.chance(0.5):  # called unless it is null
            self.labels.append(Label(()))
            reference = self.value(nullable)
            signature = self.module.signature(function)
            held = self.add_local(nullable)
            code = b"\x02\x40" + reference + b"\xd5\x00\x21" + unsigned(held) + self.arguments(signature.parameters)
            code += (
                b"\x20"
                + unsigned(held)
                + b"\xd4\x14"
                + unsigned(type_)
                + self._take_results(signature.results)
                + b"\x0b"
            )
            self.labels.pop()
            return code
        other = b"\xd2" + unsigned(function)
        self.labels.append(Label((f"ref {type_}",)))
        reference = self.value(nullable)
        self.labels.pop()
        return b"\x02" + encode_type(f"ref {type_}") + reference + b"\xd6\x00" + other + b"\x0b\x1a"
