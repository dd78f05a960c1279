"""The internal operations, in numbered order: control operations first and contiguous (R61a), then the rest.

R59: control operations are those at which a safe point can be asked for: every branch, call and return, and every fused form
that contains one. Every cycle of valid code passes one.
"""

from __future__ import annotations

from collections.abc import Iterator

from .model import Operation

#: R61a: at most this many control operations, so that poisoning stays a short block store.
MAX_CONTROL_OPERATIONS = 96
#: R62: the table costs 4 bytes of RAM per operation.
MAX_OPERATIONS = 384

#: Relations of integer comparisons, each followed by its inverse (ORDER RELATIONS in vm/src/interpret.h). lt and ge with operands
#: swapped give gt and le, except when one operand is the accumulator.
RELATIONS = {
    "eq": "{x} == {y}",
    "ne": "{x} != {y}",
    "lt_s": "(int32_t){x} < (int32_t){y}",
    "ge_s": "(int32_t){x} >= (int32_t){y}",
    "lt_u": "{x} < {y}",
    "ge_u": "{x} >= {y}",
    "le_s": "(int32_t){x} <= (int32_t){y}",
    "gt_s": "(int32_t){x} > (int32_t){y}",
    "le_u": "{x} <= {y}",
    "gt_u": "{x} > {y}",
}
#: Relations of f32 comparisons: bit 0 less, bit 1 equal, bit 2 neither of these.
FLOAT_RELATIONS = {"lt": 1, "eq": 2, "le": 3, "ne": 6}
#: Relations that each operand form has. Only AS needs gt and le.
FORM_RELATIONS = {form: list(RELATIONS)[: 10 if form == "AS" else 6] for form in ("SS", "SC", "AS", "AC")}


#: Parts of the names of operations that may take many times as long as the others: software arithmetic, growth,
#: the slow path of accesses in the last bytes of memory. One counts as HEAVY others in the latency bound (R67).
_HEAVY = ("f32", "div", "rem", "extended", "object", "load8", "load16", "store8", "store16")


def is_heavy(operation: Operation) -> bool:
    """Whether an operation counts as several in the bound of a run without a safe point (R67)."""
    return any(part in operation.name for part in _HEAVY)


def fetch(form: str) -> tuple[list[str], str, int]:
    """C expressions and operand kinds of the letters of `form`, and the unit after them."""
    values, kinds, unit = [], "", 1
    for letter in form:
        if letter == "A":
            values.append("A")
            continue
        values.append({"S": f"S32({unit})", "C": f"C16({unit})"}[letter])
        kinds += {"S": "s", "C": "c"}[letter]
        unit += 1
    return values, kinds, unit


def to_slot_and_accumulator(name: str, kinds: str, unit: int, expression: str) -> Iterator[Operation]:
    """The two neighbours `name_S` and `name_A` of one 32-bit expression."""
    yield slot_result(name, kinds, unit, expression)
    yield accumulator_result(name, kinds, unit, expression)


def slot_result(name: str, kinds: str, unit: int, expression: str) -> Operation:
    return Operation(f"{name}_S", kinds + "d", f"A = {expression}; S32({unit}) = A; NEXT({unit + 1});")


def accumulator_result(name: str, kinds: str, unit: int, expression: str) -> Operation:
    return Operation(f"{name}_A", kinds, f"A = {expression}; NEXT({unit});")


def high_byte_result(name: str, expression: str, kind: str = "p") -> Operation:
    """`name`_S of one operand, which shares a unit with the destination."""
    return Operation(f"{name}_S", kind, f"A = {expression}; S32H(1) = A; NEXT(2);")


# ---------------------------------------------------------------- control operations


