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
    lower->height = 0;
    lower->max_height = 0;
    lower->table_left = 0;
    lower->assigned_count = 0;
    lower->zero_from = lower->zero_to = 0;
    __builtin_memset(lower->assigned, 0, sizeof lower->assigned);
    lower_label(lower);

    for (uint32_t i = 0; i < 5; i++) /* room for the header: enter and zero */
        lower_emit(lower, 0);
    for (uint32_t i = 0; i < lower->type->parameter_count && lower->status == WIRQ_OK; i++)
        lower_fail(lower, locals_declare(lower, 1, lower->type->types[i]));
    return lower->status;
}

static wirq_status read_local_group(struct lower *lower, struct wirq_reader *reader) {
    uint32_t count = read_u32(reader);
    uint8_t type = read_byte(reader);
    if (reader->status != WIRQ_OK)
        return reader->status;
    switch (type) {
    case WIRQ_I32:
    case WIRQ_I64:
    case WIRQ_F32:
    case WIRQ_F64:
        break;
    case 0x7B:
        lower->detail = WIRQ_FEATURE_SIMD;
        return WIRQ_ABSENT_FEATURE;
    case WIRQ_FUNCREF:
    case WIRQ_EXTERNREF:
        lower->detail = WIRQ_FEATURE_REFERENCE_TYPES;
        return WIRQ_ABSENT_FEATURE;
    default:
        return WIRQ_BAD_TYPE;
    }
    lower->groups_left--;
    return locals_declare(lower, count, type);
}

static wirq_status begin_body(struct lower *lower) {
    lower->max_height = lower->height;
    return lower_control_push(lower, CONTROL_FUNCTION, lower->type, 0);
}

static wirq_status absent(struct lower *lower, enum wirq_feature feature) {
    lower->detail = feature;
    return WIRQ_ABSENT_FEATURE;
}

static wirq_status lower_prefixed(struct lower *lower, struct wirq_reader *reader) {
    uint32_t number = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return reader->status;
    if (number < SATURATING_COUNT)
        return lower_saturating(lower, number);
    switch (number) {
    case 8: /* memory.init, data.drop */
    case 9:
    case 12: /* table.init, elem.drop, table.copy */
    case 13:
    case 14:
        return absent(lower, WIRQ_FEATURE_BULK_MEMORY);
    case 10:
    case 11:
        return lower_memory_bulk(lower, number, reader);
    case 15: /* table.grow, table.size, table.fill */
    case 16:
    case 17:
        return absent(lower, WIRQ_FEATURE_REFERENCE_TYPES);
    case 19:
    case 20:
    case 21:
    case 22:
        return absent(lower, WIRQ_FEATURE_WIDE_ARITHMETIC);
    default:
        return WIRQ_BAD_OPCODE;
    }
}

/* One-byte opcodes that belong to features this build lacks. */
static wirq_status lower_absent(struct lower *lower, uint32_t opcode) {
    switch (opcode) {
    case 0x06: /* try, catch, rethrow, delegate, catch_all */
    case 0x07:
    case 0x09:
    case 0x18:
    case 0x19:
        return absent(lower, WIRQ_FEATURE_LEGACY_EXCEPTIONS);
    case 0x08: /* throw, throw_ref, try_table */
    case 0x0A:
    case 0x1F:
        return absent(lower, WIRQ_FEATURE_EXCEPTIONS);
    case 0x12:
    case 0x13:
        return absent(lower, WIRQ_FEATURE_TAIL_CALL);
    case 0x14: /* call_ref, return_call_ref, ref.as_non_null, br_on_null, br_on_non_null */
    case 0x15:
    case 0xD4:
    case 0xD5:
    case 0xD6:
        return absent(lower, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES);
    case 0x1C: /* select t, table.get, table.set, ref.null, ref.is_null, ref.func */
    case 0x25:
    case 0x26:
    case 0xD0:
    case 0xD1:
    case 0xD2:
        return absent(lower, WIRQ_FEATURE_REFERENCE_TYPES);
    case 0xD3:
    case 0xFB:
        return absent(lower, WIRQ_FEATURE_GC);
    case 0xE0: /* cont.new … switch */
    case 0xE1:
    case 0xE2:
    case 0xE3:
    case 0xE4:
    case 0xE5:
    case 0xE6:
        return absent(lower, WIRQ_FEATURE_STACK_SWITCHING);
    case 0xFD:
        return absent(lower, WIRQ_FEATURE_SIMD);
    case 0xFE:
        return absent(lower, WIRQ_FEATURE_THREADS);
    default:
        return WIRQ_BAD_OPCODE;
    }
}

static wirq_status lower_instruction(struct lower *lower, struct wirq_reader *reader) {
    uint32_t opcode = read_byte(reader);
    if (reader->status != WIRQ_OK)
        return reader->status;
    if (opcode >= 0x20 && opcode <= 0x22)
        return lower_local(lower, opcode, reader);
    if (opcode >= NUMERIC_FIRST && opcode <= NUMERIC_LAST)
        return lower_numeric(lower, opcode);
    if (opcode >= 0x28 && opcode <= 0x40)
        return lower_memory(lower, opcode, reader);
    uint32_t low;
    uint64_t wide;
    switch (opcode) {
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
    case 0x10:
    case 0x11:
    case 0x1A:
    case 0x1B:
        return lower_control(lower, opcode, reader);
    case 0x23:
    case 0x24:
        return lower_global(lower, opcode, reader);
    case 0x41:
        low = (uint32_t)read_leb_s32(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_I32, low, 0);
        break;
    case 0x42:
        wide = (uint64_t)read_leb_s64(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_I64, (uint32_t)wide, (uint32_t)(wide >> 32));
        break;
    case 0x43:
        low = read_fixed_u32(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_F32, low, 0);
        break;
    case 0x44:
        wide = read_fixed_u64(reader);
        if (reader->status == WIRQ_OK)
            stack_push_constant(lower, WIRQ_F64, (uint32_t)wide, (uint32_t)(wide >> 32));
        break;
    case 0xFC:
        return lower_prefixed(lower, reader);
    default:
        return lower_absent(lower, opcode);
    }
    return reader->status != WIRQ_OK ? reader->status : lower->status;
}

wirq_status lower_item(struct lower *lower, struct wirq_reader *reader) {
    const uint8_t *begin = reader->p;
    wirq_status status;
    if (!lower->groups_known) {
        uint32_t groups = read_u32(reader);
        status = reader->status;
        if (status == WIRQ_OK) {
            lower->groups_known = true;
            lower->groups_left = groups;
            if (groups == 0)
                status = begin_body(lower);
        }
    } else if (lower->control == NULL) {
        status = read_local_group(lower, reader);
        if (status == WIRQ_OK && lower->groups_left == 0)
            status = begin_body(lower);
    } else if (lower->table_left > 0) {
        status = lower_table_target(lower, reader);
    } else {
        status = lower_instruction(lower, reader);
    }
    if (status == WIRQ_NEED_MORE)
        reader->p = begin;
    else if (status == WIRQ_OK && lower->status != WIRQ_OK)
        status = lower->status;
    return status;
}
