/* load_types.c: types in the binary format (WebAssembly spec 5.3), and the type section. */
#include "load.h"

/* ---- single types ---- */

/* Bits of the byte that limits begin with. */
enum { HAS_MAXIMUM = 1, IS_SHARED = 2, IS_64_BIT = 4, HAS_PAGE_SIZE = 8 };

static wirq_status load_limits(struct wirq_load *load, struct wirq_reader *r, struct limits *limits, bool is_memory) {
    uint8_t flags = load_byte(r);
    uint32_t shift = is_memory ? 16 : 0;
    if (r->status == WIRQ_OK) {
        if (flags > (is_memory ? 0x0F : 0x07))
            return WIRQ_BAD_LIMITS;
        if (flags & IS_SHARED)
            return load_absent(load, WIRQ_FEATURE_THREADS);
        if (flags & IS_64_BIT)
            return load_absent(load, WIRQ_FEATURE_MEMORY64);
        if (!WIRQ_WITH_CUSTOM_PAGE_SIZES && flags & HAS_PAGE_SIZE)
            return load_absent(load, WIRQ_FEATURE_CUSTOM_PAGE_SIZES);
    }
    limits->has_maximum = flags & HAS_MAXIMUM;
    limits->minimum = read_leb_u32(r);
    if (limits->has_maximum)
        limits->maximum = read_leb_u32(r);
    if (flags & HAS_PAGE_SIZE)
        shift = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (shift != 0 && shift != 16)
        return WIRQ_BAD_LIMITS;
    limits->page_shift = (uint8_t)shift;
    uint32_t most = shift != 0 ? 65536 : UINT32_MAX;
    if (!limits->has_maximum)
        limits->maximum = most;
    return limits->minimum <= limits->maximum && limits->maximum <= most ? WIRQ_OK : WIRQ_BAD_LIMITS_RANGE;
}

wirq_status load_table_type(struct wirq_load *load, struct wirq_reader *r, struct table_type *type) {
    if (!WIRQ_WITH_REFERENCE_TYPES && r->p != r->end && *r->p == WIRQ_FUNCREF) { /* WebAssembly 1.0 has tables of them */
        r->p++;
        type->type = WIRQ_FUNCREF;
    } else {
        wirq_status status = type_read(load->module, r, &type->type, &load->detail);
        if (status != WIRQ_OK)
            return status;
        if (!type_is_reference(type->type))
            return WIRQ_BAD_TYPE;
    }
    return load_limits(load, r, &type->limits, false);
}

wirq_status load_memory_type(struct wirq_load *load, struct wirq_reader *r, struct limits *limits) {
    return load_limits(load, r, limits, true);
}

wirq_status load_global_type(struct wirq_load *load, struct wirq_reader *r, struct global_type *type) {
    wirq_status status = type_read(load->module, r, &type->type, &load->detail);
    if (status != WIRQ_OK)
        return status;
    uint8_t mutability = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    type->is_mutable = mutability == 1;
    return mutability <= 1 ? WIRQ_OK : WIRQ_BAD_MUTABILITY;
}

/* ---- the type section ----
 * Types are packed into one block, each right behind the one before it. A type equal to an earlier one is dropped again, and the
 * earlier one stands for both. */

static load_step step_value_count;

static struct wirq_functype *current_type(const struct wirq_load *load) {
    return (struct wirq_functype *)(void *)load->storage;
}

static wirq_status end_type(struct wirq_load *load) {
    const struct wirq_module *module = load->module;
    uint32_t own = module->type_count - 1u, i = 0;
    while (!functypes_equal(module, i, module, own)) /* at the latest to itself */
        i++;
    module->types[own] = module->types[i];
    if (i == own)
        load->storage = (uint8_t *)&current_type(load)->types[module->types[i]->parameter_count + module->types[i]->result_count];
    return load_next_item(load);
}

/* A parameter or, in the second part, a result. */
static wirq_status step_value(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_functype *type = current_type(load);
    if (load->part == 0) {
        if (load->second_part)
            return end_type(load);
        load->second_part = true;
        load->step = step_value_count;
        return WIRQ_OK;
    }
    value_type value;
    wirq_status status = type_read(load->module, r, &value, &load->detail);
    if (status != WIRQ_OK)
        return status;
    type->types[type->parameter_count + type->result_count] = value;
    uint16_t cells = (uint16_t)type_cells(value);
    if (load->second_part) {
        type->result_count++;
        type->result_cells = (uint16_t)(type->result_cells + cells);
    } else {
        type->parameter_count++;
        type->parameter_cells = (uint16_t)(type->parameter_cells + cells);
    }
    load->part--;
    return WIRQ_OK;
}

static wirq_status step_value_count(struct wirq_load *load, struct wirq_reader *r) {
    wirq_status status = load_part(load, r, WIRQ_MAX_TYPE_VALUES);
    if (status == WIRQ_OK)
        load->step = step_value;
    return status;
}

wirq_status load_type(struct wirq_load *load, struct wirq_reader *r) {
    uint8_t form = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (form != 0x60)
        return type_refuse(form, &load->detail) == WIRQ_ABSENT_FEATURE ? WIRQ_ABSENT_FEATURE : WIRQ_BAD_TYPE;
    *current_type(load) = (struct wirq_functype){0};
    load->module->types[load->module->type_count++] = current_type(load); /* from here on: it may mention itself */
    load->second_part = false;
    load->step = step_value_count;
    return WIRQ_OK;
}