def control() -> Iterator[Operation]:
    def op(name: str, operands: str, code: str) -> Operation:
        return Operation(name, operands, code, control=True)

    def refer(name: str, operands: str, code: str) -> Operation:
        return Operation(name, operands, code, control=True, feature="TYPED_FUNCTION_REFERENCES")

    def tail(name: str, operands: str, code: str) -> Operation:
        return Operation(name, operands, code, control=True, feature="TAIL_CALL")

    yield op("unreachable", "", "TRAP(WIRQ_TRAP_UNREACHABLE);")
    # What a call from the host, an interrupt handler and a call into another instance return to.
    yield op("exit", "", "return WIRQ_RUN_DONE;")  # the results are at the stack's base
    yield op("irq_return", "", "goto irq_return;")
    yield op("restore_instance", "", "goto restore_instance;")
    yield op("idle", "", "goto idle;")

    yield op("br", "b", "JUMP(1);")
    yield op("br_long", "l", "JUMP_LONG(1);")
    yield op("brnz_S", "sb", "if (S32(1) != 0) JUMP(2); NEXT(3);")
    yield op("brnz_A", "b", "if (A != 0) JUMP(1); NEXT(2);")
    yield op("brz_S", "sb", "if (S32(1) == 0) JUMP(2); NEXT(3);")
    yield op("brz_A", "b", "if (A == 0) JUMP(1); NEXT(2);")
    for form, relations in FORM_RELATIONS.items():
        values, kinds, unit = fetch(form)
        for relation in relations:
            test = RELATIONS[relation].format(x=values[0], y=values[1])
            yield op(f"br_{relation}_{form}", kinds + "b", f"if ({test}) JUMP({unit}); NEXT({unit + 1});")
    # The end of most loops: an increment, and the comparison of what it gave.
    yield op("add_br_ne_DCS", "dcsb", "A = S32(1) + C16(2); S32(1) = A; if (A != S32(3)) JUMP(4); NEXT(5);")
    # Entry i of the table follows; each is a distance from itself. The last is the default.
    yield op(
        "br_table_S",
        "su",
        "uint32_t i = S32(1), n = U16(2); const uint16_t *e = ip + 3 + (i < n ? i : n); ip = e + (int16_t)*e; DISPATCH();",
    )
    yield op(
        "br_table_long_S",
        "sk",
        "uint32_t i = S32(1), n = K32(2); const uint16_t *e = ip + 4 + 2 * (size_t)(i < n ? i : n);"
        " ip = e + (int32_t)((uint32_t)e[0] | (uint32_t)e[1] << 16); DISPATCH();",
    )

    # Operands: function (defined ones counted from 0; imports apart), first cell of the callee's frame.
    yield op("call", "uf", "CALL(ip + 3, U16(1), CELL(U16(2)));")
    yield op("call_import", "uf", "goto call_import;")
    yield op("call_indirect", "suuf", "CALL_INDIRECT();")  # element index, type, table, frame
    # As call_indirect, but the reference itself lies in the slot; the unit of the table is not used.
    yield refer("call_ref", "suuf", "LEAVE(call_out);")
    # In place of a return. The arguments are in the first cells of the frame, which the callee takes over. What leaves the instance
    # may be a host function's: the `return` behind it follows then. Element index, type, table.
    yield tail("return_call", "u", "TAIL_CALL(U16(1));")
    yield tail("return_call_import", "u", "goto return_call_out;")
    yield tail("return_call_indirect", "suu", "goto return_call_out;")
    yield refer("return_call_ref", "suu", "goto return_call_out;")
    yield op("return", "", "RETURN();")
    yield op("return_S", "s", "A = S32(1); fp[0] = A; RETURN();")
    yield op("return_A", "", "fp[0] = A; RETURN();")
    yield op("return64", "w", "uint64_t v = S64(1); SET64(fp, v); RETURN();")
    yield op("return_n", "su", "wirq_move_cells(fp, &S32(1), U16(2)); RETURN();")

    # Tag, first slot of its values; 0xFFFF: the slot has a reference. What is thrown is in the accumulator while frames are left.
    yield Operation("throw", "us", "goto throw_exception;", control=True, feature="EXCEPTIONS")
    yield Operation("unwind", "", "goto throw_exception;", control=True, feature="EXCEPTIONS")
    # A clause of a try_table, never executed (vm/src/exception.c): tag, slot, length of what it guards, the clause before, distance.
    yield op("catch", "uskkk", "TRAP(WIRQ_TRAP_UNREACHABLE);")

    # Memories, tables, segments, references: number (OBJECTS), first of the operands' slots, two indices. Long work is done in chunks,
    # between two of which a safe point may be asked for (R53).
    yield op("object", "usuu", "goto object;")


