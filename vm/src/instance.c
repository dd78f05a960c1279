/* instance.c: instances: made of a module, given up again (WebAssembly spec 4.5.4). */
#include "bytes.h"
#include "vm.h"

/* ---- one block for all of an instance that has a fixed size ---- */

/* A part of the block: how many items it has, which is a count of the module less another one, and what is told where they are. The
 * lists come before what they name. All counts are at most 65535, so nothing overflows. */
struct part {
    uint8_t count;    /* offset of the count in struct wirq_module */
    uint8_t imported; /* of what is taken off it: then the items are named one by one in the list, from there on. 0: nothing */
    uint8_t size;     /* of an item */
    uint8_t list;     /* offset in struct wirq_instance: the pointer to the items, or that to the list */
};

#define LIST(count, list) \
    {offsetof(struct wirq_module, count), 0, sizeof *((struct wirq_instance *)0)->list, offsetof(struct wirq_instance, list)}
#define OWN(count, imported, type, list)                                                        \
    {offsetof(struct wirq_module, count), offsetof(struct wirq_module, imported), sizeof(type), \
     offsetof(struct wirq_instance, list)}
static const struct part parts[] = {
    /* those that hold pointers come first */
    LIST(imported_functions, functions),
    LIST(imported_globals, imported_globals),
    LIST(memory_count, memories),
    LIST(table_count, tables),
    LIST(tag_count, tags),
    OWN(memory_count, imported_memories, struct wirq_memory, memories),
    OWN(table_count, imported_tables, struct wirq_table, tables),
    OWN(tag_count, imported_tags, struct tag, tags),
    LIST(global_cells, globals),
};

static uint32_t module_count(const struct wirq_module *module, uint32_t offset) {
    return *(const uint16_t *)(const void *)((const uint8_t *)module + offset);
}

/* Stores a pointer, whatever its type is. */
static void put_pointer(uint8_t *to, const uint8_t *pointer) {
    __builtin_memcpy(__builtin_assume_aligned(to, sizeof pointer), &pointer, sizeof pointer);
}

/* The bytes that an instance takes; lays it out in that many, if it is there. */
static uint32_t lay_out(const struct wirq_module *module, struct wirq_instance *instance) {
    uint8_t *block = (uint8_t *)instance, *list;
    uint32_t used = sizeof *instance;
    for (const struct part *part = parts; part != parts + sizeof parts / sizeof parts[0]; part++) {
        uint32_t count = module_count(module, part->count), imported = 0;
        if (part->imported != 0)
            imported = module_count(module, part->imported);
        else if (block != NULL)
            put_pointer(block + part->list, block + used);
        if (part->imported != 0 && block != NULL) {
            __builtin_memcpy(&list, __builtin_assume_aligned(block + part->list, sizeof list), sizeof list);
            for (uint32_t i = imported; i < count; i++)
                put_pointer(list + i * sizeof list, block + used + (i - imported) * part->size);
        }
        used += (count - imported) * part->size;
    }
    if (block != NULL)
        instance->dropped = block + used;
    return used + ((uint32_t)module->element_count + module->data_count + 7) / 8;
}

/* ---- parts of instantiation ---- */

/* Finds an id; the table of instances grows as needed. */
static bool take_id(struct wirq_vm *vm, struct wirq_instance *instance) {
    uint32_t id = 1; /* 0 is nobody's: no reference to a function is WIRQ_NULL_REFERENCE */
    while (id < vm->instance_capacity && vm->instances[id] != NULL)
        id++;
    if (id >= vm->instance_capacity) {
        if (id + 4 > WIRQ_MAX_INSTANCES)
            return false;
        uint32_t size = sizeof *vm->instances;
        struct wirq_instance **longer = arena_extend(&vm->arena, vm->instances, vm->instance_capacity * size, (id + 4) * size);
        if (longer == NULL)
            return false;
        vm->instances = longer;
        vm->instance_capacity = (uint16_t)(id + 4);
    }
    vm->instances[id] = instance;
    instance->id = (uint16_t)id;
    return true;
}

static uint64_t evaluate_step(struct wirq_instance *instance, const struct constant *constant) {
    const uint32_t *from = constant->cells;
    if (constant->kind == CONSTANT_FUNCTION)
        return instance_reference(instance, from[0]);
    if (constant->kind == CONSTANT_GLOBAL)
        from = instance_global(instance, from[0]);
    return type_cells(constant->type) == 2 ? from[0] | (uint64_t)from[1] << 32 : from[0];
}

