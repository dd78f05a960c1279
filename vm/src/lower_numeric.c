/* lower_numeric.c: numeric instructions, comparisons that fuse with branches, select. Rows come from vm/ops. */
#include "lower_internal.h"

struct binary_forms {
    /* Each leaves its result in a slot; its neighbour leaves it in the accumulator, but `ss` has none where there is no `as`. */
    uint16_t ss, sc, as, ac, sa;
};

struct numeric {
    uint8_t how;       /* enum lower_how */
    uint8_t signature; /* bits 0-1 parameter type, 2-3 result type, 4 two parameters, 5 operands swapped */
    uint16_t argument;
};

/* In the argument of a 64-bit operation: the next operation is its form for a constant. */
#define WITH_CONSTANT 0x8000

#include "wirq_lowering.inc"

/* ---- i32 operations of two operands ---- */

static void binary32(struct lower *lower, uint32_t which, struct operand *x, struct operand *y, uint32_t slot) {
    const struct binary_forms *forms = &binary_forms[which];
    bool commutative = BINARY32_COMMUTATIVE >> which & 1;
    enum last_kind kind = LAST_RESULT32;
    if (x->kind == OPERAND_CONSTANT && y->kind != OPERAND_CONSTANT && commutative) {
        struct operand *swap = x;
        x = y;
        y = swap;
    }
    if (y->kind == OPERAND_CONSTANT) {
        uint32_t constant = y->low;
        if (which == BINARY32_sub) {
            forms = &binary_forms[BINARY32_add];
            commutative = true;
            constant = 0 - constant;
        } else if (which >= BINARY32_shl && which <= BINARY32_rotr) { /* ORDER BINARY32 */
            if (which == BINARY32_rotl) {
                forms = &binary_forms[BINARY32_rotr];
                constant = 0 - constant;
            }
            constant &= 31;
            if (constant == 0) /* all do the same, but a rotation counts from 1 */
                forms = &binary_forms[BINARY32_shr_u];
        }
        uint32_t first = lower_slot(lower, x);
        if (forms->sc == 0 && !commutative && forms->sa == 0) {
            lower_operation2(lower, forms->ss, first, lower_slot(lower, y));
            kind = forms->as != 0 ? LAST_RESULT32 : LAST_STORED32;
        } else if (forms->sc != 0 && fits16(constant)) {
            lower_operation_on(lower, x, forms->sc, forms->ac);
            lower_emit(lower, constant);
        } else {
            lower_constant_to_accumulator(lower, constant);
            lower_operation1(lower, commutative ? forms->as : forms->sa, first);
        }
    } else if (x->kind == OPERAND_CONSTANT && forms->as != 0) {
        lower_constant_to_accumulator(lower, x->low);
        lower_operation1(lower, forms->as, y->low);
    } else {
        uint32_t first = lower_slot(lower, x);
        if (forms->as != 0 && lower_take_accumulator(lower, x)) {
            lower_operation1(lower, forms->as, y->low);
        } else if ((forms->sa != 0 || commutative) && lower_take_accumulator(lower, y)) {
            lower_operation1(lower, forms->sa != 0 ? forms->sa : forms->as, first);
        } else {
            lower_operation2(lower, forms->ss, first, y->low);
            kind = forms->as != 0 ? LAST_RESULT32 : LAST_STORED32;
        }
    }
    lower_result(lower, slot, kind);
}

/* div and rem: SS forms, then SC forms, whose constants make no trap. */
static void divide32(struct lower *lower, uint32_t operation, struct operand *x, struct operand *y, uint32_t slot) {
    uint32_t first = lower_slot(lower, x);
    if (y->kind == OPERAND_CONSTANT && fits16(y->low) && y->low != 0 && y->low != UINT32_MAX) {
        lower_operation2(lower, operation + (OP_div_u_SC_S - OP_div_u_SS_S), first, y->low);
    } else {
        uint32_t second = lower_slot(lower, y);
        lower_operation2(lower, operation, first, second);
    }
    lower_result(lower, slot, LAST_STORED32);
}

/* The operand in its slot; the result has a neighbour for the accumulator. */
static void slots32(struct lower *lower, uint32_t operation, struct operand *x, uint32_t slot) {
    lower_operation1(lower, operation, lower_slot(lower, x));
    lower_result(lower, slot, LAST_RESULT32);
}

