/* lower_emit.c: emission of internal code, and what is known about the accumulator while it is emitted. */
#include "lower_internal.h"
#include "operands.h"

void lower_fail(struct lower *lower, wirq_status status) {
    if (lower->status == WIRQ_OK)
        lower->status = status;
}

void lower_absent(struct lower *lower, enum wirq_feature feature) {
    if (lower->status == WIRQ_OK)
        lower->detail = feature;
    lower_fail(lower, WIRQ_ABSENT_FEATURE);
}

void lower_emit(struct lower *lower, uint32_t unit) {
    if (lower->dead)
        return;
    if ((uintptr_t)(lower->code + 1) > (uintptr_t)lower->temp) {
        lower_fail(lower, WIRQ_NO_MEMORY);
        return;
    }
    *lower->code++ = (uint16_t)unit;
}

void lower_emit32(struct lower *lower, uint32_t value) {
    lower_emit(lower, value & 0xFFFF);
    lower_emit(lower, value >> 16);
}

void lower_operation(struct lower *lower, uint32_t operation) {
    lower->previous = lower->last;
    lower->last = lower->code;
    lower->last_kind = LAST_FIXED;
    lower->last_a[0] = lower->a[0];
    lower->last_a[1] = lower->a[1];
    lower->last_begun = (uint16_t)operation;
    lower_emit(lower, operation & (IN_HIGH_BYTE - 1));
}

void lower_operation1(struct lower *lower, uint32_t operation, uint32_t unit) {
    lower_operation(lower, operation);
    lower_emit(lower, unit);
}

void lower_operation2(struct lower *lower, uint32_t operation, uint32_t first, uint32_t second) {
    lower_operation1(lower, operation, first);
    lower_emit(lower, second);
}

void lower_slot_written(struct lower *lower, uint32_t slot, uint32_t cells) {
    for (unsigned i = 0; i < 2; i++)
        if (lower->a[i] >= slot && lower->a[i] < slot + cells)
            lower->a[i] = NO_SLOT;
}

/* The destination of an operation that has no unit for it. */
static enum last_kind high_result(struct lower *lower, uint32_t slot) {
    if (lower->dead || lower->status != WIRQ_OK)
        return LAST_FIXED;
    if (lower->last_begun < ACCUMULATOR_ONLY) {
        if ((lower->code[-1] | slot) <= HIGHEST_BYTE_SLOT) {
            lower->code[-1] |= (uint16_t)(slot << 8);
            return LAST_HIGH32;
        }
        lower->last[0]++; /* its neighbour, whose operand is the whole unit */
    }
    lower_operation1(lower, OP_mov_A_S, slot);
    return LAST_MOVED32;
}

void lower_result(struct lower *lower, uint32_t slot, enum last_kind kind) {
    if (kind == LAST_RESULT32 && lower->last_begun >= IN_HIGH_BYTE)
        kind = high_result(lower, slot);
    else
        lower_emit(lower, slot);
    if (kind == LAST_RESULT64) {
        lower_slot_written(lower, slot, 2);
    } else {
        lower->a[0] = (uint16_t)slot;
        lower->a[1] = NO_SLOT;
    }
    lower->last_kind = lower->dead || lower->status != WIRQ_OK ? LAST_FIXED : kind;
}

void lower_accumulator_unknown(struct lower *lower) {
    lower->a[0] = lower->a[1] = NO_SLOT;
}

void lower_label(struct lower *lower) {
    lower->last_kind = LAST_FIXED;
    lower_accumulator_unknown(lower);
}

bool lower_in_accumulator(const struct lower *lower, const struct operand *operand) {
    return operand->kind != OPERAND_CONSTANT && (operand->low == lower->a[0] || operand->low == lower->a[1]);
}

bool lower_is_last(const struct lower *lower, const struct operand *operand) {
    if (lower->last_kind == LAST_FIXED || operand->kind != OPERAND_TEMP)
        return false;
    return (lower->last_kind == LAST_HIGH32 ? lower->code[-1] >> 8 : lower->code[-1]) == operand->low;
}

void lower_drop_destination(struct lower *lower) {
    if (lower->last_kind == LAST_HIGH32)
        lower->code[-1] &= 0xFF;
    else
        lower->code--;
}