# ---------------------------------------------------------------- 32-bit integers

#: name -> (expression, commutative, operand forms). x and y are evaluated once.
BINARY32 = {
    "add": ("{x} + {y}", True, ("SS", "SC", "AS", "AC")),
    "sub": ("{x} - {y}", False, ("SS",)),  # minus a constant is plus its negative
    "mul": ("{x} * {y}", True, ("SS", "AS")),
    "and": ("{x} & {y}", True, ("SS", "SC", "AS", "AC")),
    "or": ("{x} | {y}", True, ("SS", "SC", "AS", "AC")),
    "xor": ("{x} ^ {y}", True, ("SS", "AS")),
    # Shifts are by constants nearly always: the others have one form.
    "shl": ("{x} << ({y} & 31)", False, ("SS", "SC", "AC")),
    "shr_s": ("wirq_shr_s32({x}, {y})", False, ("SS", "SC", "AC")),
    "shr_u": ("{x} >> ({y} & 31)", False, ("SS", "SC", "AC")),
    "rotl": ("wirq_rotl32({x}, {y})", False, ("SS",)),  # by a constant is rotr by its complement
    "rotr": ("wirq_rotr32({x}, {y})", False, ("SS", "SC", "AC")),
    # f32: a machine operation with a floating-point unit, a call without.
    "f32_add": ("wirq_f32_add({x}, {y})", True, ("SS", "AS")),
    "f32_sub": ("wirq_f32_sub({x}, {y})", False, ("SS", "SA")),
    "f32_mul": ("wirq_f32_mul({x}, {y})", True, ("SS", "AS")),
    "f32_div": ("wirq_f32_div({x}, {y})", False, ("SS",)),
}


#: What leaves its result in the accumulator only, because it is rare that a slot gets it: a `mov_A_S` follows then.
ACCUMULATOR_ONLY = (
    *("and_SS", "or_SS", "or_SC", "mul_SS", "shr_s_SC", "shr_u_SC", "rotr_SC", "f32_add_SS", "f32_mul_SS"),
    *("load8_u_S", "load8_u_AO", "load16_u_S", "load16_u_A", "load16_u_SO", "load16_s_A"),
)

#: By a constant: lowering has taken it modulo 32.
SHIFTS = ("shl", "shr_s", "shr_u", "rotr")


def has_accumulator_result(form: str, forms: tuple[str, ...]) -> bool:
    """Two slots are the rare form of what takes no operand from the accumulator: it leaves its result in a slot only."""
    return form != "SS" or "AS" in forms


def integer32() -> Iterator[Operation]:
    for name, (general, _, forms) in BINARY32.items():
        for form in forms:
            values, kinds, unit = fetch(form)
            expression = general
            if name in SHIFTS and form.endswith("C"):
                values[1] = f"COUNT({unit - 1})"
                if name == "rotr":  # by 0 is shr_u by 0
                    expression = "wirq_rotr32_by({x}, {y})"
            operation = f"{name}_{form}", kinds, unit, expression.format(x=values[0], y=values[1])
            if form == "AS":
                yield high_byte_result(operation[0], expression.format(x="A", y="S32L(1)"))
            elif operation[0] not in ACCUMULATOR_ONLY:
                yield slot_result(*operation)
            if has_accumulator_result(form, forms):
                yield accumulator_result(*operation)
    # Slot op= operand: one unit and one fetch less than the general form.
    yield Operation("add_DC", "dc", "A = S32(1) + C16(2); S32(1) = A; NEXT(3);")
    yield Operation("add_DS", "ds", "A = S32(1) + S32(2); S32(1) = A; NEXT(3);")
    yield Operation("add_DA", "d", "A = S32(1) + A; S32(1) = A; NEXT(2);")
    yield from divisions()
    for form, value, unit in (("S", "S32(1)", 2), ("A", "A", 1)):
        for bits in (8, 16):
            yield from to_slot_and_accumulator(
                f"extend{bits}_{form}", "s" * (unit - 1), unit, f"(uint32_t)(int32_t)(int{bits}_t){value}"
            )
    # Comparisons that no branch takes in are rare: an operand says which relation it is.
    for form in FORM_RELATIONS:
        values, kinds, unit = fetch(form)
        yield Operation(
            f"compare_{form}_S", kinds + "ud", f"left = {values[0]}; right = {values[1]}; ip += {unit}; goto compare;"
        )