/* ---- i32 comparisons ---- */

/* ORDER RELATIONS. An odd relation is the inverse of the one before. */
static uint32_t swapped_relation(uint32_t relation) {
    return relation < RELATION_lt_s ? relation : (relation & RELATION_lt_s ? 9 : 13) - relation;
}

/* The branch with relation eq for each form of a comparison; the others follow. */
static const uint16_t branch_forms[] = {OP_br_eq_SS, OP_br_eq_SC, OP_br_eq_AS, OP_br_eq_AC};
enum { FORM_SS, FORM_SC, FORM_AS, FORM_AC };

static void compare32(struct lower *lower, uint32_t relation, struct operand *x, struct operand *y, uint32_t slot) {
    if (x->kind == OPERAND_CONSTANT && y->kind != OPERAND_CONSTANT) {
        struct operand *swap = x;
        x = y;
        y = swap;
        relation = swapped_relation(relation);
    }
    if (x->kind == OPERAND_CONSTANT)
        (void)lower_slot(lower, x);
    if (y->kind == OPERAND_CONSTANT) {
        uint32_t constant = y->low;
        /* x > c is x >= c + 1, unless c is the largest there is. */
        if ((relation == RELATION_gt_s || relation == RELATION_le_s) && constant != INT32_MAX) {
            relation = relation == RELATION_gt_s ? RELATION_ge_s : RELATION_lt_s;
            constant++;
        } else if ((relation == RELATION_gt_u || relation == RELATION_le_u) && constant != UINT32_MAX) {
            relation = relation == RELATION_gt_u ? RELATION_ge_u : RELATION_lt_u;
            constant++;
        }
        if (fits16(constant) && relation <= RELATION_ge_u) {
            lower_operation_on(lower, x, OP_compare_SC_S, OP_compare_AC_S);
            lower_emit(lower, constant);
        } else {
            lower_constant_to_accumulator(lower, constant);
            lower_operation1(lower, OP_compare_AS_S, x->low);
            relation = swapped_relation(relation);
        }
    } else if (lower_take_accumulator(lower, x)) {
        lower_operation1(lower, OP_compare_AS_S, y->low);
    } else if (lower_take_accumulator(lower, y)) {
        lower_operation1(lower, OP_compare_AS_S, x->low);
        relation = swapped_relation(relation);
    } else {
        if (relation > RELATION_ge_u) {
            struct operand *swap = x;
            x = y;
            y = swap;
            relation = swapped_relation(relation);
        }
        lower_operation2(lower, OP_compare_SS_S, x->low, y->low);
    }
    lower_emit(lower, relation);
    lower_result(lower, slot, LAST_COMPARE);
}

static void eqz32(struct lower *lower, struct operand *x, uint32_t slot) {
    if (lower->last_kind == LAST_COMPARE && lower_is_last(lower, x)) {
        lower->code[-2] ^= 1; /* not of a comparison is the inverse comparison; its result lies in the same canonical slot */
        return;
    }
    struct operand zero = {.type = WIRQ_I32, .kind = OPERAND_CONSTANT};
    compare32(lower, RELATION_eq, x, &zero, slot);
}

/* Makes one operation of the branch just emitted and the increment before it. No label is between the two: at one the accumulator
 * would not be known, and it is what the branch compares. */
static void fuse_increment(struct lower *lower) {
    uint16_t *last = lower->last, *increment = lower->previous;
    if (last[0] != OP_br_ne_AS || increment != last - 3 || increment[0] != OP_add_DC)
        return;
    increment[0] = OP_add_br_ne_DCS;
    last[0] = last[1]; /* the slot that is compared */
    lower->last = increment;
    lower->code--;
}

