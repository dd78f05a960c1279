/* load_segments.c: constant expressions, element and data segments (WebAssembly spec 5.4.9, 5.5.12, 5.5.14). */
#include "load.h"

/* ---- constant expressions ---- */

/* Opcodes of constant expressions that belong to features which this build lacks. */
static const struct {
    uint8_t opcode, feature;
} absent_opcodes[] = {
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

static wirq_status refuse_opcode(struct wirq_load *load, uint8_t opcode) {
    for (uint32_t i = 0; i < sizeof absent_opcodes / sizeof absent_opcodes[0]; i++) {
        if (absent_opcodes[i].opcode == opcode)
            return load_absent(load, absent_opcodes[i].feature);
    }
    return WIRQ_BAD_CONSTANT_EXPRESSION;
}

/* One instruction of a constant expression. */
static wirq_status step_constant(struct wirq_load *load, struct wirq_reader *r) {
    const struct wirq_module *module = load->module;
    struct constant value = {CONSTANT_VALUE, 0, {0, 0}};
    uint64_t wide;
    uint8_t opcode = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    switch (opcode) {
    case 0x0B: /* end */
        if (load->constant_depth != 1 || !type_matches(load->constant.type, load->constant_type))
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
        return refuse_opcode(load, opcode);
    }
    if (r->status != WIRQ_OK)
        return r->status;
    value.cells[0] = (uint32_t)wide;
    value.cells[1] = (uint32_t)(wide >> 32);
    value.type = (value_type)(WIRQ_I32 + 0x41 - opcode);
    if (value.kind == CONSTANT_GLOBAL) {
        uint32_t index = value.cells[0];
        if (index >= module->imported_globals)
            return WIRQ_UNKNOWN_GLOBAL;
        if (module->globals[index].is_mutable)
            return WIRQ_BAD_CONSTANT_EXPRESSION;
        value.type = module->globals[index].type;
    }
    load->constant = value;
    load->constant_depth++;
    return WIRQ_OK;
}

void load_constant(struct wirq_load *load, value_type type, load_step *then) {
    load->constant_type = type;
    load->constant_depth = 0;
    load->constant_then = then;
    load->step = step_constant;
}

/* ---- segments ---- */

/* What both kinds begin with: a form, an index if the form has one, and the offset's expression. */
static wirq_status load_segment(struct wirq_load *load, struct wirq_reader *r, uint8_t kind, load_step *then) {
    uint32_t form = read_leb_u32(r);
    uint32_t index = form == 2 ? read_leb_u32(r) : 0;
    if (r->status != WIRQ_OK)
        return r->status;
    if (form > (kind == WIRQ_TABLE ? 7 : 2))
        return WIRQ_BAD_SEGMENT;
    if (form >= 4)
        return load_absent(load, WIRQ_FEATURE_REFERENCE_TYPES); /* elements are expressions */
    if (form & 1)
        return load_absent(load, WIRQ_FEATURE_BULK_MEMORY); /* passive or declarative */
    if (index >= load->module->counts[kind])
        return (wirq_status)(WIRQ_UNKNOWN_FUNCTION + kind); /* the codes are in the order of the kinds */
    load->second_part = form == 2;
    load_constant(load, WIRQ_I32, then);
    return WIRQ_OK;
}

static wirq_status step_element_function(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    const struct element_segment *segment = &module->elements[module->element_count - 1];
    if (load->part == 0)
        return load_next_item(load);
    uint32_t function = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (function >= module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    segment->functions[segment->count - load->part] = (uint16_t)function;
    load->part--;
    return WIRQ_OK;
}

/* What follows the offset: a kind, if the form has one, and the number of functions. */
static wirq_status step_element_count(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct element_segment *segment = &module->elements[module->element_count];
    uint8_t kind = load->second_part ? load_byte(r) : 0;
    wirq_status status = load_part(load, r, UINT16_MAX);
    if (status == WIRQ_OK && kind != 0)
        status = WIRQ_BAD_SEGMENT;
    if (status != WIRQ_OK)
        return status;
    segment->functions = load_allocate(load, load->part, sizeof *segment->functions);
    if (segment->functions == NULL)
        return WIRQ_NO_MEMORY;
    segment->offset = load->constant;
    segment->count = (uint16_t)load->part;
    module->element_count++;
    load->step = step_element_function;
    return WIRQ_OK;
}

wirq_status load_element(struct wirq_load *load, struct wirq_reader *r) {
    return load_segment(load, r, WIRQ_TABLE, step_element_count);
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
    return load_segment(load, r, WIRQ_MEMORY, step_data_bytes);
}
