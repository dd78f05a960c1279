/* module.c: what is asked of a loaded module, and its end. */
#include "bytes.h"
#include "vm.h"

const struct wirq_functype *module_function_type(const struct wirq_module *module, uint32_t function) {
    return module->types[module->function_types[function]];
}

uint32_t module_function_at(const struct wirq_module *module, const uint16_t *ip, uint32_t *offset) {
    *offset = 0;
    if (ip < module->code_start || ip >= module->code_end)
        return UINT32_MAX;
    /* Code is in index order. The entry may lie behind a few units that belong to the function, so the last entry at or before ip
     * decides; ip itself is always at or behind its function's entry. */
    uint32_t defined = module->function_count - 1u - module->imported_functions;
    while (defined != 0 && module->code[defined] > ip)
        defined--;
    *offset = (uint32_t)(ip - module->code[defined]) * (uint32_t)sizeof *ip;
    return defined + module->imported_functions;
}

const struct wirq_functype *tag_type(const struct tag *tag) {
    const struct wirq_module *module = tag->instance->module;
    return module->types[module->tags[tag->index]];
}

bool names_equal(const struct wirq_name *a, const uint8_t *bytes, uint32_t length) {
    return a->length == length && memcmp(a->bytes, bytes, length) == 0;
}

const struct export *module_find_export(const struct wirq_module *module, const uint8_t *name, uint32_t length) {
    for (uint32_t i = 0; i < module->export_count; i++) {
        if (names_equal(&module->exports[i].name, name, length))
            return &module->exports[i];
    }
    return NULL;
}

void wirq_module_info(const struct wirq_module *module, struct wirq_module_info *info) {
    info->wasm_code_bytes = module->wasm_code_bytes;
    info->lowered_code_bytes = module_code_bytes(module);
    info->module_bytes = module->bytes;
}

void module_free(struct wirq_vm *vm, struct wirq_module *module) {
    struct arena *arena = &vm->arena;
    for (uint32_t i = 0; i < module->element_count; i++)
        arena_free(arena, module->elements[i].items);
    for (uint32_t i = 0; i < module->data_count && !module->in_place; i++)
        arena_free(arena, (void *)(uintptr_t)module->data[i].bytes.bytes);
    while (module->steps != NULL) {
        struct step *step = module->steps;
        module->steps = step->next;
        arena_free(arena, step);
    }
    for (uint32_t i = 0; i < (module->is_code_outside ? BLOCK_CODE : MODULE_BLOCKS); i++)
        arena_free(arena, module->blocks[i]);
    arena_free(arena, module);
}

void wirq_unload(struct wirq_vm *vm, struct wirq_module *module) {
    struct wirq_module **link = &vm->module_list;
    while (*link != NULL && *link != module)
        link = &(*link)->next;
    if (*link == NULL || module->instance_count != 0)
        return;
    *link = module->next;
    module_free(vm, module);
}