/* Wrapping at 64 bits has the low 32 right as well. */
static uint64_t operate(uint32_t operation, uint64_t x, uint64_t y) {
    return operation == CONSTANT_ADD ? x + y : operation == CONSTANT_SUB ? x - y : x * y;
}

static uint64_t evaluate_steps(struct wirq_instance *instance, const struct constant *constant) {
    const struct step *step = instance->module->steps;
    uint64_t stack[WIRQ_MAX_CONSTANT_DEPTH];
    uint32_t depth = 0;
    for (uint32_t i = 0; i < constant->cells[0]; i++)
        step = step->next;
    for (uint32_t i = 0; i < constant->cells[1]; i++, step = step->next) {
        if (step->constant.kind == CONSTANT_OPERATION) {
            depth--;
            stack[depth - 1] = operate(step->constant.cells[0], stack[depth - 1], stack[depth]);
        } else {
            stack[depth++] = evaluate_step(instance, &step->constant);
        }
    }
    return stack[0];
}

void instance_evaluate(struct wirq_instance *instance, const struct constant *constant, uint32_t *cells) {
    uint64_t value = constant->kind == CONSTANT_EXPRESSION ? evaluate_steps(instance, constant) : evaluate_step(instance, constant);
    cells[0] = (uint32_t)value;
    if (type_cells(constant->type) == 2)
        cells[1] = (uint32_t)(value >> 32);
}

uint32_t *instance_global(const struct wirq_instance *instance, uint32_t global) {
    const struct wirq_module *module = instance->module;
    if (global < module->imported_globals)
        return instance->imported_globals[global];
    return &instance->globals[module->globals[global].cell];
}

static wirq_status create_own(struct wirq_instance *instance) {
    const struct wirq_module *module = instance->module;
    struct wirq_vm *vm = instance->vm;
    for (uint32_t i = module->imported_tags; i < module->tag_count; i++)
        *instance->tags[i] = (struct tag){instance, (uint16_t)i};
    for (uint32_t i = module->imported_globals; i < module->global_count; i++) {
        const struct global_type *global = &module->globals[i];
        instance_evaluate(instance, &global->init, &instance->globals[global->cell]);
    }
    for (uint32_t i = module->imported_tables; i < module->table_count; i++) {
        if (!table_create(instance, instance->tables[i], &module->tables[i]))
            return WIRQ_NO_MEMORY;
    }
    for (uint32_t i = module->imported_memories; i < module->memory_count; i++) {
        if (!memory_create(vm, instance->memories[i], &module->memories[i]))
            return WIRQ_LINEAR_MEMORY_TOO_LARGE;
    }
    return WIRQ_OK;
}

/* Imported functions are named as what they were resolved to, where that is a function of an instance, so that a reference does
 * not outlive a mere importer. */
uint32_t instance_reference(struct wirq_instance *instance, uint32_t function) {
    struct function_import target;
    link_resolve(instance, function, &target);
    if (target.host != NULL)
        return (uint32_t)instance->id << 16 | function;
    return (uint32_t)target.instance->id << 16 | target.function;
}

/* Segment by segment: the first that is out of bounds ends it, and what earlier ones wrote stays. *is_known: another instance's
 * table names functions of this one now. */
static wirq_status write_segments(struct wirq_instance *instance, bool *is_known) {
    const struct wirq_module *module = instance->module;
    uint32_t offset;
    for (uint32_t i = 0; i < module->element_count; i++) {
        const struct element_segment *segment = &module->elements[i];
        if (segment->offset.kind == CONSTANT_PASSIVE)
            continue;
        table_drop_elements(instance, i);
        if (segment->offset.kind == CONSTANT_DECLARATIVE)
            continue;
        struct wirq_table *table = instance->tables[segment->table];
        instance_evaluate(instance, &segment->offset, &offset);
        if (!in_bounds(offset, segment->count, table->size))
            return WIRQ_TRAP_TABLE;
        for (uint32_t j = 0; j < segment->count; j++)
            table->elements[offset + j] = table_element(instance, segment, j);
        *is_known |= segment->count != 0 && table->owner != instance;
    }
    for (uint32_t i = 0; i < module->data_count; i++) {
        const struct data_segment *segment = &module->data[i];
        if (segment->offset.kind == CONSTANT_PASSIVE)
            continue;
        table_drop_data(instance, i);
        const struct wirq_memory *memory = instance->memories[segment->memory];
        instance_evaluate(instance, &segment->offset, &offset);
        if (!in_bounds(offset, segment->bytes.length, memory->size))
            return WIRQ_TRAP_MEMORY;
        if (segment->bytes.length != 0)
            memcpy(memory->base + offset, segment->bytes.bytes, segment->bytes.length);
    }
    return WIRQ_OK;
}

