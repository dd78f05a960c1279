/* lower_reference.c: references, tables, segments, and memories as a whole (WebAssembly spec 3.3.2, 3.3.6, 3.3.7). A null reference is the cell 0, so that
 * ref.null is a constant and ref.is_null a comparison. The rest becomes an `object` operation. */
#include "lower_internal.h"

/* Emits an object operation whose operands, `count` of them, lie in slots of their own from the stack's height on. */
static void emit_object(struct lower *lower, uint32_t number, uint32_t x, uint32_t y) {
    lower_operation2(lower, OP_object, number, lower->height);
    lower_emit(lower, x);
    lower_emit(lower, y);
    lower_label(lower);
}

/* What an instruction asks of the stack and of its immediates. */
struct object_row {
    uint8_t opcode; /* after the prefix 0xFC if `prefixed` */
    bool prefixed;
    uint8_t number;
    uint8_t indices[2]; /* in the order of the binary format: enum index_kind */
    uint8_t operands[3];
    uint8_t result;
};

enum index_kind { NO_INDEX, TABLE_INDEX, MEMORY_INDEX, ELEMENT_INDEX, DATA_INDEX };
enum operand_type { NONE, INTEGER, ELEMENT };

static const struct object_row rows[] = {
    {0x25, false, OBJECT_table_get, {TABLE_INDEX, NO_INDEX}, {INTEGER, NONE, NONE}, ELEMENT},
    {0x26, false, OBJECT_table_set, {TABLE_INDEX, NO_INDEX}, {INTEGER, ELEMENT, NONE}, NONE},
    {0x3F, false, OBJECT_memory_size, {MEMORY_INDEX, NO_INDEX}, {NONE, NONE, NONE}, INTEGER},
    {0x40, false, OBJECT_memory_grow, {MEMORY_INDEX, NO_INDEX}, {INTEGER, NONE, NONE}, INTEGER},
    {10, true, OBJECT_memory_copy, {MEMORY_INDEX, MEMORY_INDEX}, {INTEGER, INTEGER, INTEGER}, NONE},
    {11, true, OBJECT_memory_fill, {MEMORY_INDEX, NO_INDEX}, {INTEGER, INTEGER, INTEGER}, NONE},
    {8, true, OBJECT_memory_init, {DATA_INDEX, MEMORY_INDEX}, {INTEGER, INTEGER, INTEGER}, NONE},
    {9, true, OBJECT_data_drop, {DATA_INDEX, NO_INDEX}, {NONE, NONE, NONE}, NONE},
    {12, true, OBJECT_table_init, {ELEMENT_INDEX, TABLE_INDEX}, {INTEGER, INTEGER, INTEGER}, NONE},
    {13, true, OBJECT_elem_drop, {ELEMENT_INDEX, NO_INDEX}, {NONE, NONE, NONE}, NONE},
    {14, true, OBJECT_table_copy, {TABLE_INDEX, TABLE_INDEX}, {INTEGER, INTEGER, INTEGER}, NONE},
    {15, true, OBJECT_table_grow, {TABLE_INDEX, NO_INDEX}, {ELEMENT, INTEGER, NONE}, INTEGER},
    {16, true, OBJECT_table_size, {TABLE_INDEX, NO_INDEX}, {NONE, NONE, NONE}, INTEGER},
    {17, true, OBJECT_table_fill, {TABLE_INDEX, NO_INDEX}, {INTEGER, ELEMENT, INTEGER}, NONE},
};

static void check_index(struct lower *lower, uint32_t kind, uint32_t index) {
    const struct wirq_module *module = lower->module;
    switch (kind) {
    case NO_INDEX:
        break;
    case TABLE_INDEX:
        if (index >= module->table_count)
            lower_fail(lower, WIRQ_UNKNOWN_TABLE);
        break;
    case MEMORY_INDEX:
        if (index >= module->memory_count)
            lower_fail(lower, WIRQ_UNKNOWN_MEMORY);
        break;
    case ELEMENT_INDEX:
        if (index >= module->element_count)
            lower_fail(lower, WIRQ_UNKNOWN_SEGMENT);
        break;
    default:
        if (!lower->has_data_count)
            lower_fail(lower, WIRQ_BAD_COUNT);
        if (index >= lower->data_count)
            lower_fail(lower, WIRQ_UNKNOWN_SEGMENT);
    }
}

/* Element type of the table that the instruction changes, checked against what comes into it from elsewhere. */
static value_type element_type(struct lower *lower, const struct object_row *row, const uint32_t *indices) {
    const struct wirq_module *module = lower->module;
    value_type type = TYPE_UNKNOWN, from = TYPE_UNKNOWN;
    if (row->number == OBJECT_table_init) {
        type = module->tables[indices[1]].type;
        from = module->elements[indices[0]].type;
    } else if (row->indices[0] == TABLE_INDEX) {
        type = module->tables[indices[0]].type;
    }
    if (row->number == OBJECT_table_copy)
        from = module->tables[indices[1]].type;
    if (!type_matches(from, type))
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
    return type;
}

