/* lower_exceptions.c: throw, and the clauses of try_table. WebAssembly spec 3.3.8 and 4.4.8; exception.c runs what becomes of them. */
#include "lower_internal.h"

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
    struct control *label = control_at_depth(lower->control->outer, depth);
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
void lower_end_try(struct lower *lower, struct control *control) {
    branch_emit(lower, control);
    lower->dead = false;
    for (uint32_t i = control->clauses; i-- > 0 && lower->status == WIRQ_OK;) {
        const struct clause *clause = clause_at(control, i);
        struct control *label = control_at_depth(control->outer, clause->depth);
        uint32_t guarded = lower_here(lower) - control->target;
        uint32_t at = module_code_bytes(lower->module) / 2 + lower_here(lower);
        lower_operation2(lower, OP_catch, clause->tag, label->base);
        lower_emit32(lower, guarded << 1 | clause->has_reference);
        lower_emit32(lower, at - lower->module->catches);
        branch_emit_distance(lower, label, true);
        lower->module->catches = at;
        lower->has_catches = true;
    }
    lower->dead = true;
    lower_label(lower);
}

/* throw x, and throw_ref, whose operand is a reference. */
void lower_throw(struct lower *lower, bool is_reference, struct wirq_reader *reader) {
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
