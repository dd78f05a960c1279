/* load_sections.c: the sections that declare: imports, functions, table, memory, globals, exports, start (WebAssembly spec 5.5). */
#include "bytes.h"
#include "load.h"
#include "vm.h"

/* Bytes of an item of each index space, by kind. */
static const uint8_t item_sizes[5] = {sizeof(uint16_t), sizeof(struct table_type), sizeof(struct limits),
                                      sizeof(struct global_type), sizeof(uint16_t)};

/* How many more of a kind are there to be: in this build, and at all? */
static wirq_status check_count(struct wirq_load *load, uint8_t kind, uint32_t more) {
    static const uint16_t most[5] = {
        WIRQ_MAX_FUNCTIONS, UINT16_MAX,
        UINT16_MAX,         UINT16_MAX / 2, /* cells are numbered in 16 bits, and a global takes two at most */
        UINT16_MAX - 1,                     /* the last number stands for all tags */
    };
    uint32_t used = load->module->counts[kind];
    if (!WIRQ_WITH_EXCEPTIONS && kind == WIRQ_TAG)
        return load_absent(load, WIRQ_FEATURE_EXCEPTIONS);
    if (!WIRQ_WITH_MULTI_TABLE && kind == WIRQ_TABLE && used + more > 1)
        return load_absent(load, WIRQ_FEATURE_MULTI_TABLE);
    if (!WIRQ_WITH_MULTI_MEMORY && kind == WIRQ_MEMORY && used + more > 1)
        return load_absent(load, WIRQ_FEATURE_MULTI_MEMORY);
    return more > most[kind] - used ? WIRQ_IMPLEMENTATION_LIMIT : WIRQ_OK;
}

/* Sections of definitions: room for `count` more of their kind. */
wirq_status load_begin_kind(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    uint8_t kind =
        load->section == 13 ? WIRQ_TAG : (uint8_t)(load->section - 3); /* sections 3 to 6 are in the order of the kinds */
    uint32_t used = load->module->counts[kind];
    wirq_status status = check_count(load, kind, count);
    (void)r;
    return status == WIRQ_OK && count != 0 ? load_extend(load, kind, item_sizes[kind], used, used + count) : status;
}

/* The item of a kind that has been read is one more of them. */
static wirq_status end_item(struct wirq_load *load, uint8_t kind, wirq_status status) {
    if (status != WIRQ_OK)
        return status;
    load->module->counts[kind]++;
    return load_next_item(load);
}

static wirq_status read_type_index(struct wirq_load *load, struct wirq_reader *r, uint16_t *type) {
    uint32_t index = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (index >= load->module->type_count)
        return WIRQ_UNKNOWN_TYPE;
    *type = (uint16_t)type_first_equal(load->module, index);
    return WIRQ_OK;
}

static wirq_status read_tag_type(struct wirq_load *load, struct wirq_reader *r, uint16_t *type) {
    uint8_t attribute = load_byte(r);
    wirq_status status = read_type_index(load, r, type);
    if (status == WIRQ_OK && (attribute != 0 || load->module->types[*type]->result_count != 0))
        return WIRQ_BAD_TAG;
    return status;
}

/* ---- imports ---- */

/* After both names: what is imported. */
static wirq_status step_import_description(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct import *import = &module->imports[module->import_count];
    union {
        uint16_t function, tag;
        struct table_type table;
        struct limits memory;
        struct global_type global;
    } item = {0};
    wirq_status status;
    uint8_t kind = load_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    switch (kind) {
    case WIRQ_FUNCTION:
        status = read_type_index(load, r, &item.function);
        break;
    case WIRQ_TABLE:
        status = load_table_type(load, r, &item.table);
        break;
    case WIRQ_MEMORY:
        status = load_memory_type(load, r, &item.memory);
        break;
    case WIRQ_GLOBAL:
        item.global = (struct global_type){0};
        status = load_global_type(load, r, &item.global);
        break;
    case WIRQ_TAG:
        status = WIRQ_WITH_EXCEPTIONS ? read_tag_type(load, r, &item.tag) : WIRQ_OK; /* the check of its count refuses it */
        break;
    default:
        return WIRQ_BAD_IMPORT_KIND;
    }
    if (status == WIRQ_OK)
        status = check_count(load, kind, 1);
    /* Room for all that may follow; load_end_imports trims it. */
    if (status == WIRQ_OK && module->blocks[kind] == NULL)
        status = load_extend(load, kind, item_sizes[kind], 0, load->remaining);
    if (status != WIRQ_OK)
        return status;
    memcpy((uint8_t *)module->blocks[kind] + (uint32_t)module->counts[kind] * item_sizes[kind], &item, item_sizes[kind]);
    import->kind = kind;
    import->index = module->counts[kind]++;
    module->imported[kind]++;
    module->import_count++;
    return load_next_item(load);
}

static wirq_status step_import_name(struct wirq_load *load, struct wirq_reader *r) {
    return load_take_name(load, r, &load->module->imports[load->module->import_count].name, step_import_description);
}

