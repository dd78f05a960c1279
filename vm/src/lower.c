/* lower.c: one function body: local declarations, then instruction after instruction, each decoded whole before it acts. */
#include "lower.h"
#include "lower_internal.h"

wirq_status lower_begin(struct lower *lower, uint32_t function, uint32_t body_size) {
    lower->type = module_function_type(lower->module, function);
    lower->function = function;
    lower->status = WIRQ_OK;
    lower->start = lower->code;
    lower->temp = lower->temp_top;
    lower->control = NULL;
    lower->done = false;
    lower->dead = false;
    lower->long_branches = body_size > LONG_BRANCH_BODY;
    lower->groups_left = 0;
    lower->groups_known = false;
    lower->local_count = 0;
    lower->local_groups = 0;
    lower->local_states = NULL;
    lower->newest_set = NO_LOCAL;
    lower->has_non_defaultable = false;
    lower->height = 0;
    lower->max_height = 0;
    lower->table_left = 0;
    lower->clauses_left = 0;
    lower->has_catches = false;
    lower->assigned_count = 0;
    lower->zero_from = lower->zero_to = 0;
    __builtin_memset(lower->assigned, 0, sizeof lower->assigned);
    lower_label(lower);

    for (uint32_t i = 0; i < 5; i++) /* room for the header: enter and zero */
        lower_emit(lower, OP_unreachable);
    for (uint32_t i = 0; i < lower->type->parameter_count; i++)
        locals_declare(lower, 1, lower->type->types[i]);
    return lower->status;
}

static bool type_was_read(struct lower *lower, const struct wirq_reader *reader, wirq_status status, uint32_t feature) {
    if (status == WIRQ_ABSENT_FEATURE)
        lower_absent(lower, (enum wirq_feature)feature);
    else if (status != WIRQ_OK && reader->status == WIRQ_OK)
        lower_fail(lower, status);
    return status == WIRQ_OK;
}

bool lower_read_type(struct lower *lower, struct wirq_reader *reader, value_type *type) {
    uint32_t feature = 0;
    wirq_status status = type_read(lower->module, reader, type, &feature);
    return type_was_read(lower, reader, status, feature);
}

bool lower_read_heap_type(struct lower *lower, struct wirq_reader *reader, value_type *type) {
    uint32_t feature = 0;
    wirq_status status = type_read_heap(lower->module, reader, type, &feature);
    return type_was_read(lower, reader, status, feature);
}

/* The count of local groups, then one group an item; after the last one the body begins. */
static void read_locals(struct lower *lower, struct wirq_reader *reader) {
    uint32_t count = read_u32(reader);
    if (!lower->groups_known) {
        if (reader->status != WIRQ_OK)
            return;
        lower->groups_known = true;
        lower->groups_left = count;
    } else {
        value_type type;
        if (!lower_read_type(lower, reader, &type))
            return;
        lower->groups_left--;
        locals_declare(lower, count, type);
    }
    if (lower->groups_left == 0) {
        locals_end_declarations(lower);
        lower->max_height = lower->height;
        lower_control_push(lower, CONTROL_FUNCTION, lower->type, 0);
    }
}

/* Opcodes of features a build may lack, by ranges of the opcode or of the number after prefix 0xFC. */
struct absent {
    uint8_t first, last, feature;
};

static void refuse(struct lower *lower, const struct absent *ranges, uint32_t count, uint32_t number) {
    for (uint32_t i = 0; i < count; i++)
        if (number >= ranges[i].first && number <= ranges[i].last)
            lower_absent(lower, (enum wirq_feature)ranges[i].feature);
    lower_fail(lower, WIRQ_BAD_OPCODE);
}

static void lower_prefixed(struct lower *lower, struct wirq_reader *reader) {
    static const struct absent ranges[] = {
        {0, 7, WIRQ_FEATURE_SATURATING_TRUNCATION}, {8, 9, WIRQ_FEATURE_BULK_MEMORY}, /* memory.init, data.drop */
        {10, 11, WIRQ_FEATURE_BULK_COPY_FILL},                                        /* memory.copy, memory.fill */
        {12, 14, WIRQ_FEATURE_BULK_MEMORY},                                           /* table.init, elem.drop, table.copy */
        {15, 17, WIRQ_FEATURE_REFERENCE_TYPES},                                       /* table.grow, table.size, table.fill */
        {19, 22, WIRQ_FEATURE_WIDE_ARITHMETIC},
    };
    uint32_t number = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    if (WIRQ_WITH_SATURATING_TRUNCATION && number < SATURATING_COUNT)
        lower_saturating(lower, number);
    else if (number == 10 || number == 11 ? WIRQ_WITH_BULK_COPY_FILL
             : number >= 15               ? WIRQ_WITH_REFERENCE_TYPES && number <= 17
                                          : WIRQ_WITH_BULK_MEMORY && number >= 8 && number <= 14)
        lower_reference(lower, number, true, reader);
    else
        refuse(lower, ranges, sizeof ranges / sizeof ranges[0], number);
}