def divisions() -> Iterator[Operation]:
    """The smallest integer divided by -1 overflows; its remainder is 0, which C leaves undefined. Constants are neither 0
    nor -1: lowering puts those into a slot."""
    zero = "if (y == 0) TRAP(WIRQ_TRAP_DIVIDE_BY_ZERO); "
    overflow = "if (y == UINT32_MAX && x == UINT32_C(1) << 31) TRAP(WIRQ_TRAP_INTEGER_OVERFLOW); "
    divide, remainder = "(uint32_t)((int32_t)x / (int32_t)y)", "(uint32_t)((int32_t)x % (int32_t)y)"
    slots = {
        "div_u": f"{zero}A = x / y",
        "rem_u": f"{zero}A = x % y",
        "div_s": f"{zero}{overflow}A = {divide}",
        "rem_s": f"{zero}A = y == UINT32_MAX ? 0 : {remainder}",
    }
    constants = {"div_u": "A = x / y", "rem_u": "A = x % y", "div_s": f"A = {divide}", "rem_s": f"A = {remainder}"}
    for name, code in slots.items():
        yield Operation(f"{name}_SS_S", "ssd", f"uint32_t x = S32(1), y = S32(2); {code}; S32(3) = A; NEXT(4);")
    for name, code in constants.items():
        yield Operation(f"{name}_SC_S", "scd", f"uint32_t x = S32(1), y = C16(2); {code}; S32(3) = A; NEXT(4);")


# ---------------------------------------------------------------- f32 beside the arithmetic of BINARY32


def float32() -> Iterator[Operation]:
    yield Operation(
        "f32_compare_SS_S",
        "ssud",
        "A = wirq_f32_holds(U16(3), wirq_f32(S32(1)), wirq_f32(S32(2))); S32(4) = A; NEXT(5);",
    )
    yield from to_slot_and_accumulator("f32_convert_i32_s_S", "s", 2, "wirq_f32_bits((float)(int32_t)S32(1))")


# ---------------------------------------------------------------- moves, constants, globals


