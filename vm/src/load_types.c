/* load_types.c: types in the binary format (WebAssembly spec 5.3), and the type section. */
#include "load.h"

/* ---- single types ---- */

/* First bytes of types that belong to features which this build lacks. */
static const struct {
    uint8_t byte, feature;
} absent_types[] = {
    {0x7B, WIRQ_FEATURE_SIMD},
    {WIRQ_FUNCREF, WIRQ_FEATURE_REFERENCE_TYPES},
    {WIRQ_EXTERNREF, WIRQ_FEATURE_REFERENCE_TYPES},
    {0x64, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES}, /* (ref …), (ref null …), a table with an initial value */
    {0x63, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES},
    {0x40, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES},
    {0x69, WIRQ_FEATURE_EXCEPTIONS}, /* exn, noexn */
    {0x74, WIRQ_FEATURE_EXCEPTIONS},
    {0x68, WIRQ_FEATURE_STACK_SWITCHING}, /* cont, nocont, and the form of a continuation type */
    {0x75, WIRQ_FEATURE_STACK_SWITCHING},
    {0x5D, WIRQ_FEATURE_STACK_SWITCHING},
    {0x78, WIRQ_FEATURE_GC}, /* packed i8, i16 */
    {0x77, WIRQ_FEATURE_GC},
    {0x73, WIRQ_FEATURE_GC}, /* nofunc, noextern, none */
    {0x72, WIRQ_FEATURE_GC},
    {0x71, WIRQ_FEATURE_GC},
    {0x6E, WIRQ_FEATURE_GC}, /* any, eq, i31, struct, array */
    {0x6D, WIRQ_FEATURE_GC},
    {0x6C, WIRQ_FEATURE_GC},
    {0x6B, WIRQ_FEATURE_GC},
    {0x6A, WIRQ_FEATURE_GC},
    {0x5F, WIRQ_FEATURE_GC}, /* forms: struct, array, sub, sub final, rec */
    {0x5E, WIRQ_FEATURE_GC},
    {0x50, WIRQ_FEATURE_GC},
    {0x4F, WIRQ_FEATURE_GC},
    {0x4E, WIRQ_FEATURE_GC},
};

static wirq_status refuse_type(uint8_t byte, uint32_t *feature) {
    for (uint32_t i = 0; i < sizeof absent_types / sizeof absent_types[0]; i++) {
        if (absent_types[i].byte == byte) {
            *feature = absent_types[i].feature;
            return WIRQ_ABSENT_FEATURE;
        }
    }
    return WIRQ_BAD_TYPE;
}

wirq_status check_value_type(uint8_t byte, uint32_t *feature) {
    return byte <= WIRQ_I32 && byte >= WIRQ_F64 ? WIRQ_OK : refuse_type(byte, feature);
}

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
    type->type = load_byte(r);
    if (r->status == WIRQ_OK && type->type != WIRQ_FUNCREF)
        return refuse_type(type->type, &load->detail);
    return load_limits(load, r, &type->limits, false);
}

wirq_status load_memory_type(struct wirq_load *load, struct wirq_reader *r, struct limits *limits) {
    return load_limits(load, r, limits, true);
}

wirq_status load_global_type(struct wirq_load *load, struct wirq_reader *r, struct global_type *type) {
    type->type = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    wirq_status status = check_value_type(type->type, &load->detail);
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
    struct wirq_module *module = load->module;
    const struct wirq_functype *type = current_type(load);
    uint32_t i = 0;
    while (i < module->type_count && !functypes_equal(module->types[i], type))
        i++;
    if (i < module->type_count) {
        type = module->types[i];
    } else {
        uint32_t size = (uint32_t)sizeof *type + type->parameter_count + type->result_count;
        load->storage += (size + 1) & ~1u;
    }
    module->types[module->type_count++] = type;
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
    uint8_t value = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
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
    return check_value_type(value, &load->detail);
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
        return refuse_type(form, &load->detail);
    *current_type(load) = (struct wirq_functype){0};
    load->second_part = false;
    load->step = step_value_count;
    return WIRQ_OK;
}