static void lower_instruction(struct lower *lower, struct wirq_reader *reader) {
    static const struct absent ranges[] = {
        {0x06, 0x07, WIRQ_FEATURE_LEGACY_EXCEPTIONS},         /* try, catch */
        {0x08, 0x08, WIRQ_FEATURE_EXCEPTIONS},                /* throw */
        {0x09, 0x09, WIRQ_FEATURE_LEGACY_EXCEPTIONS},         /* rethrow */
        {0x0A, 0x0A, WIRQ_FEATURE_EXCEPTIONS},                /* throw_ref */
        {0x12, 0x13, WIRQ_FEATURE_TAIL_CALL},                 /* return_call, return_call_indirect */
        {0x14, 0x15, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES}, /* call_ref, return_call_ref */
        {0x18, 0x19, WIRQ_FEATURE_LEGACY_EXCEPTIONS},         /* delegate, catch_all */
        {0x1C, 0x1C, WIRQ_FEATURE_REFERENCE_TYPES},           /* select t */
        {0x1F, 0x1F, WIRQ_FEATURE_EXCEPTIONS},                /* try_table */
        {0x25, 0x26, WIRQ_FEATURE_REFERENCE_TYPES},           /* table.get, table.set */
        {0xD0, 0xD2, WIRQ_FEATURE_REFERENCE_TYPES},           /* ref.null, ref.is_null, ref.func */
        {0xD3, 0xD3, WIRQ_FEATURE_GC},                        /* ref.eq */
        {0xD4, 0xD6, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES}, /* ref.as_non_null, br_on_null, br_on_non_null */
        {0xE0, 0xE6, WIRQ_FEATURE_STACK_SWITCHING},
        {0xFB, 0xFB, WIRQ_FEATURE_GC},
        {0xFD, 0xFD, WIRQ_FEATURE_SIMD},
        {0xFE, 0xFE, WIRQ_FEATURE_THREADS},
    };
    uint32_t low;
    uint64_t wide;
    if (reader->p == reader->end) {
        (void)read_byte(reader);
        return;
    }
    const uint32_t opcode = *reader->p++;
    switch (opcode) {
    case 0x08:
    case 0x0A:
    case 0x1F:
        if (!WIRQ_WITH_EXCEPTIONS)
            break;
        /* fallthrough */
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x05:
    case 0x0B:
    case 0x0C:
    case 0x0D:
    case 0x0E:
    case 0x0F:
    case 0x1A:
    case 0x1B:
        lower_control(lower, opcode, reader);
        return;
    case 0x12:
    case 0x13:
        if (!WIRQ_WITH_TAIL_CALL)
            break;
        /* fallthrough */
    case 0x10:
    case 0x11:
        lower_call(lower, opcode, reader);
        return;
    case 0x20:
    case 0x21:
    case 0x22:
        lower_local(lower, opcode, reader);
        return;
    case 0x23:
    case 0x24:
        lower_global(lower, opcode, reader);
        return;
    case 0x41:
        low = (uint32_t)read_leb_s32(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_I32, low, 0);
        return;
    case 0x42:
        wide = (uint64_t)read_leb_s64(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_I64, (uint32_t)wide, (uint32_t)(wide >> 32));
        return;
    case 0x43:
        low = read_fixed_u32(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_F32, low, 0);
        return;
    case 0x44:
        wide = read_fixed_u64(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_F64, (uint32_t)wide, (uint32_t)(wide >> 32));
        return;
    case 0x14:
    case 0x15:
        if (!WIRQ_WITH_TYPED_FUNCTION_REFERENCES || (opcode == 0x15 && !WIRQ_WITH_TAIL_CALL))
            break;
        lower_call(lower, opcode, reader);
        return;
    case 0xD5:
    case 0xD6:
        if (!WIRQ_WITH_TYPED_FUNCTION_REFERENCES)
            break;
        lower_control(lower, opcode, reader);
        return;
    case 0x1C:
        if (!WIRQ_WITH_REFERENCE_TYPES)
            break;
        lower_select_typed(lower, reader);
        return;
    case 0xD4:
        if (!WIRQ_WITH_TYPED_FUNCTION_REFERENCES)
            break;
        /* fallthrough */
    case 0x25:
    case 0x26:
    case 0xD0:
    case 0xD1:
    case 0xD2:
        if (!WIRQ_WITH_REFERENCE_TYPES)
            break;
        lower_reference(lower, opcode, false, reader);
        return;
    case 0xFC:
        lower_prefixed(lower, reader);
        return;
    }
    if (opcode >= 0x28 && opcode <= 0x3E)
        lower_memory(lower, opcode, reader);
    else if (opcode == 0x3F || opcode == 0x40) /* memory.size, memory.grow */
        lower_reference(lower, opcode, false, reader);
    else if (opcode >= NUMERIC_FIRST && opcode <= NUMERIC_LAST)
        lower_numeric(lower, opcode);
    else
        refuse(lower, ranges, sizeof ranges / sizeof ranges[0], opcode);
}

wirq_status lower_item(struct lower *lower, struct wirq_reader *reader) {
    const uint8_t *begin = reader->p;
    if (lower->control == NULL)
        read_locals(lower, reader);
    else if (lower->table_left > 0)
        lower_table_target(lower, reader);
    else if (WIRQ_WITH_EXCEPTIONS && lower->clauses_left > 0)
        lower_catch(lower, reader);
    else
        lower_instruction(lower, reader);
    if (reader->status == WIRQ_NEED_MORE)
        reader->p = begin;
    return reader->status != WIRQ_OK ? reader->status : lower->status;
}