static void lower_object(struct lower *lower, const struct object_row *row, struct wirq_reader *reader) {
    uint32_t indices[2] = {0, 0};
    for (uint32_t i = 0; i < 2; i++)
        if (row->indices[i] != NO_INDEX)
            indices[i] = row->indices[i] == MEMORY_INDEX ? lower_read_memory(lower, reader) : read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    for (uint32_t i = 0; i < 2; i++)
        check_index(lower, row->indices[i], indices[i]);
    if (lower->status != WIRQ_OK)
        return;
    value_type element = element_type(lower, row, indices);
    value_type types[3];
    uint32_t count = 0;
    for (; count < 3 && row->operands[count] != NONE; count++)
        types[count] = row->operands[count] == INTEGER ? WIRQ_I32 : element;
    const struct types operands = {types, count};
    if (!stack_check_types(lower, operands))
        return;
    /* In slots of their own: progress is written into them (R54), so they may be no local's. */
    lower_materialise(lower, count);
    stack_pop_types(lower, operands);
    /* The operation is told what is written to first. */
    bool swap = row->number == OBJECT_table_init || row->number == OBJECT_memory_init;
    emit_object(lower, row->number, indices[swap], indices[!swap]);
    if (row->result != NONE)
        stack_push(lower, row->result == INTEGER ? WIRQ_I32 : element);
}

/* ---- references ---- */

/* Is the function named outside of function bodies (C.refs)? Only then may its reference be taken in one. */
static bool is_declared(const struct wirq_module *module, uint32_t function) {
    for (uint32_t i = 0; i < module->export_count; i++)
        if (module->exports[i].kind == WIRQ_FUNCTION && module->exports[i].index == function)
            return true;
    for (uint32_t i = 0; i < module->global_count; i++)
        if (module->globals[i].init.kind == CONSTANT_FUNCTION && module->globals[i].init.cells[0] == function)
            return true;
    for (uint32_t i = 0; i < module->table_count; i++)
        if (module->tables[i].init.kind == CONSTANT_FUNCTION && module->tables[i].init.cells[0] == function)
            return true;
    for (uint32_t i = 0; i < module->element_count; i++) {
        const struct element_segment *segment = &module->elements[i];
        for (uint32_t j = 0; j < segment->count; j++) {
            const uint16_t *item = &segment->items[segment->is_expressions ? 2 * (size_t)j : j];
            if (segment->is_expressions ? item[0] == CONSTANT_FUNCTION && item[1] == function : item[0] == function)
                return true;
        }
    }
    return false;
}

static void ref_func(struct lower *lower, struct wirq_reader *reader) {
    uint32_t function = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    if (function >= lower->module->function_count) {
        lower_fail(lower, WIRQ_UNKNOWN_FUNCTION);
        return;
    }
    if (!is_declared(lower->module, function))
        lower_fail(lower, WIRQ_UNDECLARED_REFERENCE);
    emit_object(lower, OBJECT_ref_func, function, 0);
    stack_push(lower, type_of_function(lower->module, function));
}

bool lower_pop_reference(struct lower *lower, struct operand *operand) {
    stack_pop(lower, TYPE_UNKNOWN, operand);
    if (operand->type != TYPE_UNKNOWN && !type_is_reference(operand->type))
        lower_fail(lower, WIRQ_TYPE_MISMATCH);
    return lower->status == WIRQ_OK;
}

void lower_push_non_null(struct lower *lower, const struct operand *operand) {
    value_type type = operand->type | TYPE_NON_NULL;
    if (operand->kind == OPERAND_ALIAS)
        stack_push_alias(lower, type, operand->low);
    else if (operand->kind == OPERAND_CONSTANT)
        stack_push_constant(lower, type, operand->low, 0);
    else
        stack_push(lower, type);
}

static void ref_as_non_null(struct lower *lower) {
    struct operand operand;
    if (!lower_pop_reference(lower, &operand))
        return;
    if (!lower->dead) {
        uint32_t slot = lower_slot(lower, &operand);
        lower_operation2(lower, OP_object, OBJECT_ref_as_non_null, slot);
        lower_emit(lower, 0);
        lower_emit(lower, 0);
        lower_label(lower);
    }
    lower_push_non_null(lower, &operand);
}

void lower_reference(struct lower *lower, uint32_t opcode, bool prefixed, struct wirq_reader *reader) {
    struct operand operand;
    value_type type;
    switch (prefixed ? 0 : opcode) {
    case 0xD0: /* ref.null */
        if (lower_read_heap_type(lower, reader, &type))
            stack_push_constant(lower, type, WIRQ_NULL_REFERENCE, 0);
        return;
    case 0xD1:
        if (lower_pop_reference(lower, &operand))
            lower_is_zero(lower, &operand);
        return;
    case 0xD2:
        ref_func(lower, reader);
        return;
    case 0xD4:
        ref_as_non_null(lower);
        return;
    }
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].opcode == opcode && rows[i].prefixed == prefixed)
            lower_object(lower, &rows[i], reader);
}
