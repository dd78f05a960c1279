/* lower_stack.c: the operand stack of validation, which is also what lowering knows of where values are. Spec appendix A.3. */
#include "lower_internal.h"

static inline void *reserve(struct lower *lower, uint32_t size) {
    if ((size_t)(lower->temp - (uint8_t *)lower->code) < size + sizeof(uint16_t)) {
        lower_fail(lower, WIRQ_NO_MEMORY);
        return NULL;
    }
    lower->temp -= size;
    if (lower->temp < lower->temp_low)
        lower->temp_low = lower->temp;
    return lower->temp;
}

void *stack_reserve(struct lower *lower, uint32_t size) {
    return reserve(lower, (size + 3) & ~UINT32_C(3));
}

uint32_t stack_depth(const struct lower *lower) {
    return (uint32_t)((size_t)((uint8_t *)lower->control - lower->temp) / sizeof(struct operand));
}

struct operand *stack_at(const struct lower *lower, uint32_t from_top) {
    return (struct operand *)(void *)lower->temp + from_top;
}

/* So that a local.set need not look deeper for aliases of its local: the operand that a push has just moved out of its sight. */
static void settle_deep_alias(struct lower *lower) {
    struct operand *deep = stack_at(lower, WIRQ_MAX_SYMBOLIC);
    if ((uintptr_t)deep < (uintptr_t)lower->control && deep->kind == OPERAND_ALIAS && !lower->dead) {
        lower_settle(lower, deep);
    }
}

static struct operand *push(struct lower *lower, value_type type, enum operand_kind kind) {
    uint32_t canonical = lower->height;
    uint32_t cells = type == TYPE_UNKNOWN ? 1 : type_cells(type);
    struct operand *operand = reserve(lower, sizeof *operand);
    if (operand == NULL)
        return NULL;
    if (canonical + cells > WIRQ_MAX_FRAME_CELLS) {
        lower_fail(lower, WIRQ_IMPLEMENTATION_LIMIT);
        lower->temp += sizeof *operand;
        return NULL;
    }
    lower->height = canonical + cells;
    if (lower->height > lower->max_height && !lower->dead)
        lower->max_height = lower->height;
    operand->type = type & 0x3FFF;
    operand->kind = kind & 3u;
    operand->canonical = (uint16_t)canonical;
    operand->low = canonical;
    operand->high = 0;
    settle_deep_alias(lower);
    return operand;
}

void stack_push(struct lower *lower, value_type type) {
    (void)push(lower, type, OPERAND_TEMP);
}

void stack_push_alias(struct lower *lower, value_type type, uint32_t slot) {
    struct operand *operand = push(lower, type, OPERAND_ALIAS);
    if (operand == NULL)
        return;
    operand->low = slot;
}

void stack_push_constant(struct lower *lower, value_type type, uint32_t low, uint32_t high) {
    struct operand *operand = push(lower, type, OPERAND_CONSTANT);
    if (operand == NULL)
        return;
    operand->low = low;
    operand->high = high;
}

void stack_pop(struct lower *lower, value_type type, struct operand *operand) {
    if (stack_depth(lower) == 0) {
        if (!lower->control->unreachable)
            lower_fail(lower, WIRQ_TYPE_MISMATCH);
        operand->type = type & 0x3FFF;
        operand->kind = OPERAND_TEMP;
        operand->canonical = (uint16_t)lower->height;
        operand->low = lower->height;
        operand->high = 0;
        return;
    }
    *operand = *stack_at(lower, 0);
    if (type != TYPE_UNKNOWN && operand->type != type) {
        if (!type_matches(operand->type, type))
            lower_fail(lower, WIRQ_TYPE_MISMATCH);
        operand->type = type & 0x3FFF;
    }
    lower->temp += sizeof *operand;
    lower->height = operand->canonical;
}

void stack_pop_types(struct lower *lower, struct types types) {
    struct operand operand;
    for (uint32_t i = types.count; i-- > 0;)
        stack_pop(lower, types.types[i], &operand);
}

void stack_push_types(struct lower *lower, struct types types) {
    for (uint32_t i = 0; i < types.count; i++)
        stack_push(lower, types.types[i]);
}

bool stack_check_types(struct lower *lower, struct types types) {
    uint32_t depth = stack_depth(lower);
    bool same = depth >= types.count || lower->control->unreachable;
    for (uint32_t i = 0; i < types.count && i < depth; i++) {
        value_type type = stack_at(lower, i)->type, want = types.types[types.count - 1 - i];
        same = same && (type == want || type_matches(type, want));
    }
    if (!same)
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
    return same;
}

void lower_check_match(struct lower *lower, struct types have, struct types want) {
    bool same = have.count == want.count;
    for (uint32_t i = 0; i < have.count && same; i++)
        same = type_matches(have.types[i], want.types[i]);
    if (!same)
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
}

void stack_retype(struct lower *lower, struct types types) {
    if (lower->control->unreachable) {
        stack_pop_types(lower, types);
        stack_push_types(lower, types);
        return;
    }
    for (uint32_t i = 0; i < types.count && lower->status == WIRQ_OK; i++)
        stack_at(lower, i)->type = types.types[types.count - 1 - i] & 0x3FFF;
}

void stack_unreachable(struct lower *lower) {
    lower->temp = (uint8_t *)lower->control;
    lower->height = lower->control->base;
    lower->control->unreachable = true;
    lower->dead = true;
    lower_label(lower);
}