void lower_retarget(struct lower *lower, uint32_t slot) {
    if (lower->last_kind != LAST_HIGH32) {
        lower->code[-1] = (uint16_t)slot;
        return;
    }
    lower_drop_destination(lower);
    lower->last_kind = (uint8_t)high_result(lower, slot);
}

bool lower_take_accumulator(struct lower *lower, const struct operand *operand) {
    if (!lower_in_accumulator(lower, operand))
        return false;
    if (lower_is_last(lower, operand) && lower->last_kind <= LAST_MOVED32) {
        if (lower->last_kind == LAST_MOVED32) {
            lower->code = lower->last;
            lower->last = lower->previous;
        } else {
            lower->last[0]++; /* its neighbour, which leaves the result in the accumulator only */
            lower_drop_destination(lower);
        }
        lower_label(lower);
    }
    return true;
}

void lower_operation_on(struct lower *lower, const struct operand *operand, uint32_t from_slot, uint32_t from_accumulator) {
    if (lower_take_accumulator(lower, operand))
        lower_operation(lower, from_accumulator);
    else
        lower_operation1(lower, from_slot, operand->low);
}

void lower_constant_to_accumulator(struct lower *lower, uint32_t value) {
    lower_operation(lower, fits16(value) ? OP_k16_A : OP_k32_A);
    if (fits16(value))
        lower_emit(lower, value);
    else
        lower_emit32(lower, value);
    lower_accumulator_unknown(lower);
}

static uint32_t operand_cells(const struct operand *operand) {
    return operand->type == TYPE_UNKNOWN ? 1 : type_cells(operand->type);
}

void lower_move(struct lower *lower, const struct operand *operand, uint32_t slot) {
    bool wide = operand_cells(operand) == 2;
    if (operand->kind == OPERAND_CONSTANT && !wide) {
        bool in_byte = operand->low <= HIGHEST_BYTE_SLOT;
        if (in_byte) {
            lower_operation1(lower, OP_k8_S | IN_HIGH_BYTE, operand->low);
        } else {
            lower_operation(lower, OP_k32_S);
            lower_emit32(lower, operand->low);
        }
        lower_result(lower, slot, LAST_RESULT32);
    } else if (operand->kind == OPERAND_CONSTANT) {
        bool short_form = fits16(operand->low) && operand->high == (operand->low & 0x80000000 ? UINT32_MAX : 0);
        lower_operation(lower, short_form ? OP_k64s : OP_k64);
        if (short_form) {
            lower_emit(lower, operand->low);
        } else {
            lower_emit32(lower, operand->low);
            lower_emit32(lower, operand->high);
        }
        lower_result(lower, slot, LAST_RESULT64);
    } else if (operand->low == slot) {
        return;
    } else if (wide) {
        lower_operation1(lower, OP_mov64, operand->low);
        lower_result(lower, slot, LAST_RESULT64);
    } else if (lower_in_accumulator(lower, operand)) {
        /* The accumulator equals both slots afterwards. */
        lower_operation1(lower, OP_mov_A_S, slot);
        lower_slot_written(lower, slot, 1);
        lower->a[lower->a[0] == NO_SLOT ? 0 : 1] = (uint16_t)slot;
    } else {
        lower_operation1(lower, OP_mov_S_S | IN_HIGH_BYTE, operand->low);
        lower_result(lower, slot, LAST_RESULT32);
        lower->a[1] = (uint16_t)operand->low;
    }
}

void lower_settle(struct lower *lower, struct operand *operand) {
    lower_move(lower, operand, operand->canonical);
    operand->kind = OPERAND_TEMP;
    operand->low = operand->canonical;
}

uint32_t lower_slot(struct lower *lower, struct operand *operand) {
    if (operand->kind == OPERAND_CONSTANT)
        lower_settle(lower, operand);
    return operand->low;
}

void lower_materialise(struct lower *lower, uint32_t count) {
    if (count > stack_depth(lower))
        count = stack_depth(lower);
    for (uint32_t i = count; i-- > 0;) {
        struct operand *operand = stack_at(lower, i);
        if (operand->kind != OPERAND_TEMP && !lower->dead)
            lower_settle(lower, operand);
    }
}
