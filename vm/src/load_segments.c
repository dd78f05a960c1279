/* load_segments.c: constant expressions, element and data segments (WebAssembly spec 5.4.9, 5.5.12, 5.5.14). */
#include "load.h"

/* ---- constant expressions ---- */

/* Opcodes of constant expressions that belong to features a build may lack. */
static const struct {
    uint8_t opcode, feature;
} feature_opcodes[] = {
    {0x6A, WIRQ_FEATURE_EXTENDED_CONST}, /* add, sub, mul of i32 and i64 */
    {0x6B, WIRQ_FEATURE_EXTENDED_CONST},
    {0x6C, WIRQ_FEATURE_EXTENDED_CONST},
    {0x7C, WIRQ_FEATURE_EXTENDED_CONST},
    {0x7D, WIRQ_FEATURE_EXTENDED_CONST},
    {0x7E, WIRQ_FEATURE_EXTENDED_CONST},
    {0xD0, WIRQ_FEATURE_REFERENCE_TYPES}, /* ref.null, ref.func */
    {0xD2, WIRQ_FEATURE_REFERENCE_TYPES},
    {0xFB, WIRQ_FEATURE_GC},
    {0xFD, WIRQ_FEATURE_SIMD},
};

/* WIRQ_OK for an opcode of a feature that is built. */
static wirq_status check_opcode(struct wirq_load *load, uint8_t opcode) {
    for (uint32_t i = 0; i < sizeof feature_opcodes / sizeof feature_opcodes[0]; i++) {
        if (feature_opcodes[i].opcode == opcode)
            return WIRQ_BUILT_FEATURES >> feature_opcodes[i].feature & 1 ? WIRQ_OK : load_absent(load, feature_opcodes[i].feature);
    }
    return WIRQ_BAD_CONSTANT_EXPRESSION;
}

