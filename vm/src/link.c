/* link.c: resolves a module's imports against other instances and host functions (WebAssembly spec 4.5.3, 4.5.4). */
#include "vm.h"

bool link_name_is(const struct wirq_name *name, const char *text) {
    for (uint32_t i = 0; i < name->length; i++) {
        if (text[i] == '\0' || (uint8_t)text[i] != name->bytes[i])
            return false;
    }
    return text[name->length] == '\0';
}

/* The first function of that name in a host table, or NULL. */
static const struct wirq_host_import *find_host(const struct wirq_vm *vm, const struct import *import) {
    for (uint32_t t = 0; t < HOST_TABLES; t++) {
        const struct wirq_host_import *table = vm->host_tables[t];
        for (uint32_t i = 0; i < vm->host_table_sizes[t]; i++) {
            if (link_name_is(&import->module, table[i].module) && link_name_is(&import->name, table[i].name))
                return &table[i];
        }
    }
    return NULL;
}

/* 0 for the types that a host function cannot have. */
static char type_letter(value_type type) {
    if (type <= WIRQ_I32 && type >= WIRQ_F64)
        return "FfIi"[type - WIRQ_F64];
    return type == WIRQ_FUNCREF ? 'r' : type == WIRQ_EXTERNREF ? 'x' : '\0';
}

bool link_type_is(const struct wirq_functype *type, const char *text) {
    uint32_t count = (uint32_t)type->parameter_count + type->result_count;
    for (uint32_t i = 0; i <= count; i++) {
        if (i == type->parameter_count && *text++ != ':')
            return false;
        if (i != count && *text++ != type_letter(type->types[i]))
            return false;
    }
    return *text == '\0';
}

void link_resolve(struct wirq_instance *instance, uint32_t function, struct function_import *target) {
    if (function < instance->module->imported_functions)
        *target = instance->functions[function];
    else
        *target = (struct function_import){NULL, instance, (uint16_t)function};
}

/* Limits of what is there against those that the import asks for. */
static bool limits_match(const struct limits *have, uint32_t size, const struct limits *want) {
    return have->page_shift == want->page_shift && size >> have->page_shift >= want->minimum &&
           (!want->has_maximum || (have->has_maximum && have->maximum <= want->maximum));
}

static bool link_memory(struct wirq_instance *instance, const struct import *import, struct wirq_memory *memory) {
    instance->memories[import->index] = memory;
    return limits_match(&memory->limits, memory->size, &instance->module->memories[import->index]);
}

/* Memory of the embedder. */
static wirq_status link_provided(struct wirq_instance *instance, const struct import *import) {
    struct provided_memory *i = instance->vm->provided_memories;
    while (i != NULL && !(link_name_is(&import->module, i->module) && link_name_is(&import->name, i->name)))
        i = i->next;
    return i == NULL ? WIRQ_UNKNOWN_IMPORT : link_memory(instance, import, &i->memory) ? WIRQ_OK : WIRQ_IMPORT_TYPE;
}

static bool link_host(struct wirq_instance *instance, const struct import *import, const struct wirq_host_import *host) {
    if (import->kind != WIRQ_FUNCTION)
        return false;
    instance->functions[import->index].host = host;
    return link_type_is(module_function_type(instance->module, import->index), host->type);
}

static bool link_export(struct wirq_instance *instance, const struct import *import, struct wirq_instance *from,
                        const struct export *export) {
    const struct wirq_module *module = instance->module;
    uint32_t index = import->index, there = export->index;
    if (import->kind != export->kind)
        return false;
    switch (import->kind) {
    case WIRQ_FUNCTION:
        link_resolve(from, there, &instance->functions[index]);
        return functypes_equal(module, module->function_types[index], from->module, from->module->function_types[there]);
    case WIRQ_TABLE: {
        struct wirq_table *table = from->tables[there];
        instance->tables[index] = table;
        return types_equal_across(table->owner->module, table->type, module, module->tables[index].type) &&
               limits_match(&table->limits, table->size, &module->tables[index].limits);
    }
    case WIRQ_MEMORY:
        return link_memory(instance, import, from->memories[there]);
    case WIRQ_TAG:
        instance->tags[index] = from->tags[there];
        return functypes_equal(module, module->tags[index], from->module, from->module->tags[there]);
    default: {
        const struct global_type *have = &from->module->globals[there], *want = &module->globals[index];
        instance->imported_globals[index] = instance_global(from, there);
        return have->is_mutable == want->is_mutable &&
               (have->is_mutable ? types_equal_across : types_match_across)(from->module, have->type, module, want->type);
    }
    }
}

/* The instance that is registered as the import's module, or NULL. */
static struct wirq_instance *find_instance(const struct wirq_vm *vm, const struct import *import) {
    struct wirq_instance *i = vm->instance_list;
    while (i != NULL && (i->registered.bytes == NULL || !names_equal(&i->registered, import->module.bytes, import->module.length)))
        i = i->next;
    return i;
}

static wirq_status link_one(struct wirq_instance *instance, const struct import *import) {
    const struct wirq_vm *vm = instance->vm;
    struct wirq_instance *from = find_instance(vm, import);
    if (from == NULL) {
        if (import->kind == WIRQ_MEMORY)
            return link_provided(instance, import);
        const struct wirq_host_import *host = find_host(vm, import);
        return host == NULL ? WIRQ_UNKNOWN_IMPORT : link_host(instance, import, host) ? WIRQ_OK : WIRQ_IMPORT_TYPE;
    }
    const struct export *export = module_find_export(from->module, import->name.bytes, import->name.length);
    return export == NULL ? WIRQ_UNKNOWN_IMPORT : link_export(instance, import, from, export) ? WIRQ_OK : WIRQ_IMPORT_TYPE;
}

wirq_status link_imports(struct wirq_instance *instance) {
    const struct wirq_module *module = instance->module;
    wirq_status status = WIRQ_OK;
    for (uint32_t i = 0; i < module->import_count && status == WIRQ_OK; i++) {
        instance->vm->error.detail = i;
        status = link_one(instance, &module->imports[i]);
    }
    return status;
}