uint32_t *instance_exported_i32(const struct wirq_instance *instance, const char *name, uint32_t length, bool is_mutable) {
    const struct wirq_module *module = instance->module;
    const struct export *export = module_find_export(module, (const uint8_t *)name, length);
    if (export == NULL || export->kind != WIRQ_GLOBAL)
        return NULL;
    const struct global_type *global = &module->globals[export->index];
    return global->type == WIRQ_I32 && global->is_mutable == is_mutable ? instance_global(instance, export->index) : NULL;
}

/* ---- the life of an instance ---- */

wirq_status wirq_instantiate(struct wirq_vm *vm, struct wirq_module *module, struct wirq_instance **result) {
    static const char stack_pointer[] = "__stack_pointer"; /* where C compilers keep theirs */
    vm->error = (struct wirq_load_error){.status = WIRQ_OK, .function = UINT32_MAX};
    *result = NULL;
    uint32_t size = lay_out(module, NULL);
    struct wirq_instance *instance = arena_allocate(&vm->arena, size);
    wirq_status status = WIRQ_NO_MEMORY;
    vm->error.detail = size;
    if (instance != NULL) {
        (void)lay_out(module, instance);
        instance->vm = vm;
        instance->module = module;
        if (!take_id(vm, instance)) {
            arena_free(&vm->arena, instance);
        } else {
            bool is_known = false;
            module->instance_count++;
            status = link_imports(instance);
            if (status == WIRQ_OK)
                status = create_own(instance);
            if (status == WIRQ_OK)
                status = write_segments(instance, &is_known);
            /* From here on others may find it. */
            instance->next = vm->instance_list;
            vm->instance_list = instance;
            instance->started = module->start_function < 0;
            instance->stack_pointer = instance_exported_i32(instance, stack_pointer, sizeof stack_pointer - 1, true);
            if (status == WIRQ_OK)
                status = interrupt_attach_exports(instance);
            if (status == WIRQ_OK)
                status = interrupt_check_latency(vm); /* of those that were there before, too (R69) */
            /* An instance whose functions a table names must live as long as the table, though nobody gets hold of it. */
            if (status != WIRQ_OK && !is_known)
                wirq_release(vm, instance);
        }
    }
    vm->error.status = status;
    if (status == WIRQ_OK)
        *result = instance;
    return status;
}

wirq_status wirq_register(struct wirq_vm *vm, const char *name, size_t length, struct wirq_instance *instance) {
    for (struct wirq_instance *i = vm->instance_list; i != NULL; i = i->next) {
        if (i->registered.bytes != NULL && names_equal(&i->registered, (const uint8_t *)name, (uint32_t)length))
            i->registered.bytes = NULL;
    }
    instance->registered = (struct wirq_name){(const uint8_t *)name, (uint32_t)length};
    return WIRQ_OK;
}

static void forget_reference(const struct wirq_vm *vm, value_type type, uint32_t *cell, uint32_t id) {
    if (((type_matches(type, WIRQ_FUNCREF) || type & TYPE_INDEXED) && *cell >> 16 == id) ||
        (WIRQ_WITH_EXCEPTIONS && type_matches(type, WIRQ_EXNREF) && exception_find(vm, *cell) == NULL))
        *cell = WIRQ_NULL_REFERENCE;
}

/* No table, global or exception that lives on may name a function of an instance that is gone: its id will be given to another; or an
 * exception whose tag goes with it. */
