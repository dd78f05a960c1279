/* link.c: resolves a module's imports against other instances and host functions (WebAssembly spec 4.5.3, 4.5.4). */
#include "vm.h"

/* What an import was found as. */
struct match {
    struct wirq_instance *instance; /* an export of an instance … */
    const struct export *export;
    const struct wirq_host_import *host; /* … or a host function */
};

static bool name_is(const struct wirq_name *name, const char *text) {
    for (uint32_t i = 0; i < name->length; i++) {
        if (text[i] == '\0' || (uint8_t)text[i] != name->bytes[i])
            return false;
    }
    return text[name->length] == '\0';
}

static const struct wirq_host_import *find_host(const struct wirq_host_import *table, uint32_t count, const struct import *import) {
    for (uint32_t i = 0; i < count; i++) {
        if (name_is(&import->module, table[i].module) && name_is(&import->name, table[i].name))
            return &table[i];
    }
    return NULL;
}

static struct match find(const struct wirq_vm *vm, const struct import *import) {
    struct match match = {NULL, NULL, NULL};
    for (struct wirq_instance *i = vm->instance_list; i != NULL; i = i->next) {
        if (i->registered.bytes == NULL || !names_equal(&i->registered, import->module.bytes, import->module.length))
            continue;
        match.instance = i;
        match.export = module_find_export(i->module, import->name.bytes, import->name.length);
        return match;
    }
    for (uint32_t i = 0; i < WIRQ_MAX_HOST_TABLES && match.host == NULL; i++)
        match.host = find_host(vm->host_tables[i], vm->host_table_sizes[i], import);
    if (match.host == NULL)
        match.host = find_host(interrupt_imports, INTERRUPT_IMPORT_COUNT, import);
    return match;
}

static char type_letter(uint8_t type) {
    switch (type) {
    case WIRQ_I32:
        return 'i';
    case WIRQ_I64:
        return 'I';
    case WIRQ_F32:
        return 'f';
    case WIRQ_F64:
        return 'F';
    default:
        return type == WIRQ_FUNCREF ? 'r' : 'x';
    }
}

/* Compares a type with its text in a host table: "ii:I". */
static bool type_is(const struct wirq_functype *type, const char *text) {
    uint32_t count = (uint32_t)type->parameter_count + type->result_count;
    for (uint32_t i = 0; i <= count; i++) {
        if (i == type->parameter_count && *text++ != ':')
            return false;
        if (i != count && *text++ != type_letter(type->types[i]))
            return false;
    }
    return *text == '\0';
}

struct function_import link_resolve(struct wirq_instance *instance, uint32_t function) {
    if (function < instance->module->imported_functions)
        return instance->functions[function];
    return (struct function_import){NULL, instance, (uint16_t)function};
}

/* Limits of what is there against those that the import asks for. */
static bool limits_match(const struct limits *have, uint32_t size, const struct limits *want) {
    return have->page_shift == want->page_shift && size >= want->minimum &&
           (!want->has_maximum || (have->has_maximum && have->maximum <= want->maximum));
}

static bool link_function(struct wirq_instance *instance, uint32_t index, const struct match *match) {
    const struct wirq_functype *type = module_function_type(instance->module, index);
    if (match->host != NULL) {
        instance->functions[index].host = match->host;
        return type_is(type, match->host->type);
    }
    instance->functions[index] = link_resolve(match->instance, match->export->index);
    return functypes_equal(type, module_function_type(match->instance->module, match->export->index));
}

static bool link_one(struct wirq_instance *instance, const struct import *import, const struct match *match) {
    const struct wirq_module *module = instance->module;
    struct wirq_instance *from = match->instance;
    uint32_t index = import->index;
    if (match->host != NULL ? import->kind != WIRQ_FUNCTION : import->kind != match->export->kind)
        return false;
    switch (import->kind) {
    case WIRQ_FUNCTION:
        return link_function(instance, index, match);
    case WIRQ_TABLE: {
        struct wirq_table *table = from->tables[match->export->index];
        instance->tables[index] = table;
        return table->type == module->tables[index].type &&
               limits_match(&table->limits, table->size, &module->tables[index].limits);
    }
    case WIRQ_MEMORY: {
        struct wirq_memory *memory = from->memories[match->export->index];
        instance->memories[index] = memory;
        return limits_match(&memory->limits, memory->size >> memory->limits.page_shift, &module->memories[index]);
    }
    default: {
        const struct global_type *have = &from->module->globals[match->export->index], *want = &module->globals[index];
        instance->imported_globals[index] = instance_global(from, match->export->index);
        return have->type == want->type && have->is_mutable == want->is_mutable;
    }
    }
}

wirq_status link_imports(struct wirq_instance *instance) {
    const struct wirq_module *module = instance->module;
    struct wirq_vm *vm = instance->vm;
    for (uint32_t i = 0; i < module->import_count; i++) {
        struct match match = find(vm, &module->imports[i]);
        vm->error.detail = i;
        if (match.host == NULL && match.export == NULL)
            return WIRQ_UNKNOWN_IMPORT;
        if (!link_one(instance, &module->imports[i], &match))
            return WIRQ_IMPORT_TYPE;
    }
    vm->error.detail = 0;
    return WIRQ_OK;
}