void lower_branch_condition(struct lower *lower, struct operand *operand, bool when) {
    if (lower->dead)
        return;
    if (lower->last_kind == LAST_COMPARE && lower_is_last(lower, operand)) {
        uint16_t *last = lower->last;
        uint32_t form = last[0] - OP_compare_SS_S, relation = lower->code[-2] ^ !when;
        lower->code -= 2; /* the relation, and the comparison's destination */
        lower->a[0] = lower->last_a[0];
        lower->a[1] = lower->last_a[1];
        lower->last_kind = LAST_FIXED;
        bool with_zero = (form == FORM_SC || form == FORM_AC) && lower->code[-1] == 0;
        if (with_zero && relation <= RELATION_ne) {
            bool equal = relation == RELATION_eq;
            last[0] = form == FORM_SC ? (equal ? OP_brz_S : OP_brnz_S) : (equal ? OP_brz_A : OP_brnz_A);
            lower->code--; /* the zero */
        } else {
            last[0] = (uint16_t)(branch_forms[form] + relation);
            fuse_increment(lower);
        }
    } else if (operand->kind == OPERAND_CONSTANT) {
        lower_constant_to_accumulator(lower, operand->low);
        lower_operation(lower, when ? OP_brnz_A : OP_brz_A);
    } else {
        lower_operation_on(lower, operand, when ? OP_brnz_S : OP_brz_S, when ? OP_brnz_A : OP_brz_A);
    }
}

/* ---- i64 ---- */

static bool constant64_fits(const struct operand *operand) {
    return operand->kind == OPERAND_CONSTANT && fits16(operand->low) &&
           operand->high == (operand->low & 0x80000000 ? UINT32_MAX : 0);
}

static void binary64(struct lower *lower, uint32_t argument, struct operand *x, struct operand *y, uint32_t slot) {
    uint32_t operation = argument & ~(uint32_t)WITH_CONSTANT;
    bool with_constant = argument & WITH_CONSTANT;
    if (operation != OP_sub64_SS && x->kind == OPERAND_CONSTANT && y->kind != OPERAND_CONSTANT) {
        struct operand *swap = x;
        x = y;
        y = swap;
    }
    if (operation == OP_sub64_SS && y->kind == OPERAND_CONSTANT) {
        uint64_t negative = 0 - ((uint64_t)y->high << 32 | y->low);
        y->low = (uint32_t)negative;
        y->high = (uint32_t)(negative >> 32);
        operation = OP_add64_SS;
        with_constant = true;
    }
    uint32_t first = lower_slot(lower, x);
    if (operation == OP_and64_SS && y->kind == OPERAND_CONSTANT && y->low == UINT32_MAX && y->high == 0) {
        lower_operation1(lower, OP_extend_u64_S, first); /* the low cell */
    } else if (with_constant && constant64_fits(y)) {
        lower_operation2(lower, operation + 1, first, y->low);
    } else if (operation == OP_add64_SS && lower_is_last(lower, y) && lower->last[0] == OP_extend_u64_S) {
        lower->code = lower->last; /* in place of the extension: its operand */
        lower_operation2(lower, OP_add64_SU, first, lower->code[1]);
    } else {
        uint32_t second = lower_slot(lower, y);
        lower_operation2(lower, operation, first, second);
    }
    lower_result(lower, slot, LAST_RESULT64);
}

/* x shifted or rotated by the constant `count`. False: there is no form for it. */
static bool shift64_by_constant(struct lower *lower, uint32_t operation, struct operand *x, uint32_t count) {
    uint32_t high = count >> 5;
    bool is_signed = operation == OP_shr_s64_SC;
    count &= 31;
    if (operation == OP_shl64_SC || operation == OP_rotl64_SC) {
        if (count == 0 && !high)
            return false;
        lower_operation2(lower, operation + high, lower_slot(lower, x), count); /* …_high follows */
    } else if (high) {
        uint32_t cell = lower_slot(lower, x) + 1;
        if (count == 0) {
            lower_operation1(lower, is_signed ? OP_extend_s64_S : OP_extend_u64_S, cell);
        } else {
            lower_operation2(lower, is_signed ? OP_shr_s_SC_A : OP_shr_u_SC_A, cell, count);
            lower_accumulator_unknown(lower);
            lower_operation(lower, is_signed ? OP_extend_s64_A : OP_extend_u64_A);
        }
    } else if (count != 0) {
        lower_operation2(lower, operation, lower_slot(lower, x), count);
    } else {
        return false;
    }
    return true;
}

