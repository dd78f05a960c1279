/* api.c: opening and resetting a VM, its figures. */
#include "bytes.h"
#include "vm.h"

/* A stack must hold the record of the first call, a handler's arguments and the slack. */
#define LEAST_STACK_CELLS (WIRQ_STACK_SLACK + 16)
#define MOST_STACK_CELLS (UINT32_C(1) << 28)

/* Fills unused stack cells, so that it shows how far a stack has been used. */
#define UNUSED_CELL UINT32_C(0x57495251)

static bool make_stack(struct wirq_vm *vm, struct wasm_stack *stack, uint32_t cells) {
    cells = (cells + 1) & ~1u; /* records at the end hold pointers */
    stack->base = arena_allocate_array(&vm->arena, cells, sizeof *stack->base);
    if (stack->base == NULL)
        return false;
    stack->top = (struct record *)(void *)(stack->base + cells);
    return true;
}

static uint32_t stack_cells(const struct wasm_stack *stack) {
    return (uint32_t)((const uint32_t *)(const void *)stack->top - stack->base);
}

static void mark_unused(struct wasm_stack *stack) {
    uint32_t cells = stack_cells(stack);
    for (uint32_t i = 0; i < cells; i++)
        stack->base[i] = UNUSED_CELL;
}

/* Frames have grown up from the base and records down from the top: what is unused lies between, the longest run of marks. */
static uint32_t used_cells(const struct wasm_stack *stack) {
    uint32_t cells = stack_cells(stack), longest = 0, run = 0;
    for (uint32_t i = 0; i < cells; i++) {
        run = stack->base[i] == UNUSED_CELL ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return cells - longest;
}

/* What lies before the first block: the VM. */
static uint32_t before_blocks(const struct wirq_vm *vm) {
    return (uint32_t)(vm->arena.start - (const uint8_t *)vm);
}

struct wirq_vm *wirq_open(const struct wirq_config *config) {
    uint32_t arena_size = config->arena_size > UINT32_MAX ? UINT32_MAX : (uint32_t)config->arena_size;
    uint32_t handler_cells = config->handler_stack_cells;
    if (config->arena == NULL || ((uintptr_t)config->arena & 7) != 0 || arena_size < sizeof(struct wirq_vm) ||
        config->stack_cells < LEAST_STACK_CELLS || config->stack_cells > MOST_STACK_CELLS ||
        (handler_cells != 0 && handler_cells < LEAST_STACK_CELLS) || handler_cells > MOST_STACK_CELLS ||
        config->source_count > WIRQ_MAX_SOURCES || (config->source_count != 0 && config->source_names == NULL))
        return NULL;
    struct wirq_vm *vm = config->arena;
    memset(vm, 0, sizeof *vm);
    vm->arena_size = arena_size;
    arena_init(&vm->arena, vm + 1, arena_size - (uint32_t)sizeof *vm);
    vm->sources = arena_allocate_array(&vm->arena, config->source_count, sizeof *vm->sources);
    if (vm->sources == NULL || !make_stack(vm, vm_main_stack(vm), config->stack_cells))
        return NULL;
    for (uint32_t level = 0; level < WIRQ_LEVELS && handler_cells != 0; level++) {
        if (!make_stack(vm, &vm->stacks[level], handler_cells))
            return NULL;
    }
    vm->own_bytes = before_blocks(vm) + vm->arena.used;
    vm->source_count = config->source_count;
    vm->source_names = config->source_names;
    vm->user = config->user;
    vm->on_fault = config->on_fault;
    vm->costs = config->costs;
    vm->level = LEVEL_THREAD;
    mark_unused(vm_main_stack(vm));
    (void)wirq_provide(vm, interrupt_imports, INTERRUPT_IMPORT_COUNT);
    interrupt_reset(vm);
    interpreter_init(vm);
    return vm;
}

wirq_status wirq_resize_arena(struct wirq_vm *vm, size_t size) {
    struct arena *arena = &vm->arena;
    uint32_t used = (uint32_t)(arena->heap_end - (uint8_t *)vm);
    if (arena->open != NULL || arena->temporary != arena->end)
        return WIRQ_BUSY;
    size &= ~(size_t)7;
    if (size > UINT32_MAX || size < used)
        return WIRQ_NO_MEMORY;
    arena->end = arena->temporary = (uint8_t *)vm + size;
    vm->arena_size = (uint32_t)size;
    return WIRQ_OK;
}

void wirq_reset(struct wirq_vm *vm) {
    wirq_load_abort(vm);
    run_end(vm);
    interrupt_reset(vm);
    instance_release_all(vm);
    while (vm->module_list != NULL)
        wirq_unload(vm, vm->module_list);
    mark_unused(vm_main_stack(vm));
}

void *wirq_user(const struct wirq_vm *vm) {
    return vm->user;
}

struct wirq_instance *wirq_current(const struct wirq_vm *vm) {
    return vm->registers.instance;
}

wirq_status wirq_provide(struct wirq_vm *vm, const struct wirq_host_import *table, size_t count) {
    for (uint32_t i = 0; i < HOST_TABLES && count <= UINT16_MAX; i++) {
        if (vm->host_tables[i] == NULL) {
            vm->host_tables[i] = table;
            vm->host_table_sizes[i] = (uint16_t)count;
            return WIRQ_OK;
        }
    }
    return WIRQ_NO_MEMORY;
}

const struct wirq_load_error *wirq_last_error(const struct wirq_vm *vm) {
    return &vm->error;
}

const struct wirq_trap *wirq_last_trap(const struct wirq_vm *vm) {
    return &vm->trap;
}

void wirq_memory_info(const struct wirq_vm *vm, struct wirq_memory_info *info) {
    uint32_t before = before_blocks(vm);
    info->arena_size = vm->arena_size;
    info->arena_used = before + vm->arena.used + (uint32_t)(vm->arena.end - vm->arena.temporary);
    info->arena_peak = before + vm->arena.peak;
    info->arena_largest_free = arena_largest_free(&vm->arena);
    info->arena_refused = vm->arena.refused;
    info->vm_bytes = vm->own_bytes;
    info->handler_table_bytes = sizeof vm->handlers;
    info->stack_peak_cells = used_cells(&vm->stacks[LEVEL_THREAD]);
}

uint32_t wirq_features(void) {
    return WIRQ_BUILT_FEATURES;
}

uint32_t wirq_levels(void) {
    return WIRQ_LEVELS;
}

uint32_t wirq_operation_count(void) {
    return WIRQ_OPERATIONS;
}
