/* load_sections.c: the sections that declare: imports, functions, table, memory, globals, exports, start (WebAssembly spec 5.5). */
#include "load.h"

/* Indices are stored in 16 bits, and 0xFFFF stands for none. */
#define MAX_INDEX 65535u

/* Storage for the names of a section, unless they stay where they are. */
static wirq_status begin_names(struct wirq_load *load, struct wirq_reader *r, uint8_t **storage) {
    load->storage_next = NULL;
    if (load->in_place != NULL)
        return WIRQ_OK;
    *storage = load->storage_next = load_allocate(load, load_rest(load, r), 1);
    return *storage == NULL ? WIRQ_NO_MEMORY : WIRQ_OK;
}

static void end_names(struct wirq_load *load, uint8_t *storage) {
    if (storage != NULL)
        load_trim(load, storage, (uint32_t)(load->storage_next - storage), 1);
}

/* ---- imports ---- */

wirq_status load_begin_imports(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    if (count > WIRQ_MAX_FUNCTIONS)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    module->imports = load_allocate(load, count, sizeof *module->imports);
    return module->imports == NULL ? WIRQ_NO_MEMORY : begin_names(load, r, &module->import_names);
}

static wirq_status import_function(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    uint32_t type = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (type >= module->type_count)
        return WIRQ_UNKNOWN_TYPE;
    if (module->function_types == NULL) /* room for all that may follow; load_end_imports trims it */
        module->function_types = load_allocate(load, load->remaining, sizeof *module->function_types);
    if (module->function_types == NULL)
        return WIRQ_NO_MEMORY;
    module->function_types[module->function_count++] = (uint16_t)type;
    module->imported_functions++;
    return WIRQ_OK;
}

static wirq_status import_table(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct table_type type;
    wirq_status status = load_table_type(load, r, &type);
    if (status != WIRQ_OK)
        return status;
    if (module->table_count != 0)
        return load_absent(load, WIRQ_FEATURE_MULTI_TABLE);
    module->tables = load_allocate(load, 1, sizeof type);
    if (module->tables == NULL)
        return WIRQ_NO_MEMORY;
    module->tables[module->table_count++] = type;
    module->imported_tables++;
    return WIRQ_OK;
}

static wirq_status import_memory(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct limits limits;
    wirq_status status = load_memory_type(load, r, &limits);
    if (status != WIRQ_OK)
        return status;
    if (module->memory_count != 0)
        return load_absent(load, WIRQ_FEATURE_MULTI_MEMORY);
    module->memories = load_allocate(load, 1, sizeof limits);
    if (module->memories == NULL)
        return WIRQ_NO_MEMORY;
    module->memories[module->memory_count++] = limits;
    module->imported_memories++;
    return WIRQ_OK;
}

static wirq_status import_global(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct global_type type = {0};
    wirq_status status = load_global_type(load, r, &type);
    if (status != WIRQ_OK)
        return status;
    if (module->globals == NULL)
        module->globals = load_allocate(load, load->remaining, sizeof type);
    if (module->globals == NULL)
        return WIRQ_NO_MEMORY;
    module->globals[module->global_count++] = type;
    module->imported_globals++;
    return WIRQ_OK;
}

/* After both names: what is imported. */
static wirq_status step_import_description(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct import *import = &module->imports[module->import_count];
    wirq_status status;
    uint16_t *count; /* imports of the kind so far */
    import->kind = read_byte(r);
    if (r->status != WIRQ_OK)
        return r->status;
    switch (import->kind) {
    case WIRQ_FUNCTION:
        count = &module->imported_functions;
        status = import_function(load, r);
        break;
    case WIRQ_TABLE:
        count = &module->imported_tables;
        status = import_table(load, r);
        break;
    case WIRQ_MEMORY:
        count = &module->imported_memories;
        status = import_memory(load, r);
        break;
    case WIRQ_GLOBAL:
        count = &module->imported_globals;
        status = import_global(load, r);
        break;
    case WIRQ_TAG:
        return load_absent(load, WIRQ_FEATURE_EXCEPTIONS);
    default:
        return WIRQ_BAD_IMPORT_KIND;
    }
    if (status != WIRQ_OK)
        return status;
    import->index = (uint16_t)(*count - 1);
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
    struct wirq_module *module = load->module;
    end_names(load, module->import_names);
    load_trim(load, module->function_types, module->function_count, sizeof *module->function_types);
    load_trim(load, module->globals, module->global_count, sizeof *module->globals);
}

/* ---- functions ---- */