def moves() -> Iterator[Operation]:
    yield high_byte_result("mov_S", "S32L(1)")
    yield accumulator_result("mov_S", "s", 2, "S32(1)")
    yield Operation("mov_A_S", "d", "S32(1) = A; NEXT(2);")
    yield high_byte_result("k8", "U8L(1)", "h")
    yield accumulator_result("k16", "c", 2, "C16(1)")
    yield from to_slot_and_accumulator("k32", "k", 3, "K32(1)")
    yield Operation("mov64", "wD", "uint64_t v = S64(1); PUT64(2, v); NEXT(3);")
    yield Operation("k64s", "cD", "PUT64(2, (uint64_t)(int64_t)(int16_t)U16(1)); NEXT(3);")
    yield Operation("k64", "qD", "uint64_t v = K32(1) | (uint64_t)K32(3) << 32; PUT64(5, v); NEXT(6);")
    yield Operation("move_n", "sdu", "wirq_move_cells(&S32(2), &S32(1), U16(3)); NEXT(4);")
    # Before the entry of functions that need them.
    yield Operation(
        "enter", "u", "if ((uint32_t *)(void *)RS - fp < (ptrdiff_t)U16(1)) TRAP(WIRQ_TRAP_STACK_EXHAUSTED); NEXT(2);"
    )
    yield Operation("zero", "du", "wirq_zero_cells(&S32(1), U16(2)); NEXT(3);")
    yield Operation("select_S_S", "sssd", "A = S32(1) ? S32(2) : S32(3); S32(4) = A; NEXT(5);")
    yield Operation("select_A_S", "ssd", "A = A ? S32(1) : S32(2); S32(3) = A; NEXT(4);")
    yield Operation("select64", "swwD", "uint64_t v = S32(1) ? S64(2) : S64(3); PUT64(4, v); NEXT(5);")
    # Defined globals by cell, imported ones (i…) through a pointer.
    yield from to_slot_and_accumulator("global_get", "u", 2, "vm->globals[U16(1)]")
    yield Operation("global_set_S", "su", "vm->globals[U16(2)] = S32(1); NEXT(3);")
    yield Operation("global_set_A", "u", "vm->globals[U16(1)] = A; NEXT(2);")
    yield Operation("global_get64", "uD", "uint64_t v = GET64(&vm->globals[U16(1)]); PUT64(2, v); NEXT(3);")
    yield Operation("global_set64", "wu", "uint64_t v = S64(1); SET64(&vm->globals[U16(2)], v); NEXT(3);")
    yield Operation("iglobal_get_S", "ud", "A = *IMPORTED_GLOBAL(1); S32(2) = A; NEXT(3);")
    yield Operation("iglobal_set_S", "su", "*IMPORTED_GLOBAL(2) = S32(1); NEXT(3);")
    yield Operation("iglobal_get64", "uD", "uint64_t v = GET64(IMPORTED_GLOBAL(1)); PUT64(2, v); NEXT(3);")
    yield Operation("iglobal_set64", "wu", "uint64_t v = S64(1); SET64(IMPORTED_GLOBAL(2), v); NEXT(3);")


# ---------------------------------------------------------------- memory

#: Address forms: (operand kinds, C statements that leave the checked address in ea; {n} = access size), next unit.
ADDRESS = {
    "S": ("s", "uint32_t ea = S32(1); BOUNDS(ea, {n});", 2),
    "A": ("", "uint32_t ea = A; BOUNDS_A({n});", 1),
    "SO": ("su", "uint32_t ea; WITH_OFFSET(ea, S32(1), U16(2)); BOUNDS(ea, {n});", 3),
    "AO": ("u", "uint32_t ea; WITH_OFFSET(ea, A, U16(1)); BOUNDS(ea, {n});", 2),
    # The folded i32.add wraps: these are the address itself, not an offset of the instruction.
    "SC": ("sc", "uint32_t ea = S32(1) + C16(2); BOUNDS(ea, {n});", 3),
    "AS": ("s", "uint32_t ea = A + S32(1); BOUNDS(ea, {n});", 2),
    "K": ("u", "uint32_t ea = U16(1);", 2),
}
LOADS32 = {
    "load32": (4, "LOAD32(ea)", ("S", "A", "SO", "AO", "SC", "AS", "K")),
    "load8_u": (1, "LOAD8(ea)", ("S", "A", "SO", "AO", "SC", "K")),
    "load16_u": (2, "LOAD16(ea)", ("S", "A", "SO")),
    # With an offset the unsigned load, and an extension.
    "load8_s": (1, "(uint32_t)(int32_t)(int8_t)LOAD8(ea)", ("S", "A", "SC")),
    "load16_s": (2, "(uint32_t)(int32_t)(int16_t)LOAD16(ea)", ("S", "A", "SC")),
}
STORES32 = {"store32": (4, "STORE32"), "store8": (1, "STORE8"), "store16": (2, "STORE16")}
#: Value forms of stores per address form: the accumulator can be one of the two only.
STORE_FORMS = {"S": "SAC", "SO": "SAC", "A": "SC", "K": "SAC"}
STORE16_FORMS = {"S": "SA", "SO": "SA", "A": "S"}  # 16-bit stores are rare


