/* lower_locals.c: local and global variables, and which locals are surely assigned before they are read.
 *
 * Definite assignment spares most functions the zeroing of their locals. Assignments since the function's start are a log; at a
 * merge what holds is what every path to it has: a prefix of the log. A label notes the shortest log among the branches to it
 * (assigned_branch) and the lowest the log was cut back to while the block was open (assigned_low), because what was logged again
 * after a cut is something else. That may forget an assignment, never invent one.
 */
#include "lower_internal.h"

/* ---- definite assignment ---- */

static bool is_assigned(const struct lower *lower, uint32_t slot) {
    if (slot < lower->type->parameter_cells)
        return true;
    return slot < LOWER_TRACKED_SLOTS && (lower->assigned[slot / 8] >> slot % 8 & 1);
}

static void note_assigned(struct lower *lower, uint32_t slot) {
    if (lower->dead || slot >= LOWER_TRACKED_SLOTS || is_assigned(lower, slot))
        return;
    lower->assigned[slot / 8] |= (uint8_t)(1u << slot % 8);
    lower->assigned_log[lower->assigned_count++] = (uint8_t)slot;
}

static void cut_log(struct lower *lower, uint16_t count) {
    while (lower->assigned_count > count) {
        uint8_t slot = lower->assigned_log[--lower->assigned_count];
        lower->assigned[slot / 8] &= (uint8_t)~(1u << slot % 8);
    }
}

void assignment_block(struct lower *lower, struct control *control) {
    control->assigned_entry = lower->assigned_count;
    control->assigned_branch = UINT16_MAX;
    control->assigned_low = UINT16_MAX;
}

void assignment_branch(struct lower *lower, struct control *control) {
    if (lower->assigned_count < control->assigned_branch)
        control->assigned_branch = lower->assigned_count;
}

void assignment_else(struct lower *lower, struct control *control) {
    if (!lower->dead)
        assignment_branch(lower, control); /* the first arm's end is a path to the end */
    cut_log(lower, control->assigned_entry);
    control->assigned_low = control->assigned_entry;
}

void assignment_end(struct lower *lower, struct control *control, bool targeted, bool fell_through) {
    uint16_t count = fell_through ? lower->assigned_count : UINT16_MAX;
    if (targeted) {
        if (control->assigned_branch < count)
            count = control->assigned_branch;
        if (control->assigned_low < count)
            count = control->assigned_low;
    }
    if (count < lower->assigned_count)
        cut_log(lower, count);
    uint16_t low = lower->assigned_count < control->assigned_low ? lower->assigned_count : control->assigned_low;
    if (control->outer != NULL && low < control->outer->assigned_low)
        control->outer->assigned_low = low;
}

/* ---- locals ---- */

void locals_declare(struct lower *lower, uint32_t count, value_type type) {
    if (count == 0)
        return;
    uint32_t cells = type_cells(type);
    if (!type_is_defaultable(type) && lower->groups_known)
        lower->has_non_defaultable = true;
    if (count > WIRQ_MAX_FRAME_CELLS || lower->height + count * cells > WIRQ_MAX_FRAME_CELLS) {
        lower_fail(lower, WIRQ_TOO_MANY_LOCALS);
        return;
    }
    struct local_group *newest = (struct local_group *)(void *)lower->temp;
    if (lower->local_groups == 0 || newest->type != type) {
        struct local_group *group = stack_reserve(lower, sizeof *group);
        if (group == NULL)
            return;
        group->first = lower->local_count;
        group->slot = (uint16_t)lower->height;
        group->type = type;
        lower->local_groups++;
    }
    lower->local_count += count;
    lower->height += count * cells;
}

void locals_end_declarations(struct lower *lower) {
    if (!lower->has_non_defaultable)
        return;
    if (lower->local_count > UINT32_MAX / sizeof *lower->local_states)
        lower_fail(lower, WIRQ_TOO_MANY_LOCALS);
    struct local_state *states = stack_reserve(lower, lower->local_count * (uint32_t)sizeof *states);
    lower->local_states = states;
    for (uint32_t i = 0; i < lower->local_count && states != NULL; i++)
        states[i].set_in = i < lower->type->parameter_count ? 0 : NO_LOCAL;
}

static void note_set(struct lower *lower, uint32_t index) {
    struct local_state *states = lower->local_states;
    if (states == NULL || states[index].set_in != NO_LOCAL)
        return;
    states[index].set_in = (uint32_t)(lower->temp_top - (const uint8_t *)lower->control);
    states[index].previous = lower->newest_set;
    lower->newest_set = index;
}

void locals_end_arm(struct lower *lower, const struct control *control) {
    uint32_t depth = (uint32_t)(lower->temp_top - (const uint8_t *)control);
    struct local_state *states = lower->local_states;
    while (lower->newest_set != NO_LOCAL && states[lower->newest_set].set_in >= depth) {
        states[lower->newest_set].set_in = NO_LOCAL;
        lower->newest_set = states[lower->newest_set].previous;
    }
}

/* Type and slot of a local, by binary search in the groups, which lie newest lowest. */
static bool find_local(const struct lower *lower, uint32_t index, value_type *type, uint32_t *slot) {
    if (index >= lower->local_count)
        return false;
    const struct local_group *groups = (const struct local_group *)(const void *)lower->temp_top;
    uint32_t low = 1, high = lower->local_groups; /* group i is groups[-i] */
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (groups[-(ptrdiff_t)middle].first <= index)
            low = middle;
        else
            high = middle - 1;
    }
    const struct local_group *group = &groups[-(ptrdiff_t)low];
    *type = group->type;
    *slot = group->slot + (index - group->first) * type_cells(group->type);
    return true;
}