/* Comparisons that no branch takes in. */
static void compare_slots(struct lower *lower, uint32_t operation, uint32_t relation, struct operand *x, struct operand *y,
                          uint32_t slot) {
    uint32_t first = lower_slot(lower, x);
    lower_operation2(lower, operation, first, lower_slot(lower, y));
    lower_emit(lower, relation);
    lower_result(lower, slot, LAST_STORED32);
}

/* ---- one operand ---- */

/* S form; the A form is `step` operations on. */
static void unary(struct lower *lower, uint32_t operation, uint32_t step, struct operand *x, uint32_t slot, enum last_kind kind) {
    (void)lower_slot(lower, x);
    lower_operation_on(lower, x, operation, operation + step);
    lower_result(lower, slot, kind);
}

/* The same bits under another type: the operand itself, whatever it is. An i32 is the low cell of an i64. */
static void alias(struct lower *lower, const struct operand *x, value_type type) {
    if (x->kind == OPERAND_CONSTANT)
        stack_push_constant(lower, type, x->low, x->high);
    else if (x->kind == OPERAND_ALIAS)
        stack_push_alias(lower, type, x->low);
    else
        stack_push(lower, type);
}

/* Operands in slots, and the accumulator stays as it is. */
static void extended(struct lower *lower, uint32_t number, struct operand *x, struct operand *y, uint32_t slot,
                     enum last_kind kind) {
    uint32_t first = lower_slot(lower, x);
    uint32_t second = y != NULL ? lower_slot(lower, y) : 0;
    lower_operation2(lower, y != NULL ? OP_extended3 : OP_extended2, number, first);
    if (y != NULL)
        lower_emit(lower, second);
    lower_result(lower, slot, kind);
    lower->a[0] = lower->last_a[0];
    lower->a[1] = lower->last_a[1];
    lower_slot_written(lower, slot, kind == LAST_RESULT64 ? 2 : 1);
}

/* `which` shift of SHIFTS64 in vm/ops/wasm.py. */
static void shift64(struct lower *lower, uint32_t which, struct operand *x, struct operand *y, uint32_t slot) {
    enum { SHL, ROTR = 4 };
    /* To the right is to the left by the negative. */
    static const uint16_t by_constant[] = {OP_shl64_SC, OP_shr_s64_SC, OP_shr_u64_SC, OP_rotl64_SC, OP_rotl64_SC};
    uint32_t count = (which == ROTR ? 0 - y->low : y->low) & 63;
    if (y->kind == OPERAND_CONSTANT && shift64_by_constant(lower, by_constant[which], x, count)) {
        lower_result(lower, slot, LAST_RESULT64);
    } else if (which == SHL) {
        uint32_t first = lower_slot(lower, x);
        lower_operation2(lower, OP_shl64_SS, first, lower_slot(lower, y));
        lower_result(lower, slot, LAST_RESULT64);
    } else {
        extended(lower, EXT_shr_s64 + which - 1, x, y, slot, LAST_RESULT64);
    }
}