def narrow_accesses() -> dict[str, int]:
    """What interpreter_narrow_access needs to know of 8- and 16-bit accesses, by name: bits 0-2 the access (ORDER NARROW), bits 3-4
    where the value is or goes (0 the last unit's slot, 1 the accumulator, 2 the last unit itself), bits 5-7 the length in units."""
    names = ("load8_u", "load8_s", "store8", "load16_u", "load16_s", "store16")
    rows = {}
    for operation in memory():
        for number, name in enumerate(names):
            if operation.name.startswith(name + "_") and operation.name.removeprefix(name + "_")[0] in "SAK":
                rows[operation.name] = number | "SAC".index(operation.name[-1]) << 3 | operation.length << 5
    return rows


def memory() -> Iterator[Operation]:
    for name, (size, expression, forms) in LOADS32.items():
        for form in forms:
            kinds, address, unit = ADDRESS[form]
            address = address.format(n=size)
            if f"{name}_{form}" not in ACCUMULATOR_ONLY:
                yield Operation(
                    f"{name}_{form}_S", kinds + "d", f"{address} A = {expression}; S32({unit}) = A; NEXT({unit + 1});"
                )
            yield Operation(f"{name}_{form}_A", kinds, f"{address} A = {expression}; NEXT({unit});")
    for name, (size, store) in STORES32.items():
        for form, values in (STORE16_FORMS if name == "store16" else STORE_FORMS).items():
            kinds, address, unit = ADDRESS[form]
            address = address.format(n=size)
            for value in values:
                if value == "A":
                    yield Operation(f"{name}_{form}_A", kinds, f"{address} {store}(ea, A); NEXT({unit});")
                else:
                    operand = {"S": f"S32({unit})", "C": f"C16({unit})"}[value]
                    yield Operation(
                        f"{name}_{form}_{value}",
                        kinds + {"S": "s", "C": "c"}[value],
                        f"{address} {store}(ea, {operand}); NEXT({unit + 1});",
                    )
    # Of 8 bytes the last four are checked: where these are, so are the first. The offset is that of these four, more than 3.
    address = "uint32_t last; WITH_OFFSET(last, S32(1), U16(2)); BOUNDS(last, 4);"
    yield Operation("load64_SO", "suD", f"{address} uint64_t v = LOAD64(last - 4); PUT64(3, v); NEXT(4);")
    yield Operation("store64_SO", "suw", f"{address} STORE64(last - 4, S64(3)); NEXT(4);")
    # Offsets of more than 16 bits: the sum must not carry out of 32 bits.
    yield Operation(
        "address_SK_A", "sk", "uint32_t x = S32(1), k = K32(2); A = x + k; if (A < k) goto trap_memory; NEXT(4);"
    )
    # Around an access of a memory other than 0, which it makes the one that everything above works on.
    yield Operation("use_memory", "u", "goto use_memory;", feature="MULTI_MEMORY")


# ---------------------------------------------------------------- 64-bit integers

#: name -> (expression, whether there is a form for constants)
BINARY64 = {
    "add": ("{x} + {y}", True),
    "sub": ("{x} - {y}", False),
    "mul": ("{x} * {y}", False),
    "and": ("{x} & {y}", True),
    "or": ("{x} | {y}", False),
    "xor": ("{x} ^ {y}", False),
}
#: By constants: name -> function of x and the constant. From 1 to 31, except shl64_high and rotl64_high: 0 to 31 in place of 32 to 63.
#: Right by 32 and more are operations on the high cell alone.
SHIFTS64 = {
    "shl64_SC": "wirq_shl64_by",
    "shl64_high_SC": "wirq_shl64_high_by",
    "shr_s64_SC": "wirq_shr_s64_by",
    "shr_u64_SC": "wirq_shr_u64_by",
    "rotl64_SC": "wirq_rotl64_by",
    "rotl64_high_SC": "wirq_rotl64_high_by",
}