wirq_status load_begin_functions(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    (void)r;
    if (count > WIRQ_MAX_FUNCTIONS - (uint32_t)module->function_count)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    module->code = load_allocate(load, count, sizeof *module->code);
    uint16_t *types =
        load_reserve(load, module->function_types, sizeof *types, module->function_count, module->function_count + count);
    if (types != NULL)
        module->function_types = types;
    return module->code == NULL || types == NULL ? WIRQ_NO_MEMORY : WIRQ_OK;
}

wirq_status load_function(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    uint32_t type = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (type >= module->type_count)
        return WIRQ_UNKNOWN_TYPE;
    module->function_types[module->function_count++] = (uint16_t)type;
    return load_next_item(load);
}

/* ---- table and memory ---- */

wirq_status load_begin_tables(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    (void)r;
    if (count + module->table_count > 1)
        return load_absent(load, WIRQ_FEATURE_MULTI_TABLE);
    if (count == 0)
        return WIRQ_OK;
    module->tables = load_allocate(load, 1, sizeof *module->tables);
    return module->tables == NULL ? WIRQ_NO_MEMORY : WIRQ_OK;
}

wirq_status load_table(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    wirq_status status = load_table_type(load, r, &module->tables[module->table_count]);
    if (status != WIRQ_OK)
        return status;
    module->table_count++;
    return load_next_item(load);
}

wirq_status load_begin_memories(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    (void)r;
    if (count + module->memory_count > 1)
        return load_absent(load, WIRQ_FEATURE_MULTI_MEMORY);
    if (count == 0)
        return WIRQ_OK;
    module->memories = load_allocate(load, 1, sizeof *module->memories);
    return module->memories == NULL ? WIRQ_NO_MEMORY : WIRQ_OK;
}

wirq_status load_memory(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    wirq_status status = load_memory_type(load, r, &module->memories[module->memory_count]);
    if (status != WIRQ_OK)
        return status;
    module->memory_count++;
    return load_next_item(load);
}

/* ---- globals ---- */

wirq_status load_begin_globals(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    (void)r;
    /* Two cells each at most, and cells are numbered in 16 bits. */
    if (count > MAX_INDEX / 2 - (uint32_t)module->global_count / 2)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    struct global_type *globals =
        load_reserve(load, module->globals, sizeof *globals, module->global_count, module->global_count + count);
    if (globals == NULL)
        return WIRQ_NO_MEMORY;
    module->globals = globals;
    return WIRQ_OK;
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
    if (status != WIRQ_OK)
        return status;
    load_constant(load, global->type, step_global_value);
    return WIRQ_OK;
}

/* ---- exports ---- */

wirq_status load_begin_exports(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    if (count > MAX_INDEX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (count == 0)
        return WIRQ_OK;
    module->exports = load_allocate(load, count, sizeof *module->exports);
    return module->exports == NULL ? WIRQ_NO_MEMORY : begin_names(load, r, &module->export_names);
}

static wirq_status step_export_description(struct wirq_load *load, struct wirq_reader *r) {
    struct wirq_module *module = load->module;
    struct export *export = &module->exports[module->export_count];
    uint8_t kind = read_byte(r);
    uint32_t index = read_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    uint32_t count;
    wirq_status unknown;
    switch (kind) {
    case WIRQ_FUNCTION:
        count = module->function_count;
        unknown = WIRQ_UNKNOWN_FUNCTION;
        break;
    case WIRQ_TABLE:
        count = module->table_count;
        unknown = WIRQ_UNKNOWN_TABLE;
        break;
    case WIRQ_MEMORY:
        count = module->memory_count;
        unknown = WIRQ_UNKNOWN_MEMORY;
        break;
    case WIRQ_GLOBAL:
        count = module->global_count;
        unknown = WIRQ_UNKNOWN_GLOBAL;
        break;
    case WIRQ_TAG:
        return load_absent(load, WIRQ_FEATURE_EXCEPTIONS);
    default:
        return WIRQ_BAD_EXPORT_KIND;
    }
    if (index >= count)
        return unknown;
    export->kind = kind;
    export->index = (uint16_t)index;
    if (module_find_export(module, export->name.bytes, export->name.length) != NULL)
        return WIRQ_DUPLICATE_EXPORT;
    module->export_count++;
    return load_next_item(load);
}

wirq_status load_export(struct wirq_load *load, struct wirq_reader *r) {
    return load_take_name(load, r, &load->module->exports[load->module->export_count].name, step_export_description);
}

void load_end_exports(struct wirq_load *load) {
    end_names(load, load->module->export_names);
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
