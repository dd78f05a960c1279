/* lower_control.c: blocks, and the end of a function. WebAssembly spec 3.3.8 and 4.4.8. */
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
        .target = lower_here(lower),
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
        branch_emit_condition(lower, &condition, false, lower->long_branches);
        branch_emit_fixup(lower, &lower->control->else_fixup, lower->long_branches);
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
    branch_emit(lower, control);
    lower->dead = control->dead_outside;
    branch_patch(lower, control->else_fixup);
    control->else_fixup = 0;
    lower_label(lower);
    control->kind = CONTROL_ELSE;
    control->unreachable = false;
    lower->temp = (uint8_t *)control;
    lower->height = control->base;
    stack_push_types(lower, control_parameters(control));
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
        lower_end_try(lower, control);
    if (control->kind == CONTROL_FUNCTION) {
        if (control->fixups !=
            0) { /* of a br_table without values, or catch clauses: they return what lies in the results' slots */
            lower_materialise(lower, results.count);
            lower->dead = false;
            stack_pop_types(lower, results);
            stack_push_types(lower, results);
            branch_patch(lower, control->fixups);
            lower_label(lower);
        }
        branch_emit_return(lower);
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
        branch_patch(lower, control->fixups);
        branch_patch(lower, control->else_fixup);
        lower_label(lower);
    }
    lower->temp = control->operands_end;
    lower->height = control->base;
    lower->control = control->outer;
    /* A single result may lie in the control, which is gone from the stack but not overwritten before the type has been read. */
    stack_push_types(lower, results);
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
    case 0x0E:
    case 0x0F:
    case 0xD5:
    case 0xD6:
        lower_branch(lower, opcode, reader);
        break;
    case 0x08:
    case 0x0A:
        if (WIRQ_WITH_EXCEPTIONS)
            lower_throw(lower, opcode == 0x0A, reader);
        break;
    case 0x1A: /* drop */
        stack_pop(lower, TYPE_UNKNOWN, &operand);
        break;
    case 0x1B:
        lower_select(lower, TYPE_UNKNOWN);
        break;
    }
}