/* Operands that still name a local get its old value before the local changes. */
static void preserve_local(struct lower *lower, uint32_t slot) {
    uint32_t depth = stack_depth(lower);
    if (depth > WIRQ_MAX_SYMBOLIC + 1)
        depth = WIRQ_MAX_SYMBOLIC + 1;
    for (uint32_t i = 0; i < depth; i++) {
        struct operand *operand = stack_at(lower, i);
        if (operand->kind != OPERAND_ALIAS || operand->low != slot)
            continue;
        lower_move(lower, operand, operand->canonical);
        operand->kind = OPERAND_TEMP;
        operand->low = operand->canonical;
    }
}

/* slot += operand has shorter forms: the operation just retargeted to `slot` may be one. */
static void rewrite_in_place(struct lower *lower, uint32_t slot) {
    uint16_t *last = lower->last;
    if (last[0] == OP_add_SC_S && last[1] == slot) {
        last[0] = OP_add_DC;
    } else if (last[0] == OP_add_SS_S && (last[1] == slot || last[2] == slot)) {
        last[2] = last[1] == slot ? last[2] : last[1];
        last[1] = (uint16_t)slot;
        last[0] = OP_add_DS;
    } else if (last[0] == OP_add_AS_S && (last[1] & 0xFF) == slot) {
        last[0] = OP_add_DA; /* which has as many units */
        last[1] = (uint16_t)slot;
        return;
    } else {
        return;
    }
    lower->code--;
}

static void lower_local_set(struct lower *lower, value_type type, uint32_t slot, bool tee) {
    struct operand value;
    stack_pop(lower, type, &value);
    if (!lower->dead && !(value.kind == OPERAND_ALIAS && value.low == slot)) {
        preserve_local(lower, slot);
        if (lower_is_last(lower, &value)) {
            /* The value's producer writes the local itself. */
            uint32_t was = value.low;
            lower_retarget(lower, slot);
            lower_slot_written(lower, slot, type_cells(type));
            for (unsigned i = 0; i < 2; i++)
                if (lower->a[i] == was)
                    lower->a[i] = (uint16_t)slot;
            /* Its store may not be dropped any more; it is no TEMP's producer. */
            if (lower->last_kind == LAST_RESULT32 || lower->last_kind == LAST_HIGH32)
                rewrite_in_place(lower, slot);
            lower->last_kind = LAST_FIXED;
        } else {
            lower_move(lower, &value, slot);
            lower->last_kind = LAST_FIXED;
        }
        note_assigned(lower, slot);
    }
    if (tee)
        stack_push_alias(lower, type, slot);
}

void lower_local(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    uint32_t index = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    value_type type;
    uint32_t slot;
    if (!find_local(lower, index, &type, &slot)) {
        lower_fail(lower, WIRQ_UNKNOWN_LOCAL);
        return;
    }
    if (opcode != 0x20) {
        note_set(lower, index);
        lower_local_set(lower, type, slot, opcode == 0x22);
        return;
    }
    if (!type_is_defaultable(type) && lower->local_states != NULL && lower->local_states[index].set_in == NO_LOCAL)
        lower_fail(lower, WIRQ_UNINITIALIZED_LOCAL);
    if (!lower->dead && !is_assigned(lower, slot)) {
        uint32_t end = slot + type_cells(type);
        if (lower->zero_to == 0 || slot < lower->zero_from)
            lower->zero_from = slot;
        if (end > lower->zero_to)
            lower->zero_to = end;
    }
    stack_push_alias(lower, type, slot);
}

/* ---- globals ---- */

void lower_global(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    uint32_t index = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    const struct wirq_module *module = lower->module;
    if (index >= module->global_count) {
        lower_fail(lower, WIRQ_UNKNOWN_GLOBAL);
        return;
    }
    const struct global_type *global = &module->globals[index];
    bool imported = index < module->imported_globals;
    uint32_t name = imported ? index : global->cell; /* what the operation is told */
    bool wide = type_cells(global->type) == 2;

    if (opcode == 0x23) {
        uint32_t canonical = lower->height;
        uint32_t operation = imported ? (wide ? OP_iglobal_get64 : OP_iglobal_get_S) : wide ? OP_global_get64 : OP_global_get_S;
        lower_operation1(lower, operation, name);
        lower_result(lower, canonical, wide ? LAST_RESULT64 : imported ? LAST_STORED32 : LAST_RESULT32);
        stack_push(lower, global->type);
        return;
    }
    if (!global->is_mutable)
        lower_fail(lower, WIRQ_IMMUTABLE_GLOBAL);
    struct operand value;
    stack_pop(lower, global->type, &value);
    if (lower->dead)
        return;
    if (!wide && !imported && lower_take_accumulator(lower, &value)) {
        lower_operation(lower, OP_global_set_A);
    } else {
        uint32_t slot = lower_slot(lower, &value);
        uint32_t operation = imported ? (wide ? OP_iglobal_set64 : OP_iglobal_set_S) : wide ? OP_global_set64 : OP_global_set_S;
        lower_operation1(lower, operation, slot);
    }
    lower_emit(lower, name);
}