wirq_status load_import(struct wirq_load *load, struct wirq_reader *r) {
    return load_take_name(load, r, &load->module->imports[load->module->import_count].module, step_import_name);
}

void load_end_imports(struct wirq_load *load) {
    for (uint32_t kind = 0; kind < 5; kind++)
        load_trim(load, kind, (uint32_t)load->module->counts[kind] * item_sizes[kind]);
}

/* ---- functions ---- */

wirq_status load_function(struct wirq_load *load, struct wirq_reader *r) {
    wirq_status status = read_type_index(load, r, &load->module->function_types[load->module->function_count]);
    return end_item(load, WIRQ_FUNCTION, status);
}

/* ---- table and memory ---- */

static wirq_status step_table_value(struct wirq_load *load, struct wirq_reader *r) {
    (void)r;
    load->module->tables[load->module->table_count].init = load->constant;
    return end_item(load, WIRQ_TABLE, WIRQ_OK);
}

/* A table, or with an initial value 0x40 0x00, the table, a constant expression. */
wirq_status load_table(struct wirq_load *load, struct wirq_reader *r) {
    struct table_type *table = &load->module->tables[load->module->table_count];
    bool has_value = WIRQ_WITH_TYPED_FUNCTION_REFERENCES && r->p != r->end && *r->p == 0x40;
    if (has_value) {
        r->p++;
        uint8_t reserved = load_byte(r);
        if (r->status != WIRQ_OK)
            return r->status;
        if (reserved != 0)
            return WIRQ_BAD_RESERVED_BYTE;
    }
    wirq_status status = load_table_type(load, r, table);
    if (status != WIRQ_OK)
        return status;
    if (!has_value && !type_is_defaultable(table->type))
        return WIRQ_TYPE_MISMATCH;
    load->constant = (struct constant){CONSTANT_VALUE, table->type, {WIRQ_NULL_REFERENCE, 0}};
    load->step = step_table_value;
    if (has_value)
        load_constant(load, table->type, step_table_value);
    return WIRQ_OK;
}

wirq_status load_memory(struct wirq_load *load, struct wirq_reader *r) {
    return end_item(load, WIRQ_MEMORY, load_memory_type(load, r, &load->module->memories[load->module->memory_count]));
}

/* ---- globals ---- */

static wirq_status step_global_value(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct global_type *global = &module->globals[module->global_count];
    (void)r;
    global->init = load->constant;
    global->cell = module->global_cells;
    module->global_cells = (uint16_t)(module->global_cells + type_cells(global->type));
    return end_item(load, WIRQ_GLOBAL, WIRQ_OK);
}

wirq_status load_global(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct global_type *global = &module->globals[module->global_count];
    wirq_status status = load_global_type(load, r, global);
    if (status == WIRQ_OK)
        load_constant(load, global->type, step_global_value);
    return status;
}

/* ---- tags ---- */

wirq_status load_tag(struct wirq_load *load, struct wirq_reader *r) {
    return end_item(load, WIRQ_TAG, read_tag_type(load, r, &load->module->tags[load->module->tag_count]));
}

/* ---- exports ---- */

/* The name is still outside module->exports as far as their count goes, so that it is not found to be its own duplicate. */
static wirq_status step_export_description(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct export *export = &module->exports[module->export_count];
    uint8_t kind = load_byte(r);
    uint32_t index = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (!WIRQ_WITH_EXCEPTIONS && kind == WIRQ_TAG)
        return load_absent(load, WIRQ_FEATURE_EXCEPTIONS);
    if (kind > WIRQ_TAG)
        return WIRQ_BAD_EXPORT_KIND;
    if (index >= module->counts[kind])
        return kind == WIRQ_TAG ? WIRQ_UNKNOWN_TAG
                                : (wirq_status)(WIRQ_UNKNOWN_FUNCTION + kind); /* the codes are in the order of the kinds */
    if (kind == WIRQ_TAG && interrupt_declares(&export->name))                 /* to be suspended with, which is not built: R25 */
        return load_absent(load, WIRQ_FEATURE_STACK_SWITCHING);
    if (module_find_export(module, export->name.bytes, export->name.length) != NULL)
        return WIRQ_DUPLICATE_EXPORT;
    export->kind = kind;
    export->index = (uint16_t)index;
    module->export_count++;
    return load_next_item(load);
}

wirq_status load_export(struct wirq_load *load, struct wirq_reader *r) {
    return load_take_name(load, r, &load->module->exports[load->module->export_count].name, step_export_description);
}

/* ---- start ---- */

wirq_status load_begin_start(struct wirq_load *load, struct wirq_reader *r, uint32_t function) {
    struct wirq_module *module = load->module;
    (void)r;
    if (function >= module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    const struct wirq_functype *type = module_function_type(module, function);
    if (type->parameter_count != 0 || type->result_count != 0)
        return WIRQ_BAD_START;
    module->start_function = (int32_t)function;
    return WIRQ_OK;
}
