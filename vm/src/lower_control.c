/* lower_control.c: blocks and branches. WebAssembly spec 3.3.8 and 4.4.8.
 *
 * A branch distance lies in one unit (two in long form) and counts from that unit. Branches to an `end` that has not come yet are
 * chained through those units: each holds how far back the one before it lies, 0 ends the chain.
 */
#include "lower_internal.h"

struct types control_parameters(const struct control *control) {
    if (control->type != NULL && control->kind != CONTROL_FUNCTION)
        return (struct types){control->type->types, control->type->parameter_count};
    return (struct types){NULL, 0};
}

struct types control_results(const struct control *control) {
    if (control->type != NULL)
        return (struct types){control->type->types + control->type->parameter_count, control->type->result_count};
    return (struct types){&control->result, control->result != NO_RESULT};
}

struct types control_label(const struct control *control) {
    return control->kind == CONTROL_LOOP ? control_parameters(control) : control_results(control);
}

uint32_t types_cells(struct types types) {
    uint32_t cells = 0;
    for (uint32_t i = 0; i < types.count; i++)
        cells += type_cells(types.types[i]);
    return cells;
}

/* The tag that an instruction names, and the types of its values. */
static uint32_t read_tag(struct lower *lower, struct wirq_reader *reader, struct types *types) {
    const struct wirq_module *module = lower->module;
    uint32_t tag = read_leb_u32(reader);
    if (reader->status != WIRQ_OK)
        return tag;
    if (tag >= module->tag_count) {
        lower_fail(lower, WIRQ_UNKNOWN_TAG);
        return tag;
    }
    const struct wirq_functype *type = module->types[module->tags[tag]];
    *types = (struct types){type->types, type->parameter_count};
    return tag;
}

static struct control *find_control(struct control *control, uint32_t depth) {
    while (depth-- > 0 && control != NULL)
        control = control->outer;
    return control;
}

/* ---- distances ---- */

static uint32_t here(const struct lower *lower) {
    return (uint32_t)(lower->code - lower->start);
}

static void emit_distance(struct lower *lower, uint32_t distance, bool is_long) {
    lower_emit(lower, distance);
    if (is_long)
        lower_emit(lower, distance >> 16);
}

/* Emits the distance of a branch forward, to be filled in; *chain is its fixup chain. Where the body is short the second unit of a
 * long one stays 0. */
static void emit_fixup(struct lower *lower, uint32_t *chain, bool is_long) {
    uint32_t unit = here(lower);
    emit_distance(lower, *chain == 0 ? 0 : unit - (*chain - 1), is_long);
    *chain = unit + 1;
}