static void forget_references(const struct wirq_vm *vm, uint32_t id) {
    for (const struct wirq_instance *i = vm->instance_list; i != NULL; i = i->next) {
        const struct wirq_module *module = i->module;
        for (uint32_t t = module->imported_tables; t < module->table_count; t++) {
            const struct wirq_table *table = i->tables[t];
            for (uint32_t e = 0; e < table->size; e++)
                forget_reference(vm, table->type, &table->elements[e], id);
        }
        for (uint32_t g = module->imported_globals; g < module->global_count; g++)
            forget_reference(vm, module->globals[g].type, &i->globals[module->globals[g].cell], id);
    }
    for (struct exception *i = WIRQ_WITH_EXCEPTIONS ? vm->exceptions : NULL; i != NULL; i = i->next) {
        const struct wirq_functype *type = tag_type(i->tag);
        uint32_t *cell = i->cells;
        for (uint32_t p = 0; p < type->parameter_count; p++) {
            forget_reference(vm, type->types[p], cell, id);
            cell += type_cells(type->types[p]);
        }
    }
}

void wirq_release(struct wirq_vm *vm, struct wirq_instance *instance) {
    const struct wirq_module *module = instance->module;
    struct wirq_instance **link = &vm->instance_list;
    while (*link != instance)
        link = &(*link)->next;
    *link = instance->next;
    interrupt_detach_instance(instance);
    for (uint32_t i = module->imported_tables; i < module->table_count; i++)
        arena_free(&vm->arena, instance->tables[i]->elements);
    for (uint32_t i = module->imported_memories; i < module->memory_count; i++)
        arena_free(&vm->arena, instance->memories[i]->base);
    if (WIRQ_WITH_EXCEPTIONS)
        exception_sweep(vm, instance);
    forget_references(vm, instance->id);
    vm->instances[instance->id] = NULL;
    instance->module->instance_count--;
    if (vm->registers.instance == instance)
        vm->registers.instance = NULL;
    vm->trap_records = NULL;
    arena_free(&vm->arena, instance);
}

void instance_release_all(struct wirq_vm *vm) {
    while (vm->instance_list != NULL)
        wirq_release(vm, vm->instance_list);
    arena_free(&vm->arena, vm->instances);
    vm->instances = NULL;
    vm->instance_capacity = 0;
}

/* ---- what an instance shows ---- */

uint32_t wirq_reference(struct wirq_instance *instance, uint32_t function) {
    return function < instance->module->function_count ? instance_reference(instance, function) : WIRQ_NULL_REFERENCE;
}

wirq_status wirq_find_export(const struct wirq_instance *instance, const char *name, size_t length, struct wirq_export *found) {
    const struct export *export = module_find_export(instance->module, (const uint8_t *)name, (uint32_t)length);
    if (export == NULL)
        return WIRQ_UNKNOWN_EXPORT;
    found->kind = export->kind;
    found->index = export->index;
    return WIRQ_OK;
}

wirq_status wirq_export_at(const struct wirq_instance *instance, uint32_t i, struct wirq_export *found, const char **name,
                           size_t *length) {
    if (i >= instance->module->export_count)
        return WIRQ_UNKNOWN_EXPORT;
    const struct export *export = &instance->module->exports[i];
    found->kind = export->kind;
    found->index = export->index;
    *name = (const char *)export->name.bytes;
    *length = export->name.length;
    return WIRQ_OK;
}

const struct wirq_functype *wirq_function_type(const struct wirq_instance *instance, uint32_t function) {
    return module_function_type(instance->module, function);
}

wirq_status wirq_global_get(const struct wirq_instance *instance, uint32_t global, uint16_t *type, uint32_t cells[2]) {
    if (global >= instance->module->global_count)
        return WIRQ_UNKNOWN_GLOBAL;
    *type = instance->module->globals[global].type;
    cells[1] = 0;
    memcpy(cells, instance_global(instance, global), type_cells(*type) * sizeof *cells);
    return WIRQ_OK;
}

uint8_t *wirq_memory_at(const struct wirq_instance *instance, uint32_t memory, uint32_t *size) {
    if (memory >= instance->module->memory_count) {
        *size = 0;
        return NULL;
    }
    *size = instance->memories[memory]->size;
    return instance->memories[memory]->base;
}

uint8_t *wirq_memory(const struct wirq_instance *instance, uint32_t *size) {
    return wirq_memory_at(instance, 0, size);
}

uint8_t *wirq_memory_range(const struct wirq_vm *vm, uint32_t address, uint32_t length) {
    uint32_t size;
    uint8_t *base = vm->registers.instance == NULL ? NULL : wirq_memory(vm->registers.instance, &size);
    return base != NULL && in_bounds(address, length, size) ? base + address : NULL;
}