/* Hangs an instruction of an expression of several into the module. */
static wirq_status add_step(struct wirq_load *load, const struct constant *constant) {
    struct step *step = load_allocate(load, 1, sizeof *step);
    if (step == NULL)
        return WIRQ_NO_MEMORY;
    if (load->step_count == UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    step->constant = *constant;
    *load->step_end = step;
    load->step_end = &step->next;
    load->step_count++;
    return WIRQ_OK;
}

/* Nearly every expression is one instruction, which stands for itself. */
static wirq_status add_instruction(struct wirq_load *load, const struct constant *constant) {
    wirq_status status = WIRQ_OK;
    if (!load->constant_begun) {
        load->constant_begun = true;
        load->constant = *constant;
        return WIRQ_OK;
    }
    if (load->constant.kind != CONSTANT_EXPRESSION) {
        uint32_t first = load->step_count;
        status = add_step(load, &load->constant);
        load->constant = (struct constant){CONSTANT_EXPRESSION, load->constant_type, {first, 1}};
    }
    load->constant.cells[1]++;
    return status == WIRQ_OK ? add_step(load, constant) : status;
}

static wirq_status push_constant(struct wirq_load *load, const struct constant *constant) {
    if (load->constant_depth == WIRQ_MAX_CONSTANT_DEPTH)
        return WIRQ_IMPLEMENTATION_LIMIT;
    load->constant_stack[load->constant_depth++] = constant->type;
    return add_instruction(load, constant);
}

static wirq_status add_operation(struct wirq_load *load, uint8_t opcode) {
    value_type type = opcode < 0x70 ? WIRQ_I32 : WIRQ_I64;
    const value_type *top = &load->constant_stack[load->constant_depth];
    if (load->constant_depth < 2 || top[-1] != type || top[-2] != type)
        return WIRQ_TYPE_MISMATCH;
    load->constant_depth--;
    struct constant operation = {CONSTANT_OPERATION, type, {(uint32_t)(opcode - (type == WIRQ_I32 ? 0x6A : 0x7C)), 0}};
    return add_instruction(load, &operation);
}

static wirq_status check_global(struct wirq_load *load, struct constant *value) {
    const struct wirq_module *module = load->module;
    uint32_t index = value->cells[0];
    if (index >= (WIRQ_WITH_EXTENDED_CONST ? module->global_count : module->imported_globals))
        return WIRQ_UNKNOWN_GLOBAL;
    value->type = module->globals[index].type;
    return module->globals[index].is_mutable ? WIRQ_BAD_CONSTANT_EXPRESSION : WIRQ_OK;
}

/* One instruction of a constant expression. */
static wirq_status step_constant(struct wirq_load *load, struct wirq_reader *r) {
    struct constant value = {CONSTANT_VALUE, 0, {0, 0}};
    wirq_status status = WIRQ_OK;
    uint64_t wide = 0;
    uint8_t opcode = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    value.type = (value_type)(WIRQ_I32 + 0x41 - opcode);
    switch (opcode) {
    case 0x0B: /* end */
        if (load->constant_depth != 1 || !type_matches(load->constant_stack[0], load->constant_type))
            return WIRQ_TYPE_MISMATCH;
        load->step = load->constant_then;
        return WIRQ_OK;
    case 0x23: /* global.get */
        value.kind = CONSTANT_GLOBAL;
        wide = read_leb_u32(r);
        break;
    case 0x41: /* the four constants, in the order of the types' bytes downwards */
        wide = (uint32_t)read_leb_s32(r);
        break;
    case 0x42:
        wide = (uint64_t)read_leb_s64(r);
        break;
    case 0x43:
        wide = read_fixed_u32(r);
        break;
    case 0x44:
        wide = read_fixed_u64(r);
        break;
    default:
        status = check_opcode(load, opcode);
        if (status != WIRQ_OK)
            return status;
        if (opcode < 0xD0)
            return add_operation(load, opcode);
        if (opcode == 0xD0) {
            status = type_read_heap(load->module, r, &value.type, &load->detail);
        } else { /* ref.func */
            value.kind = CONSTANT_FUNCTION;
            wide = read_leb_u32(r);
        }
    }
    if (r->status != WIRQ_OK)
        return r->status;
    value.cells[0] = (uint32_t)wide;
    value.cells[1] = (uint32_t)(wide >> 32);
    if (value.kind == CONSTANT_GLOBAL) {
        status = check_global(load, &value);
    } else if (value.kind == CONSTANT_FUNCTION) {
        if (wide >= load->module->function_count)
            return WIRQ_UNKNOWN_FUNCTION;
        value.type = type_of_function(load->module, (uint32_t)wide);
    }
    return status == WIRQ_OK ? push_constant(load, &value) : status;
}

void load_constant(struct wirq_load *load, value_type type, load_step *then) {
    load->constant_type = type;
    load->constant_depth = 0;
    load->constant_begun = false;
    load->constant_then = then;
    load->step = step_constant;
}

/* ---- segments ---- */

/* Bits of a segment's form; the last two of elements only. */
enum { NOT_ACTIVE = 1, HAS_INDEX = 2, DECLARATIVE = 2, EXPRESSIONS = 4 };

/* What both kinds begin with: a form, an index if the form has one, and the offset's expression if there is one. */
static wirq_status load_segment(struct wirq_load *load, struct wirq_reader *r, uint8_t kind, uint16_t *index, load_step *then) {
    uint32_t form = read_leb_u32(r);
    uint32_t number = (form & (NOT_ACTIVE | HAS_INDEX)) == HAS_INDEX ? read_leb_u32(r) : 0;
    if (r->status != WIRQ_OK)
        return r->status;
    if (form > (kind == WIRQ_TABLE ? 7 : 2))
        return WIRQ_BAD_SEGMENT;
    if (form & EXPRESSIONS && !WIRQ_WITH_REFERENCE_TYPES)
        return load_absent(load, WIRQ_FEATURE_REFERENCE_TYPES);
    if (form & NOT_ACTIVE && !WIRQ_WITH_BULK_MEMORY)
        return load_absent(load, WIRQ_FEATURE_BULK_MEMORY);
    load->form = (uint8_t)form;
    *index = (uint16_t)number;
    if (form & NOT_ACTIVE) {
        load->constant = (struct constant){form & DECLARATIVE ? CONSTANT_DECLARATIVE : CONSTANT_PASSIVE, WIRQ_I32, {0, 0}};
        load->step = then;
        return WIRQ_OK;
    }
    if (number >= load->module->counts[kind])
        return (wirq_status)(WIRQ_UNKNOWN_FUNCTION + kind); /* the codes are in the order of the kinds */
    load_constant(load, WIRQ_I32, then);
    return WIRQ_OK;
}

static struct element_segment *last_segment(const struct wirq_load *load) {
    return &load->module->elements[load->module->element_count - 1];
}

static wirq_status next_element(struct wirq_load *load);

static wirq_status step_element_function(struct wirq_load *load, struct wirq_reader *r) {
    const struct element_segment *segment = last_segment(load);
    uint32_t function = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (function >= load->module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    segment->items[segment->count - load->part] = (uint16_t)function;
    load->part--;
    return next_element(load);
}

static wirq_status step_element_expression(struct wirq_load *load, struct wirq_reader *r) {
    const struct element_segment *segment = last_segment(load);
    uint16_t *item = &segment->items[2 * (size_t)(segment->count - load->part)];
    (void)r;
    item[0] = load->constant.kind;
    item[1] = (uint16_t)load->constant.cells[0];
    load->part--;
    return next_element(load);
}

static wirq_status next_element(struct wirq_load *load) {
    if (load->part == 0)
        return load_next_item(load);
    if (load->form & EXPRESSIONS)
        load_constant(load, last_segment(load)->type, step_element_expression);
    else
        load->step = step_element_function;
    return WIRQ_OK;
}

/* What follows the offset: a kind or a type, if the form has one, and the number of elements. */
static wirq_status step_element_count(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct element_segment *segment = &module->elements[module->element_count];
    bool has_kind = load->form & (NOT_ACTIVE | HAS_INDEX);
    wirq_status status = WIRQ_OK;
    segment->is_expressions = load->form & EXPRESSIONS;
    segment->type = segment->is_expressions || !WIRQ_WITH_TYPED_FUNCTION_REFERENCES ? WIRQ_FUNCREF : WIRQ_FUNCREF | TYPE_NON_NULL;
    if (has_kind && segment->is_expressions) {
        status = type_read(module, r, &segment->type, &load->detail);
        if (status == WIRQ_OK && !type_is_reference(segment->type))
            status = WIRQ_BAD_TYPE;
    } else if (has_kind && load_byte(r) != 0) {
        status = WIRQ_BAD_SEGMENT;
    }
    if (status != WIRQ_OK)
        return status;
    status = load_part(load, r, UINT16_MAX);
    if (status != WIRQ_OK)
        return status;
    if (!(load->form & NOT_ACTIVE) && !type_matches(segment->type, module->tables[segment->table].type))
        return WIRQ_TYPE_MISMATCH;
    segment->items = load_allocate(load, load->part, sizeof *segment->items * (segment->is_expressions ? 2 : 1));
    if (segment->items == NULL)
        return WIRQ_NO_MEMORY;
    segment->offset = load->constant;
    segment->count = (uint16_t)load->part;
    module->element_count++;
    return next_element(load);
}

wirq_status load_element(struct wirq_load *load, struct wirq_reader *r) {
    return load_segment(load, r, WIRQ_TABLE, &load->module->elements[load->module->element_count].table, step_element_count);
}

wirq_status load_begin_data_count(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    (void)r;
    load->lower.has_data_count = true;
    load->lower.data_count = count;
    return WIRQ_OK;
}

wirq_status load_begin_data(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    (void)r;
    return load->lower.has_data_count && count != load->lower.data_count ? WIRQ_BAD_COUNT : WIRQ_OK;
}

static wirq_status step_data_end(struct wirq_load *load, struct wirq_reader *r) {
    (void)r;
    return load_next_item(load);
}

static wirq_status step_data_bytes(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct data_segment *segment = &module->data[module->data_count];
    uint8_t *copy = NULL;
    wirq_status status = load_part(load, r, UINT32_MAX);
    if (status != WIRQ_OK)
        return status;
    if (load->in_place == NULL) {
        copy = load_allocate(load, load->part, 1);
        if (copy == NULL)
            return WIRQ_NO_MEMORY;
    }
    segment->offset = load->constant;
    module->data_count++;
    return load_take(load, r, &segment->bytes, load->part, copy, step_data_end);
}

wirq_status load_data(struct wirq_load *load, struct wirq_reader *r) {
    return load_segment(load, r, WIRQ_MEMORY, &load->module->data[load->module->data_count].memory, step_data_bytes);
}
