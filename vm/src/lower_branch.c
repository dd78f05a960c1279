/* lower_branch.c: branches, br_table and return. WebAssembly spec 4.4.8.
 *
 * A branch distance lies in one unit (two in long form) and counts from that unit. Branches to an `end` that has not come yet are
 * chained through those units: each holds how far back the one before it lies, 0 ends the chain.
 */
#include "lower_internal.h"

struct control *control_at_depth(struct control *control, uint32_t depth) {
    while (depth-- > 0 && control != NULL)
        control = control->outer;
    return control;
}

/* ---- distances ---- */

static void emit_distance(struct lower *lower, uint32_t distance, bool is_long) {
    lower_emit(lower, distance);
    if (is_long)
        lower_emit(lower, distance >> 16);
}

/* Where the body is short the second unit of a long distance stays 0. */
void branch_emit_fixup(struct lower *lower, uint32_t *chain, bool is_long) {
    uint32_t unit = lower_here(lower);
    emit_distance(lower, *chain == 0 ? 0 : unit - (*chain - 1), is_long);
    *chain = unit + 1;
}

void branch_emit_distance(struct lower *lower, struct control *control, bool is_long) {
    if (lower->dead)
        return;
    if (control->kind == CONTROL_LOOP) {
        emit_distance(lower, control->target - lower_here(lower), is_long);
    } else {
        branch_emit_fixup(lower, &control->fixups, is_long);
        assignment_branch(lower, control);
    }
}

/* finish_function sees to it that short ones are enough where they are used. */
static void write_distance(struct lower *lower, uint32_t unit, uint32_t distance) {
    lower->start[unit] = (uint16_t)distance;
    if (lower->long_branches)
        lower->start[unit + 1] = (uint16_t)(distance >> 16);
}

static uint32_t read_distance(const struct lower *lower, uint32_t unit) {
    return lower->start[unit] | (lower->long_branches ? (uint32_t)lower->start[unit + 1] << 16 : 0);
}

void branch_patch(struct lower *lower, uint32_t chain) {
    uint32_t target = lower_here(lower);
    while (chain != 0 && lower->status == WIRQ_OK) {
        uint32_t unit = chain - 1, back = read_distance(lower, unit);
        write_distance(lower, unit, target - unit);
        chain = back == 0 ? 0 : chain - back;
    }
}

/* Does a branch from here take the long form? The condition of one back to a loop takes at most three units before its distance. */
static bool is_far(const struct lower *lower, const struct control *control) {
    return lower->long_branches && (control->kind != CONTROL_LOOP || lower_here(lower) - control->target >= 32000);
}

void branch_emit(struct lower *lower, struct control *control) {
    bool is_long = is_far(lower, control);
    lower_operation(lower, is_long ? OP_br_long : OP_br);
    branch_emit_distance(lower, control, is_long);
}

void branch_emit_condition(struct lower *lower, struct operand *condition, bool when, bool is_long) {
    lower_branch_condition(lower, condition, when != is_long);
    if (is_long) {
        lower_emit(lower, 4); /* this unit, br_long and its two */
        lower_operation(lower, OP_br_long);
    }
}

/* ---- values that a branch carries ---- */

/* Are the label's values where the label wants them? */
static bool values_in_place(const struct lower *lower, const struct control *control, struct types types) {
    uint32_t slot = control->base;
    for (uint32_t i = 0; i < types.count; i++) {
        const struct operand *operand = stack_at(lower, types.count - 1 - i);
        if (operand->kind == OPERAND_CONSTANT || operand->low != slot)
            return false;
        slot += type_cells(types.types[i]);
    }
    return true;
}

void lower_move_values(struct lower *lower, uint32_t slot, struct types types, bool retarget) {
    if (lower->dead || types.count == 0)
        return;
    if (types.count > 2) { /* one operation for all, once they lie together */
        lower_materialise(lower, types.count);
        uint32_t from = stack_at(lower, types.count - 1)->low;
        if (from != slot) {
            lower_operation2(lower, OP_move_n, from, slot);
            lower_emit(lower, types_cells(types));
            lower_accumulator_unknown(lower);
        }
        return;
    }
    for (uint32_t i = 0; i < types.count; i++) {
        const struct operand *operand = stack_at(lower, types.count - 1 - i);
        if (retarget && types.count == 1 && operand->low != slot && lower_is_last(lower, operand)) {
            lower_retarget(lower, slot);
            lower_label(lower);
        } else {
            lower_move(lower, operand, slot);
        }
        slot += type_cells(types.types[i]);
    }
}

