/* memory.c: linear memories and tables in the arena (WebAssembly spec 4.2.7, 4.2.8). */
#include "bytes.h"
#include "vm.h"

/* Bytes of a number of pages; false if 32 bits do not hold them. */
static bool page_bytes(uint32_t pages, uint32_t shift, uint32_t *bytes) {
    *bytes = pages << shift;
    return *bytes >> shift == pages;
}

bool memory_create(struct wirq_vm *vm, struct wirq_memory *memory, const struct limits *limits) {
    memory->limits = *limits;
    if (!page_bytes(limits->minimum, limits->page_shift, &memory->size)) {
        vm->error.detail = UINT32_MAX;
        return false;
    }
    vm->error.detail = memory->size;
    memory->base = arena_allocate(&vm->arena, memory->size);
    return memory->base != NULL;
}

wirq_status wirq_provide_memory(struct wirq_vm *vm, const char *module, const char *name, void *base, uint32_t size,
                                uint32_t page_size) {
    uint32_t shift = page_size == 1 ? 0 : 16;
    if (page_size != UINT32_C(1) << shift || (size & (page_size - 1)) != 0)
        return WIRQ_BAD_LIMITS;
    if (((uintptr_t)base & 7) != 0)
        return WIRQ_BAD_REQUEST;
    struct provided_memory *provided = arena_allocate(&vm->arena, sizeof *provided);
    if (provided == NULL)
        return WIRQ_NO_MEMORY;
    uint32_t pages = size >> shift;
    *provided = (struct provided_memory){
        .memory = {base, size, {.minimum = pages, .maximum = pages, .has_maximum = true, .page_shift = (uint8_t)shift}},
        .module = module,
        .name = name,
        .next = vm->provided_memories,
    };
    vm->provided_memories = provided;
    return WIRQ_OK;
}

/* Elements from one on. */
static void fill(struct wirq_table *table, uint32_t from, uint32_t value) {
    for (uint32_t i = from; i < table->size; i++)
        table->elements[i] = value;
}

bool table_create(struct wirq_instance *owner, struct wirq_table *table, const struct table_type *type) {
    struct wirq_vm *vm = owner->vm;
    uint32_t value;
    table->limits = type->limits;
    table->type = type->type;
    table->owner = owner;
    table->size = type->limits.minimum;
    table->elements = arena_allocate_array(&vm->arena, table->size, sizeof *table->elements);
    if (table->elements == NULL) {
        vm->error.detail = table->size > UINT32_MAX / 4 ? UINT32_MAX : table->size * 4;
        return false;
    }
    instance_evaluate(owner, &type->init, &value);
    fill(table, 0, value);
    return true;
}

uint32_t table_grow(struct wirq_vm *vm, struct wirq_table *table, uint32_t delta, uint32_t value) {
    uint32_t old = table->size, size = old + delta;
    if (delta > table->limits.maximum - old || size > UINT32_MAX / sizeof value)
        return UINT32_MAX;
    if (delta != 0 && !arena_resize(&vm->arena, table->elements, size * (uint32_t)sizeof value)) {
        uint32_t *elements = arena_extend(&vm->arena, table->elements, old * (uint32_t)sizeof value, size * (uint32_t)sizeof value);
        if (elements == NULL)
            return UINT32_MAX;
        table->elements = elements;
    }
    table->size = size;
    fill(table, old, value);
    return old;
}

uint32_t memory_grow(struct wirq_vm *vm, struct wirq_memory *memory, uint32_t delta) {
    uint32_t shift = memory->limits.page_shift, size = memory->size, bytes;
    uint32_t pages = size >> shift;
    if (delta > memory->limits.maximum - pages || !page_bytes(pages + delta, shift, &bytes))
        return UINT32_MAX;
    if (delta == 0)
        return pages;
    if (arena_resize(&vm->arena, memory->base, bytes)) {
        memset(memory->base + size, 0, bytes - size);
    } else {
        uint8_t *base = arena_extend(&vm->arena, memory->base, size, bytes);
        if (base == NULL)
            return UINT32_MAX;
        memory->base = base;
    }
    memory->size = bytes;
    return pages;
}