static void lower_row(struct lower *lower, const struct numeric *row) {
    static const uint8_t type_codes[] = {WIRQ_I32, WIRQ_I64, WIRQ_F32, WIRQ_F64};
    uint8_t parameter = type_codes[row->signature & 3];
    uint8_t result = type_codes[row->signature >> 2 & 3];
    bool two = row->signature >> 4 & 1;
    struct operand operands[2];
    struct operand *x = &operands[0], *y = &operands[1];

    if (row->how == HOW_INVALID) {
        lower_fail(lower, WIRQ_BAD_OPCODE);
        return;
    }
    if (two)
        stack_pop(lower, parameter, y);
    stack_pop(lower, parameter, x);
    if (row->signature >> 5 & 1) {
        x = &operands[1];
        y = &operands[0];
    }

    uint32_t slot = lower->height; /* canonical slot of the result */
    enum last_kind kind = type_cells(result) == 2 ? LAST_RESULT64 : LAST_STORED32;
    if (lower->dead) {
        stack_push(lower, result);
        return;
    }
    switch (row->how) {
    case HOW_BINARY32:
        binary32(lower, row->argument, x, y, slot);
        break;
    case HOW_COMPARE32:
        compare32(lower, row->argument, x, y, slot);
        break;
    case HOW_EQZ32:
        eqz32(lower, x, slot);
        break;
    case HOW_DIVIDE32:
        divide32(lower, row->argument, x, y, slot);
        break;
    case HOW_SLOTS32:
        slots32(lower, row->argument, x, slot);
        break;
    case HOW_SIGN_F32:
        operands[1] =
            (struct operand){.kind = OPERAND_CONSTANT, .low = row->argument == BINARY32_and ? INT32_MAX : UINT32_C(1) << 31};
        binary32(lower, row->argument, x, y, slot);
        break;
    case HOW_UNARY32: /* extend8_S_S, extend8_S_A, extend16_S_S, extend16_S_A, extend8_A_S … */
        unary(lower, row->argument, OP_extend8_A_S - OP_extend8_S_S, x, slot, LAST_RESULT32);
        break;
    case HOW_EXTEND64: /* extend_u64_S, extend_s64_S, extend_u64_A, extend_s64_A */
        unary(lower, row->argument, OP_extend_u64_A - OP_extend_u64_S, x, slot, LAST_RESULT64);
        break;
    case HOW_BINARY64:
        binary64(lower, row->argument, x, y, slot);
        break;
    case HOW_SHIFT64:
        shift64(lower, row->argument, x, y, slot);
        break;
    case HOW_COMPARE64:
        compare_slots(lower, OP_eq64_SS_S + row->argument / 2, row->argument & 1, x, y, slot); /* ORDER RELATIONS */
        break;
    case HOW_COMPARE_F32:
        compare_slots(lower, OP_f32_compare_SS_S, row->argument, x, y, slot);
        break;
    case HOW_EQZ64:
        lower_operation1(lower, OP_eqz64_S, lower_slot(lower, x));
        lower_result(lower, slot, LAST_STORED32);
        break;
    case HOW_ALIAS:
        if (type_cells(parameter) != type_cells(result))
            lower->last_kind = LAST_FIXED; /* its producer writes two cells: it may not be pointed at a one-cell local */
        alias(lower, x, result);
        return;
    default: /* HOW_EXTENDED */
        extended(lower, row->argument, x, two ? y : NULL, slot, kind);
        break;
    }
    stack_push(lower, result);
}

void lower_numeric(struct lower *lower, uint32_t opcode) {
    lower_row(lower, &numeric[opcode - NUMERIC_FIRST]);
}

void lower_saturating(struct lower *lower, uint32_t number) {
    lower_row(lower, &saturating[number]);
}

/* ---- select ---- */

void lower_is_zero(struct lower *lower, struct operand *operand) {
    if (!lower->dead)
        eqz32(lower, operand, lower->height);
    stack_push(lower, WIRQ_I32);
}

void lower_select_typed(struct lower *lower, struct wirq_reader *reader) {
    value_type type;
    uint32_t count = read_u32(reader);
    if (reader->status == WIRQ_OK && count != 1)
        lower_fail(lower, WIRQ_BAD_RESULT_ARITY);
    else if (lower_read_type(lower, reader, &type))
        lower_select(lower, type);
}

void lower_select(struct lower *lower, value_type type) {
    struct operand condition, x, y;
    stack_pop(lower, WIRQ_I32, &condition);
    stack_pop(lower, type, &y);
    stack_pop(lower, y.type, &x);
    if (type == TYPE_UNKNOWN) {
        type = x.type == TYPE_UNKNOWN ? y.type : x.type;
        if (type_is_reference(type))
            lower_fail(lower, WIRQ_TYPE_MISMATCH); /* references need the annotated form */
    }
    uint32_t slot = lower->height;
    if (!lower->dead) {
        bool wide = type_cells(type) == 2;
        uint32_t first = lower_slot(lower, &x), second = lower_slot(lower, &y), test = lower_slot(lower, &condition);
        if (wide)
            lower_operation1(lower, OP_select64, test);
        else
            lower_operation_on(lower, &condition, OP_select_S_S, OP_select_A_S);
        lower_emit(lower, first);
        lower_emit(lower, second);
        lower_result(lower, slot, wide ? LAST_RESULT64 : LAST_STORED32);
    }
    stack_push(lower, type);
}