void branch_emit_return(struct lower *lower) {
    const struct wirq_functype *type = lower->type;
    if (lower->dead)
        return;
    if (type->result_count == 0) {
        lower_operation(lower, OP_return);
    } else if (type->result_count == 1 && type->result_cells == 1) {
        struct operand *operand = stack_at(lower, 0);
        if (operand->kind == OPERAND_CONSTANT) {
            lower_constant_to_accumulator(lower, operand->low);
            lower_operation(lower, OP_return_A);
        } else {
            lower_operation_on(lower, operand, OP_return_S, OP_return_A);
        }
    } else {
        lower_materialise(lower, type->result_count);
        uint32_t from = stack_at(lower, type->result_count - 1u)->low;
        lower_operation1(lower, type->result_count == 1 ? OP_return64 : OP_return_n, from);
        if (type->result_count != 1)
            lower_emit(lower, type->result_cells);
    }
    lower_label(lower);
}

/* A branch to the label, with its values. */
static void branch_to(struct lower *lower, struct control *control, bool retarget) {
    if (control->kind == CONTROL_FUNCTION) {
        branch_emit_return(lower);
        return;
    }
    lower_move_values(lower, control->base, control_label(control), retarget);
    branch_emit(lower, control);
}

/* ---- branches ---- */

/* The label that an instruction names; NULL if it cannot be read or there is none. */
static struct control *read_label(struct lower *lower, struct wirq_reader *reader) {
    uint32_t depth = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return NULL;
    struct control *control = control_at_depth(lower->control, depth);
    if (control == NULL)
        lower_fail(lower, WIRQ_UNKNOWN_LABEL);
    lower->label_depth = depth;
    return control;
}

/* Branches if the condition, which has been popped, is (`when`: not) zero. */
static void branch_if(struct lower *lower, struct control *control, struct operand *condition, bool when) {
    struct types types = control_label(control);
    (void)stack_check_types(lower, types);
    stack_retype(lower, types);
    if (lower->status != WIRQ_OK || lower->dead)
        return;

    bool is_long = is_far(lower, control);
    if (control->kind != CONTROL_FUNCTION && !(control->kind == CONTROL_LOOP && is_long) &&
        values_in_place(lower, control, types)) {
        branch_emit_condition(lower, condition, when, is_long);
        branch_emit_distance(lower, control, is_long);
        return;
    }
    /* Step over the moves and the branch (or the return) if the condition does not hold. Where those put operands into their slots
     * for good, that is done before, so that it holds on both ways; what is known about the accumulator is what it was before. */
    if (types.count > 2 || (control->kind == CONTROL_FUNCTION && types_cells(types) > 1))
        lower_materialise(lower, types.count);
    lower_branch_condition(lower, condition, !when);
    uint32_t unit = lower_here(lower);
    lower_emit(lower, 0);
    uint16_t a[2] = {lower->a[0], lower->a[1]};
    branch_to(lower, control, false);
    if (lower->status == WIRQ_OK)
        lower->start[unit] = (uint16_t)(lower_here(lower) - unit);
    lower->last_kind = LAST_FIXED;
    lower->a[0] = a[0];
    lower->a[1] = a[1];
}

/* br_on_null: what follows has the reference, which is not null there. br_on_non_null: the label has it. The reference must stay
 * where it is, so its producer is not touched. */
static void br_on_null(struct lower *lower, bool when_null, struct wirq_reader *reader) {
    struct control *control = read_label(lower, reader);
    struct operand operand;
    if (control == NULL || !lower_pop_reference(lower, &operand))
        return;
    lower->last_kind = LAST_FIXED;
    if (when_null) {
        branch_if(lower, control, &operand, false);
        lower_push_non_null(lower, &operand);
        return;
    }
    struct types types = control_label(control);
    if (types.count == 0 || !type_is_reference(types.types[types.count - 1])) {
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
        return;
    }
    lower_push_non_null(lower, &operand);
    branch_if(lower, control, &operand, true);
    stack_pop(lower, TYPE_UNKNOWN, &operand);
}

