/* load_types.c: types in the binary format (WebAssembly spec 5.3), and the type section. */
#include "load.h"

/* ---- single types ---- */

wirq_status check_value_type(uint8_t byte, uint32_t *feature) {
    switch (byte) {
    case WIRQ_I32:
    case WIRQ_I64:
    case WIRQ_F32:
    case WIRQ_F64:
        return WIRQ_OK;
    case 0x7B:
        *feature = WIRQ_FEATURE_SIMD;
        return WIRQ_ABSENT_FEATURE;
    case WIRQ_FUNCREF:
    case WIRQ_EXTERNREF:
        *feature = WIRQ_FEATURE_REFERENCE_TYPES;
        return WIRQ_ABSENT_FEATURE;
    case 0x64: /* (ref …), (ref null …) */
    case 0x63:
        *feature = WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES;
        return WIRQ_ABSENT_FEATURE;
    case 0x69: /* exn, noexn */
    case 0x74:
        *feature = WIRQ_FEATURE_EXCEPTIONS;
        return WIRQ_ABSENT_FEATURE;
    case 0x68: /* cont, nocont */
    case 0x75:
        *feature = WIRQ_FEATURE_STACK_SWITCHING;
        return WIRQ_ABSENT_FEATURE;
    case 0x78: /* packed i8, i16 */
    case 0x77:
    case 0x73: /* nofunc, noextern, none */
    case 0x72:
    case 0x71:
    case 0x6E: /* any, eq, i31, struct, array */
    case 0x6D:
    case 0x6C:
    case 0x6B:
    case 0x6A:
        *feature = WIRQ_FEATURE_GC;
        return WIRQ_ABSENT_FEATURE;
    default:
        return WIRQ_BAD_TYPE;
    }
}

wirq_status load_value_type(struct wirq_load *load, struct wirq_reader *r, uint8_t *type) {
    *type = read_byte(r);
    return r->status != WIRQ_OK ? r->status : check_value_type(*type, &load->detail);
}

/* Bits of the byte that limits begin with. */
enum { HAS_MAXIMUM = 1, IS_SHARED = 2, IS_64_BIT = 4, HAS_PAGE_SIZE = 8 };

static wirq_status load_limits(struct wirq_load *load, struct wirq_reader *r, struct limits *limits, bool is_memory) {
    uint8_t flags = read_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (flags > 0x0F || (!is_memory && flags > (HAS_MAXIMUM | IS_SHARED | IS_64_BIT)))
        return WIRQ_BAD_LIMITS;
    if (flags & IS_SHARED)
        return load_absent(load, WIRQ_FEATURE_THREADS);
    if (flags & IS_64_BIT)
        return load_absent(load, WIRQ_FEATURE_MEMORY64);
    limits->has_maximum = flags & HAS_MAXIMUM;
    limits->page_shift = is_memory ? 16 : 0;
    limits->minimum = read_u32(r);
    limits->maximum = limits->has_maximum ? read_u32(r) : UINT32_MAX;
    if (flags & HAS_PAGE_SIZE) {
        uint32_t shift = read_u32(r);
        if (r->status == WIRQ_OK && shift != 0 && shift != 16)
            return WIRQ_BAD_LIMITS;
        limits->page_shift = (uint8_t)shift;
    }
    if (r->status != WIRQ_OK)
        return r->status;
    uint32_t most = limits->page_shift != 0 ? UINT32_C(1) << limits->page_shift : UINT32_MAX;
    if (!limits->has_maximum)
        limits->maximum = most;
    return limits->minimum <= limits->maximum && limits->maximum <= most ? WIRQ_OK : WIRQ_BAD_LIMITS_RANGE;
}

wirq_status load_table_type(struct wirq_load *load, struct wirq_reader *r, struct table_type *type) {
    type->type = read_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (type->type == 0x40) /* a table with an initial value */
        return load_absent(load, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES);
    if (type->type != WIRQ_FUNCREF) {
        wirq_status status = check_value_type(type->type, &load->detail);
        return status == WIRQ_OK ? WIRQ_BAD_TYPE : status;
    }
    return load_limits(load, r, &type->limits, false);
}

wirq_status load_memory_type(struct wirq_load *load, struct wirq_reader *r, struct limits *limits) {
    return load_limits(load, r, limits, true);
}

