/* load_segments.c: constant expressions, element and data segments (WebAssembly spec 5.4.9, 5.5.12, 5.5.14). */
#include "load.h"

/* ---- constant expressions ---- */

static wirq_status push_constant(struct wirq_load *load, struct constant value) {
    load->constant = value;
    load->constant_depth++;
    return WIRQ_OK;
}

static wirq_status constant_global(struct wirq_load *load, uint32_t index) {
    const struct wirq_module *module = load->module;
    if (index >= module->imported_globals)
        return WIRQ_UNKNOWN_GLOBAL;
    if (module->globals[index].is_mutable)
        return WIRQ_BAD_CONSTANT_EXPRESSION;
    return push_constant(load, (struct constant){CONSTANT_GLOBAL, module->globals[index].type, index, 0});
}

/* One instruction of a constant expression. */
static wirq_status step_constant(struct wirq_load *load, struct wirq_reader *r) {
    struct constant value = {CONSTANT_VALUE, WIRQ_I32, 0, 0};
    uint64_t wide = 0;
    uint8_t opcode = read_byte(r);
    switch (opcode) {
    case 0x0B: /* end */
        if (load->constant_depth != 1 || load->constant.type != load->constant_type)
            return WIRQ_TYPE_MISMATCH;
        load->step = load->constant_then;
        return WIRQ_OK;
    case 0x23: /* global.get */
        value.low = read_u32(r);
        return r->status != WIRQ_OK ? r->status : constant_global(load, value.low);
    case 0x41:
        wide = (uint32_t)read_leb_s32(r);
        break;
    case 0x42:
        wide = (uint64_t)read_leb_s64(r);
        value.type = WIRQ_I64;
        break;
    case 0x43:
        wide = read_fixed_u32(r);
        value.type = WIRQ_F32;
        break;
    case 0x44:
        wide = read_fixed_u64(r);
        value.type = WIRQ_F64;
        break;
    case 0x6A: /* add, sub, mul of i32 and i64 */
    case 0x6B:
    case 0x6C:
    case 0x7C:
    case 0x7D:
    case 0x7E:
        return load_absent(load, WIRQ_FEATURE_EXTENDED_CONST);
    case 0xD0: /* ref.null, ref.func */
    case 0xD2:
        return load_absent(load, WIRQ_FEATURE_REFERENCE_TYPES);
    case 0xFB:
        return load_absent(load, WIRQ_FEATURE_GC);
    case 0xFD:
        return load_absent(load, WIRQ_FEATURE_SIMD);
    default:
        return r->status != WIRQ_OK ? r->status : WIRQ_BAD_CONSTANT_EXPRESSION;
    }
    if (r->status != WIRQ_OK)
        return r->status;
    value.low = (uint32_t)wide;
    value.high = (uint32_t)(wide >> 32);
    return push_constant(load, value);
}

void load_constant(struct wirq_load *load, uint8_t type, load_step *then) {
    load->constant_type = type;
    load->constant_depth = 0;
    load->constant_then = then;
    load->step = step_constant;
}

/* ---- element segments ---- */

wirq_status load_begin_elements(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    (void)r;
    if (count > UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    module->elements = load_allocate(load, count, sizeof *module->elements);
    return module->elements == NULL ? WIRQ_NO_MEMORY : WIRQ_OK;
}

static wirq_status step_element_function(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct element_segment *segment = &module->elements[module->element_count - 1];
    if (load->part == segment->count)
        return load_next_item(load);
    uint32_t function = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (function >= module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    segment->functions[load->part++] = (uint16_t)function;
    return WIRQ_OK;
}

/* What follows the offset: a kind, if the segment's form has one (kept in load->part), and the number of functions. */
static wirq_status step_element_count(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct element_segment *segment = &module->elements[module->element_count];
    uint8_t kind = load->part != 0 ? read_byte(r) : 0;
    uint32_t count = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (kind != 0)
        return WIRQ_BAD_SEGMENT;
    if (count > load_rest(load, r))
        return WIRQ_TRUNCATED;
    if (count > UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    segment->is_active = true;
    segment->offset = load->constant;
    segment->functions = load_allocate(load, count, sizeof *segment->functions);
    if (segment->functions == NULL)
        return WIRQ_NO_MEMORY;
    segment->count = (uint16_t)count;
    module->element_count++;
    load->part = 0;
    load->step = step_element_function;
    return WIRQ_OK;
}

wirq_status load_element(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    uint32_t form = read_u32(r);
    uint32_t table = form == 2 ? read_u32(r) : 0;
    if (r->status != WIRQ_OK)
        return r->status;
    if (form > 7)
        return WIRQ_BAD_SEGMENT;
    if (form >= 4)
        return load_absent(load, WIRQ_FEATURE_REFERENCE_TYPES); /* elements are expressions */
    if (form & 1)
        return load_absent(load, WIRQ_FEATURE_BULK_MEMORY); /* passive or declarative */
    if (table >= module->table_count)
        return WIRQ_UNKNOWN_TABLE;
    module->elements[module->element_count].table = (uint16_t)table;
    load->part = form == 2;
    load_constant(load, WIRQ_I32, step_element_count);
    return WIRQ_OK;
}

/* ---- data segments ---- */

wirq_status load_begin_data_count(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    (void)r;
    load->lower.has_data_count = true;
    load->lower.data_count = count;
    return WIRQ_OK;
}

wirq_status load_begin_data(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    (void)r;
    if (load->lower.has_data_count && count != load->lower.data_count)
        return WIRQ_BAD_COUNT;
    if (count > UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    module->data = load_allocate(load, count, sizeof *module->data);
    return module->data == NULL ? WIRQ_NO_MEMORY : WIRQ_OK;
}

static wirq_status step_data_end(struct wirq_load *load, struct wirq_reader *r) {
    (void)r;
    return load_next_item(load);
}

static wirq_status step_data_bytes(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct data_segment *segment = &module->data[module->data_count];
    uint32_t length = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (length > load_rest(load, r))
        return WIRQ_TRUNCATED;
    uint8_t *copy = NULL;
    if (load->in_place == NULL) {
        copy = load_allocate(load, length, 1);
        if (copy == NULL)
            return WIRQ_NO_MEMORY;
    }
    segment->is_active = true;
    segment->offset = load->constant;
    module->data_count++;
    return load_take(load, r, &segment->bytes, length, copy, step_data_end);
}

wirq_status load_data(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    uint32_t form = read_u32(r);
    uint32_t memory = form == 2 ? read_u32(r) : 0;
    if (r->status != WIRQ_OK)
        return r->status;
    if (form > 2)
        return WIRQ_BAD_SEGMENT;
    if (form == 1)
        return load_absent(load, WIRQ_FEATURE_BULK_MEMORY); /* passive */
    if (memory >= module->memory_count)
        return WIRQ_UNKNOWN_MEMORY;
    load_constant(load, WIRQ_I32, step_data_bytes);
    return WIRQ_OK;
}
