/* load_sections.c: the sections that declare: imports, functions, table, memory, globals, exports, start (WebAssembly spec 5.5). */
#include "bytes.h"
#include "load.h"

/* Bytes of an item of each index space, by kind. */
static const uint8_t item_sizes[5] = {sizeof(uint16_t), sizeof(struct table_type), sizeof(struct limits),
                                      sizeof(struct global_type), sizeof(uint16_t)};

/* A second table or memory in a build that has not more than one. */
static wirq_status check_single(struct wirq_load *load, uint8_t kind, uint32_t count) {
    if (count + load->module->counts[kind] <= 1 || (kind == WIRQ_TABLE ? WIRQ_WITH_MULTI_TABLE : WIRQ_WITH_MULTI_MEMORY))
        return WIRQ_OK;
    return load_absent(load, kind == WIRQ_TABLE ? WIRQ_FEATURE_MULTI_TABLE : WIRQ_FEATURE_MULTI_MEMORY);
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
        if (!WIRQ_WITH_EXCEPTIONS)
            return load_absent(load, WIRQ_FEATURE_EXCEPTIONS);
        status = read_tag_type(load, r, &item.tag);
        break;
    default:
        return WIRQ_BAD_IMPORT_KIND;
    }
    if (status == WIRQ_OK && (kind == WIRQ_TABLE || kind == WIRQ_MEMORY))
        status = check_single(load, kind, 1);
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

wirq_status load_begin_functions(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    uint32_t used = load->module->function_count;
    (void)r;
    if (count > WIRQ_MAX_FUNCTIONS - used)
        return WIRQ_IMPLEMENTATION_LIMIT;
    return load_extend(load, BLOCK_FUNCTION_TYPES, sizeof(uint16_t), used, used + count);
}

wirq_status load_function(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    wirq_status status = read_type_index(load, r, &module->function_types[module->function_count]);
    if (status != WIRQ_OK)
        return status;
    module->function_count++;
    return load_next_item(load);
}

/* ---- table and memory ---- */

/* Of one kind: a second one is a feature of its own. */
static wirq_status begin_kind(struct wirq_load *load, uint8_t kind, uint32_t count) {
    uint32_t used = load->module->counts[kind];
    wirq_status status = check_single(load, kind, count);
    if (status != WIRQ_OK || count == 0)
        return status;
    if (count + used > UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    return load_extend(load, kind, item_sizes[kind], used, used + count);
}

wirq_status load_begin_tables(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    (void)r;
    return begin_kind(load, WIRQ_TABLE, count);
}

wirq_status load_begin_memories(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    (void)r;
    return begin_kind(load, WIRQ_MEMORY, count);
}

static wirq_status step_table_value(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    (void)r;
    module->tables[module->table_count++].init = load->constant;
    return load_next_item(load);
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
    wirq_status status = load_memory_type(load, r, &load->module->memories[load->module->memory_count]);
    if (status != WIRQ_OK)
        return status;
    load->module->memory_count++;
    return load_next_item(load);
}

/* ---- globals ---- */

wirq_status load_begin_globals(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    uint32_t used = load->module->global_count;
    (void)r;
    if (count + used > UINT16_MAX / 2) /* cells are numbered in 16 bits, and a global takes two at most */
        return WIRQ_IMPLEMENTATION_LIMIT;
    return load_extend(load, BLOCK_GLOBALS, sizeof(struct global_type), used, used + count);
}

static wirq_status step_global_value(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct global_type *global = &module->globals[module->global_count];
    (void)r;
    global->init = load->constant;
    global->cell = module->global_cells;
    module->global_cells = (uint16_t)(module->global_cells + type_cells(global->type));
    module->global_count++;
    return load_next_item(load);
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

wirq_status load_begin_tags(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    uint32_t used = load->module->tag_count;
    (void)r;
    if (!WIRQ_WITH_EXCEPTIONS)
        return load_absent(load, WIRQ_FEATURE_EXCEPTIONS);
    if (count + used >= UINT16_MAX) /* the last number stands for all tags */
        return WIRQ_IMPLEMENTATION_LIMIT;
    return load_extend(load, BLOCK_TAGS, sizeof(uint16_t), used, used + count);
}

wirq_status load_tag(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    wirq_status status = read_tag_type(load, r, &module->tags[module->tag_count]);
    if (status != WIRQ_OK)
        return status;
    module->tag_count++;
    return load_next_item(load);
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
        return kind == WIRQ_TAG ? WIRQ_UNKNOWN_TAG : (wirq_status)(WIRQ_UNKNOWN_FUNCTION + kind); /* the codes are in the order of the kinds */
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