def integer64() -> Iterator[Operation]:
    for name, (expression, constant) in BINARY64.items():
        body = "uint64_t x = S64(1), y = {y}; x = " + expression.format(x="x", y="y") + "; PUT64(3, x); NEXT(4);"
        yield Operation(f"{name}64_SS", "wwD", body.format(y="S64(2)"))
        if constant:
            yield Operation(f"{name}64_SC", "wcD", body.format(y="(uint64_t)(int64_t)(int16_t)U16(2)"))
    yield Operation("add64_SU", "wsD", "uint64_t x = S64(1) + S32(2); PUT64(3, x); NEXT(4);")
    yield Operation("shl64_SS", "wwD", "uint64_t x = S64(1); x <<= S32(2) & 63; PUT64(3, x); NEXT(4);")
    for name, function in SHIFTS64.items():
        yield Operation(name, "wuD", f"uint64_t x = {function}(S64(1), U16(2)); PUT64(3, x); NEXT(4);")
    # Each with its inverse: unit 3 is 1 then.
    for relation in ("eq", "lt_s", "lt_u"):
        test = RELATIONS[relation].replace("int32_t", "int64_t").format(x="S64(1)", y="S64(2)")
        yield Operation(f"{relation}64_SS_S", "wwud", f"A = ({test}) ^ U16(3); S32(4) = A; NEXT(5);")
    yield Operation("eqz64_S", "wd", "A = S64(1) == 0; S32(2) = A; NEXT(3);")
    for form, value, unit in (("S", "S32(1)", 2), ("A", "A", 1)):
        kinds = "s" * (unit - 1) + "D"
        yield Operation(f"extend_u64_{form}", kinds, f"uint64_t v = {value}; PUT64({unit}, v); NEXT({unit + 1});")
        yield Operation(
            f"extend_s64_{form}",
            kinds,
            f"uint64_t v = (uint64_t)(int64_t)(int32_t){value}; PUT64({unit}, v); NEXT({unit + 1});",
        )


# ---------------------------------------------------------------- the way to the extended operations


def behind() -> Iterator[Operation]:
    # The rest, by number: `extended2` has a source and a destination, `extended3` two sources. The accumulator stays as it is.
    for length, operands in ((4, "uwD"), (5, "uwwD")):
        yield Operation(
            f"extended{length - 2}",
            operands,
            f"status = wirq_extended(fp, ip, &S32({length - 1})); if (UNLIKELY(status != WIRQ_OK)) goto trap; NEXT({length});",
        )


def operations() -> list[Operation]:
    """Every operation of the first table, in order of number."""
    return [*control(), *integer32(), *float32(), *moves(), *memory(), *integer64(), *behind()]


# ---------------------------------------------------------------- object operations

#: What `object` does, by the number in unit 1 (vm/src/table.c): name, and the indices in units 3 and 4. The operands lie in cells
#: from the slot in unit 2 on; a result replaces the first.
OBJECTS = {
    "ref_func": "function",
    "ref_as_non_null": "",
    "memory_size": "memory",
    "memory_grow": "memory",
    "memory_copy": "memory, memory",
    "memory_fill": "memory",
    "memory_init": "memory, data segment",
    "data_drop": "data segment",
    "elem_drop": "element segment",
    "table_get": "table",
    "table_set": "table",
    "table_size": "table",
    "table_grow": "table",
    "table_fill": "table",
    "table_copy": "table, table",
    "table_init": "table, element segment",
}


# ---------------------------------------------------------------- extended operations

#: Behind `extended2` and `extended3`: rare or slow ones, the cases of one function. Unit 1 is their number.