/* Emits the distance to the control's label: backward to a loop, or forward through the control's chain. */
static void emit_label_distance(struct lower *lower, struct control *control, bool is_long) {
    if (lower->dead)
        return;
    if (control->kind == CONTROL_LOOP) {
        emit_distance(lower, control->target - here(lower), is_long);
    } else {
        emit_fixup(lower, &control->fixups, is_long);
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

/* Makes every branch of the chain come here. */
static void patch_chain(struct lower *lower, uint32_t chain) {
    uint32_t target = here(lower);
    while (chain != 0 && lower->status == WIRQ_OK) {
        uint32_t unit = chain - 1, back = read_distance(lower, unit);
        write_distance(lower, unit, target - unit);
        chain = back == 0 ? 0 : chain - back;
    }
}

/* Does a branch from here take the long form? The condition of one back to a loop takes at most three units before its distance. */
static bool is_far(const struct lower *lower, const struct control *control) {
    return lower->long_branches && (control->kind != CONTROL_LOOP || here(lower) - control->target >= 32000);
}

static void emit_branch(struct lower *lower, struct control *control) {
    bool is_long = is_far(lower, control);
    lower_operation(lower, is_long ? OP_br_long : OP_br);
    emit_label_distance(lower, control, is_long);
}

/* Emits a conditional branch up to its distance. A long one is for the opposite condition and steps over a branch. */
static void emit_condition(struct lower *lower, struct operand *condition, bool when, bool is_long) {
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

static void emit_return(struct lower *lower) {
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
        emit_return(lower);
        return;
    }
    lower_move_values(lower, control->base, control_label(control), retarget);
    emit_branch(lower, control);
}

/* ---- blocks ---- */

void lower_control_push(struct lower *lower, enum control_kind kind, const struct wirq_functype *type, value_type result) {
    uint8_t *operands_end = lower->temp;
    uint32_t padding = (uint32_t)((uintptr_t)lower->temp % _Alignof(struct control));
    struct control *control = stack_reserve(lower, sizeof *control + padding);
    if (control == NULL)
        return;
    *control = (struct control){
        .outer = lower->control,
        .operands_end = operands_end,
        .type = type,
        .result = result,
        .kind = (uint8_t)kind,
        .dead_outside = lower->dead,
        .base = lower->height,
        .target = here(lower),
    };
    lower->control = control;
    assignment_block(lower, control);
}

/* Block type: 0x40, a value type, or a type index. */
static void read_block_type(struct lower *lower, struct wirq_reader *reader, const struct wirq_functype **type,
                            value_type *result) {
    const uint8_t *first = reader->p;
    int64_t code = read_leb_s33(reader);
    *type = NULL;
    *result = NO_RESULT;
    if (reader->status != WIRQ_OK || code == NO_RESULT - 0x80)
        return;
    if (code < 0) {
        reader->p = first;
        (void)lower_read_type(lower, reader, result);
    } else if (code >= lower->module->type_count) {
        lower_fail(lower, WIRQ_UNKNOWN_TYPE);
    } else {
        *type = lower->module->types[code];
    }
}

static void block(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    const struct wirq_functype *type;
    value_type result;
    read_block_type(lower, reader, &type, &result);
    uint32_t clauses = WIRQ_WITH_EXCEPTIONS && opcode == 0x1F ? read_u32(reader) : 0;
    if (reader->status != WIRQ_OK)
        return;
    if (clauses > UINT16_MAX)
        lower_fail(lower, WIRQ_IMPLEMENTATION_LIMIT);
    struct operand condition;
    if (opcode == 0x04)
        stack_pop(lower, WIRQ_I32, &condition);
    struct types parameters = {type ? type->types : NULL, type ? type->parameter_count : 0};
    if (!stack_check_types(lower, parameters))
        return;

    /* Aliases of this level may not outlive a local.set inside; parameters must be in their slots. The condition has been
     * popped: an alias keeps its meaning, and one in its slot lies above. */
    for (uint32_t i = stack_depth(lower); i-- > 0 && !lower->dead;) {
        struct operand *operand = stack_at(lower, i);
        if (operand->kind == OPERAND_ALIAS || (operand->kind == OPERAND_CONSTANT && i < parameters.count))
            lower_settle(lower, operand);
    }
    stack_pop_types(lower, parameters);
    enum control_kind kind = opcode == 0x1F ? CONTROL_BLOCK : opcode - 0x02 + CONTROL_BLOCK; /* block, loop, if */
    if (kind == CONTROL_LOOP)
        lower_label(lower);
    uint8_t *operands_end = lower->temp;
    (void)stack_reserve(lower, clauses * (uint32_t)sizeof(struct clause));
    lower_control_push(lower, kind, type, result);
    if (lower->status != WIRQ_OK)
        return;
    lower->control->operands_end = operands_end;
    lower->control->clauses = lower->clauses_left = (uint16_t)clauses;
    if (kind == CONTROL_IF && !lower->dead) {
        emit_condition(lower, &condition, false, lower->long_branches);
        emit_fixup(lower, &lower->control->else_fixup, lower->long_branches);
    }
    stack_push_types(lower, parameters);
}

/* Puts the results of the innermost block where its label wants them, and checks that nothing else is left. */
static struct types finish_arm(struct lower *lower) {
    struct control *control = lower->control;
    struct types results = control_results(control);
    if (stack_check_types(lower, results)) {
        if (stack_depth(lower) > results.count)
            lower_fail(lower, WIRQ_TYPE_MISMATCH);
        if (control->kind != CONTROL_FUNCTION)
            lower_move_values(lower, control->base, results, true);
    }
    return results;
}

static void else_(struct lower *lower) {
    struct control *control = lower->control;
    if (control->kind != CONTROL_IF)
        lower_fail(lower, WIRQ_BAD_OPCODE);
    (void)finish_arm(lower);
    if (lower->status != WIRQ_OK)
        return;
    assignment_else(lower, control);
    locals_end_arm(lower, control);
    emit_branch(lower, control);
    lower->dead = control->dead_outside;
    patch_chain(lower, control->else_fixup);
    control->else_fixup = 0;
    lower_label(lower);
    control->kind = CONTROL_ELSE;
    control->unreachable = false;
    lower->temp = (uint8_t *)control;
    lower->height = control->base;
    stack_push_types(lower, control_parameters(control));
}

/* ---- exceptions ---- */

/* The clauses lie below what the stack was before their control, the last one highest. */
static struct clause *clause_at(const struct control *control, uint32_t i) {
    return (struct clause *)(void *)control->operands_end - 1 - i;
}

/* One clause, right behind the last one or the beginning of its try_table. It is a branch from there. */
void lower_catch(struct lower *lower, struct wirq_reader *reader) {
    struct types types = {NULL, 0};
    uint32_t kind = read_byte(reader), tag = kind < 2 ? read_tag(lower, reader, &types) : ALL_TAGS;
    uint32_t depth = read_leb_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    struct control *label = find_control(lower->control->outer, depth);
    if (kind > 3)
        lower_fail(lower, WIRQ_BAD_OPCODE);
    if (label == NULL)
        lower_fail(lower, WIRQ_UNKNOWN_LABEL);
    if (lower->status != WIRQ_OK)
        return;
    struct types want = control_label(label);
    bool has_reference = kind & 1;
    if (has_reference && (want.count-- == 0 || !type_matches(WIRQ_EXNREF | TYPE_NON_NULL, want.types[want.count])))
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
    lower_check_match(lower, types, want);
    *clause_at(lower->control, --lower->clauses_left) = (struct clause){depth, (uint16_t)tag, has_reference};
    if (!lower->dead)
        assignment_branch(lower, label);
}

/* The body of a try_table has ended: the catch operations come behind it (exception.c), past which it branches if it falls through. */
static void end_try(struct lower *lower, struct control *control) {
    emit_branch(lower, control);
    lower->dead = false;
    for (uint32_t i = control->clauses; i-- > 0 && lower->status == WIRQ_OK;) {
        const struct clause *clause = clause_at(control, i);
        struct control *label = find_control(control->outer, clause->depth);
        uint32_t guarded = here(lower) - control->target;
        uint32_t at = module_code_bytes(lower->module) / 2 + here(lower);
        lower_operation2(lower, OP_catch, clause->tag, label->base);
        lower_emit32(lower, guarded << 1 | clause->has_reference);
        lower_emit32(lower, at - lower->module->catches);
        emit_label_distance(lower, label, true);
        lower->module->catches = at;
        lower->has_catches = true;
    }
    lower->dead = true;
    lower_label(lower);
}

/* throw x, and throw_ref, whose operand is a reference. */
static void throw_(struct lower *lower, bool is_reference, struct wirq_reader *reader) {
    static const value_type reference = WIRQ_EXNREF;
    struct types types = {&reference, 1};
    uint32_t tag = is_reference ? ALL_TAGS : read_tag(lower, reader, &types);
    if (reader->status != WIRQ_OK || lower->status != WIRQ_OK || !stack_check_types(lower, types))
        return;
    lower_materialise(lower, types.count);
    stack_pop_types(lower, types);
    lower_operation2(lower, OP_throw, tag, lower->height);
    stack_unreachable(lower);
}

/* The function is lowered: the header in front of it holds what it needs, and the code moves down over what it does not; where it
 * stays, since catch operations are found by where they are, the header lies right before it. */
static void finish_function(struct lower *lower) {
    uint16_t *body = lower->start + 5, *to = lower->start;
    uint32_t units = (uint32_t)(lower->code - body);
    bool enters = lower->max_height > WIRQ_STACK_SLACK, zeroes = lower->zero_to > lower->zero_from;
    if (!lower->long_branches && units > INT16_MAX)
        lower_fail(lower, WIRQ_IMPLEMENTATION_LIMIT);
    if (WIRQ_WITH_EXCEPTIONS && lower->has_catches)
        to = body - 2 * enters - 3 * zeroes;
    struct wirq_module *module = lower->module;
    module->code[lower->function - module->imported_functions] = module->code_end + (to - lower->start);
    if (enters) {
        *to++ = OP_enter;
        *to++ = (uint16_t)lower->max_height;
    }
    if (zeroes) {
        *to++ = OP_zero;
        *to++ = (uint16_t)lower->zero_from;
        *to++ = (uint16_t)(lower->zero_to - lower->zero_from);
    }
    __builtin_memmove(to, body, units * sizeof *to); /* every distance counts from itself: the code may lie anywhere */
    lower->code = to + units;
    lower->done = true;
}

static void end(struct lower *lower) {
    struct control *control = lower->control;
    struct types results = finish_arm(lower);
    if (lower->status != WIRQ_OK)
        return;
    if (WIRQ_WITH_EXCEPTIONS && control->clauses != 0 && !control->dead_outside)
        end_try(lower, control);
    if (control->kind == CONTROL_FUNCTION) {
        if (control->fixups != 0) { /* of a br_table without values, or catch clauses: they return what lies in the results' slots */
            lower_materialise(lower, results.count);
            lower->dead = false;
            stack_pop_types(lower, results);
            stack_push_types(lower, results);
            patch_chain(lower, control->fixups);
            lower_label(lower);
        }
        emit_return(lower);
        if (lower->status == WIRQ_OK)
            finish_function(lower);
        return;
    }
    if (control->kind == CONTROL_IF) { /* no else: what comes in goes out */
        lower_check_match(lower, control_parameters(control), results);
    }
    bool fell_through = !lower->dead;
    bool targeted = control->fixups != 0;
    if (control->else_fixup != 0) { /* the condition's way past the block; it knows what held at its entry */
        targeted = true;
        if (control->assigned_entry < control->assigned_branch)
            control->assigned_branch = control->assigned_entry;
    }
    assignment_end(lower, control, targeted, fell_through);
    locals_end_arm(lower, control);
    if (!control->dead_outside)
        lower->dead = !fell_through && !targeted;
    if (targeted) {
        patch_chain(lower, control->fixups);
        patch_chain(lower, control->else_fixup);
        lower_label(lower);
    }
    lower->temp = control->operands_end;
    lower->height = control->base;
    lower->control = control->outer;
    /* A single result may lie in the control, which is gone from the stack but not overwritten before the type has been read. */
    stack_push_types(lower, results);
}

/* ---- branches ---- */

/* The label that an instruction names; NULL if it cannot be read or there is none. */
static struct control *read_label(struct lower *lower, struct wirq_reader *reader) {
    uint32_t depth = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return NULL;
    struct control *control = find_control(lower->control, depth);
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
    if (control->kind != CONTROL_FUNCTION && !(control->kind == CONTROL_LOOP && is_long) && values_in_place(lower, control, types)) {
        emit_condition(lower, condition, when, is_long);
        emit_label_distance(lower, control, is_long);
        return;
    }
    /* Step over the moves and the branch (or the return) if the condition does not hold. Where those put operands into their slots
     * for good, that is done before, so that it holds on both ways; what is known about the accumulator is what it was before. */
    if (types.count > 2 || (control->kind == CONTROL_FUNCTION && types_cells(types) > 1))
        lower_materialise(lower, types.count);
    lower_branch_condition(lower, condition, !when);
    uint32_t unit = here(lower);
    lower_emit(lower, 0);
    uint16_t a[2] = {lower->a[0], lower->a[1]};
    branch_to(lower, control, false);
    if (lower->status == WIRQ_OK)
        lower->start[unit] = (uint16_t)(here(lower) - unit);
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
            known_at = here(lower);
            lower_label(lower);
            branch_to(lower, find_control(lower->control, depth), false);
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
        emit_label_distance(lower, control, lower->long_branches);
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
    emit_return(lower);
    stack_unreachable(lower);
}

void lower_control(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    struct operand operand;
    switch (opcode) {
    case 0x00: /* unreachable */
        lower_operation(lower, OP_unreachable);
        stack_unreachable(lower);
        break;
    case 0x01: /* nop */
        break;
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x1F:
        block(lower, opcode, reader);
        break;
    case 0x05:
        else_(lower);
        break;
    case 0x0B:
        end(lower);
        break;
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
    case 0x08:
    case 0x0A:
        if (WIRQ_WITH_EXCEPTIONS)
            throw_(lower, opcode == 0x0A, reader);
        break;
    case 0xD5:
    case 0xD6:
        br_on_null(lower, opcode == 0xD5, reader);
        break;
    case 0x1A: /* drop */
        stack_pop(lower, TYPE_UNKNOWN, &operand);
        break;
    case 0x1B:
        lower_select(lower, TYPE_UNKNOWN);
        break;
    }
}