wirq_status load_global_type(struct wirq_load *load, struct wirq_reader *r, struct global_type *type) {
    wirq_status status = load_value_type(load, r, &type->type);
    if (status != WIRQ_OK)
        return status;
    uint8_t mutability = read_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    type->is_mutable = mutability == 1;
    return mutability <= 1 ? WIRQ_OK : WIRQ_BAD_MUTABILITY;
}

/* ---- the type section ----
 * Types are packed into one block, each right behind the one before it. A type equal to an earlier one is dropped again, and the
 * earlier one stands for both. */

#define TYPE_HEADER ((uint32_t)sizeof(struct wirq_functype))

static struct wirq_functype *current_type(const struct wirq_load *load) {
    return (struct wirq_functype *)(void *)load->storage_next;
}

wirq_status load_begin_types(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    if (count > UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    module->types = load_allocate(load, count, sizeof *module->types);
    /* In the section a type takes 3 bytes and its value types, of which there are fewer than the section has bytes; here it takes a
     * header, its value types and at most one byte that keeps the next one aligned. */
    uint32_t size = load_rest(load, r);
    if (size > INT32_MAX)
        return WIRQ_NO_MEMORY;
    module->type_storage = load_allocate(load, size + count * (TYPE_HEADER - 2), 1);
    if (module->types == NULL || module->type_storage == NULL)
        return WIRQ_NO_MEMORY;
    load->storage_next = module->type_storage;
    return WIRQ_OK;
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
        uint32_t size = TYPE_HEADER + type->parameter_count + type->result_count;
        load->storage_next += (size + 1) & ~1u;
    }
    module->types[module->type_count++] = type;
    return load_next_item(load);
}

static wirq_status step_result(struct wirq_load *load, struct wirq_reader *r);

/* The number of results, after the parameters. */
static wirq_status step_result_count(struct wirq_load *load, struct wirq_reader *r) {
    uint32_t count = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (count > load_rest(load, r))
        return WIRQ_TRUNCATED;
    if (count > WIRQ_MAX_TYPE_VALUES)
        return WIRQ_IMPLEMENTATION_LIMIT;
    load->part = count;
    current_type(load)->result_count = 0;
    current_type(load)->result_cells = 0;
    load->step = step_result;
    return WIRQ_OK;
}

static wirq_status step_result(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_functype *type = current_type(load);
    if (load->part == 0)
        return end_type(load);
    uint8_t value;
    wirq_status status = load_value_type(load, r, &value);
    if (status != WIRQ_OK)
        return status;
    load->part--;
    type->types[type->parameter_count + type->result_count] = value;
    type->result_count++;
    type->result_cells = (uint16_t)(type->result_cells + type_cells(value));
    return WIRQ_OK;
}

static wirq_status step_parameter(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_functype *type = current_type(load);
    if (load->part == 0) {
        load->step = step_result_count;
        return WIRQ_OK;
    }
    uint8_t value;
    wirq_status status = load_value_type(load, r, &value);
    if (status != WIRQ_OK)
        return status;
    load->part--;
    type->types[type->parameter_count] = value;
    type->parameter_count++;
    type->parameter_cells = (uint16_t)(type->parameter_cells + type_cells(value));
    return WIRQ_OK;
}

wirq_status load_type(struct wirq_load *load, struct wirq_reader *r) {
    uint8_t form = read_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    switch (form) {
    case 0x60:
        break;
    case 0x5D:
        return load_absent(load, WIRQ_FEATURE_STACK_SWITCHING);
    case 0x5E: /* array, struct, sub, sub final, rec */
    case 0x5F:
    case 0x50:
    case 0x4F:
    case 0x4E:
        return load_absent(load, WIRQ_FEATURE_GC);
    default:
        return WIRQ_BAD_TYPE;
    }
    uint32_t count = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (count > load_rest(load, r))
        return WIRQ_TRUNCATED;
    if (count > WIRQ_MAX_TYPE_VALUES)
        return WIRQ_IMPLEMENTATION_LIMIT;
    load->part = count;
    current_type(load)->parameter_count = 0;
    current_type(load)->parameter_cells = 0;
    load->step = step_parameter;
    return WIRQ_OK;
}

void load_end_types(struct wirq_load *load) {
    if (load->module->type_storage != NULL)
        load_trim(load, load->module->type_storage, (uint32_t)(load->storage_next - load->module->type_storage), 1);
}