def extended() -> list[Operation]:
    """The extended operations, in order of number; operands begin at unit 2.

    The code may use the operands as `x` and `y` (64 bits) or as `a` and `b` (32 bits), and ends by WIDE(result) or NARROW(result),
    or by a return of a trap.
    """
    rows: list[Operation] = []

    def row(name: str, operands: str, code: str) -> None:
        rows.append(Operation(name, operands, code))

    zero = "if (y == 0) return WIRQ_TRAP_DIVIDE_BY_ZERO; "
    overflow = "if (x == UINT64_C(1) << 63 && y == UINT64_MAX) return WIRQ_TRAP_INTEGER_OVERFLOW; "
    row("div_s64", "wwD", f"{zero}{overflow}WIDE((uint64_t)((int64_t)x / (int64_t)y));")
    row("rem_s64", "wwD", f"{zero}WIDE(y == UINT64_MAX ? 0 : (uint64_t)((int64_t)x % (int64_t)y));")
    row("div_u64", "wwD", f"{zero}WIDE(x / y);")
    row("rem_u64", "wwD", f"{zero}WIDE(x % y);")
    row("shr_s64", "wwD", "WIDE(wirq_shr_s64(x, y));")
    row("shr_u64", "wwD", "WIDE(x >> (y & 63));")
    row("rotl64", "wwD", "WIDE(wirq_rotr64(x, 64 - (y & 63)));")
    row("rotr64", "wwD", "WIDE(wirq_rotr64(x, y));")
    for name in ("clz", "ctz", "popcnt"):
        row(f"{name}32", "sd", f"NARROW(wirq_{name}32(a));")
        row(f"{name}64", "wD", f"WIDE(wirq_{name}64(x));")
    for bits in (8, 16, 32):
        row(f"extend{bits}_s64", "wD", f"WIDE((uint64_t)(int64_t)(int{bits}_t)a);")

    for name in ("min", "max", "copysign"):
        row(f"f32_{name}", "ssd", f"NARROW(wirq_f32_{name}(a, b));")
        row(f"f64_{name}", "wwD", f"WIDE(wirq_f64_{name}(x, y));")
    for name in ("ceil", "floor", "trunc", "nearest", "sqrt"):
        row(f"f32_{name}", "sd", f"NARROW(wirq_f32_{name}(a));")
    for name in ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"):
        row(f"f64_{name}", "wD", f"WIDE(wirq_f64_{name}(x));")
    for name, sign in (("add", "+"), ("sub", "-"), ("mul", "*")):
        row(f"f64_{name}", "wwD", f"WIDE(wirq_f64_bits(wirq_f64(x) {sign} wirq_f64(y)));")
    row("f64_div", "wwD", "WIDE(wirq_f64_div(x, y));")
    for name, sign in (("eq", "=="), ("ne", "!="), ("lt", "<"), ("le", "<=")):
        row(f"f64_{name}", "wwd", f"NARROW(wirq_f64(x) {sign} wirq_f64(y));")

    # ORDER TRUNCATIONS: sixteen in a row, one case: bit 3 saturates, bit 2 i64, bit 1 from f64, bit 0 unsigned.
    for saturating in ("", "_sat"):
        for to in ("i32", "i64"):
            for source in ("f32", "f64"):
                for sign in ("s", "u"):
                    operands = ("w" if source == "f64" else "s") + ("d" if to == "i32" else "D")
                    name = f"{to}_trunc{saturating}_{source}_{sign}"
                    row(name, operands, "return truncation(ip[1], x, to);")
    for to, ctype, result in (("f32", "float", "NARROW"), ("f64", "double", "WIDE")):
        for source, value in (("i32", "a"), ("i64", "x")):
            for sign, unsigned in (("s", ""), ("u", "u")):
                if (to, source, sign) == ("f32", "i32", "s"):
                    continue  # has an operation
                operands = ("w" if source == "i64" else "s") + ("d" if to == "f32" else "D")
                converted = f"wirq_{to}_bits(({ctype})({unsigned}int{source[1:]}_t){value})"
                row(f"{to}_convert_{source}_{sign}", operands, f"{result}({converted});")
    row("f32_demote_f64", "wd", "NARROW(wirq_f32_bits((float)wirq_f64(x)));")
    row("f64_promote_f32", "sD", "WIDE(wirq_quiet_f64(wirq_f64_bits((double)wirq_f32(a))));")
    return rows