static void branch(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    struct control *control = read_label(lower, reader);
    if (control == NULL)
        return;
    if (opcode == 0x0D) {
        struct operand condition;
        stack_pop(lower, WIRQ_I32, &condition);
        branch_if(lower, control, &condition, true);
    } else if (stack_check_types(lower, control_label(control))) {
        branch_to(lower, control, true);
        stack_unreachable(lower);
    }
}

/* ---- br_table: its targets arrive one by one ---- */

static void br_table(struct lower *lower, struct wirq_reader *reader) {
    uint32_t count = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    if (count == UINT32_MAX)
        lower_fail(lower, WIRQ_IMPLEMENTATION_LIMIT);
    static const value_type index = WIRQ_I32;
    if (!stack_check_types(lower, (struct types){&index, 1}))
        return;
    lower->table_left = lower->table_size = count + 1;
    lower->table_arity = UINT32_MAX;
    /* Labels that carry values: those go to their canonical slots first, since every target finds them there. How many they are is
     * known with the first target, so the operation itself is emitted then; the index waits in its slot. */
    if (!lower->dead)
        (void)lower_slot(lower, stack_at(lower, 0));
}

/* Emits the operation of a br_table once its labels' arity is known. */
static void begin_table(struct lower *lower) {
    struct operand index;
    stack_pop(lower, WIRQ_I32, &index);
    lower_materialise(lower, lower->table_arity);
    if (lower->long_branches) {
        lower_operation1(lower, OP_br_table_long_S, index.low);
        lower_emit32(lower, lower->table_size - 1);
    } else {
        lower_operation2(lower, OP_br_table_S, index.low, lower->table_size - 1);
    }
    lower->table_entries = lower->code;
}

/* Entries that need more than a distance (values to move, a return, a loop far behind) get a stub behind the table. */
static void emit_table_stubs(struct lower *lower) {
    uint32_t step = lower->long_branches ? 2 : 1;
    uint32_t known_depth = UINT32_MAX, known_at = 0;
    for (uint32_t i = 0; i < lower->table_size && lower->status == WIRQ_OK; i++) {
        uint32_t unit = (uint32_t)(lower->table_entries - lower->start) + i * step;
        uint32_t depth = read_distance(lower, unit);
        if (depth != known_depth) {
            known_depth = depth;
            known_at = lower_here(lower);
            lower_label(lower);
            branch_to(lower, control_at_depth(lower->control, depth), false);
        }
        write_distance(lower, unit, known_at - unit);
    }
}

void lower_table_target(struct lower *lower, struct wirq_reader *reader) {
    struct control *control = read_label(lower, reader);
    if (control == NULL)
        return;
    struct types types = control_label(control);
    if (lower->table_arity == UINT32_MAX) { /* the first */
        lower->table_arity = types.count;
        begin_table(lower);
    } else if (types.count != lower->table_arity) {
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
    }
    (void)stack_check_types(lower, types);
    if (lower->status != WIRQ_OK)
        return;

    if (types.count != 0) /* in short form a body has fewer blocks than 16 bits count */
        emit_distance(lower, lower->label_depth, lower->long_branches);
    else /* a return without values is a branch to the function's end, which emits one */
        branch_emit_distance(lower, control, lower->long_branches);
    if (--lower->table_left == 0) {
        if (!lower->dead && types.count != 0)
            emit_table_stubs(lower);
        stack_unreachable(lower);
    }
}

static void return_(struct lower *lower) {
    const struct wirq_functype *type = lower->type;
    if (!stack_check_types(lower, (struct types){type->types + type->parameter_count, type->result_count}))
        return;
    branch_emit_return(lower);
    stack_unreachable(lower);
}

void lower_branch(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    switch (opcode) {
    case 0x0C:
    case 0x0D:
        branch(lower, opcode, reader);
        break;
    case 0x0E:
        br_table(lower, reader);
        break;
    case 0x0F:
        return_(lower);
        break;
    case 0xD5:
    case 0xD6:
        br_on_null(lower, opcode == 0xD5, reader);
        break;
    }
}
