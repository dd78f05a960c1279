/* load_code.c: the code section: bodies go to validation and lowering, and what these make gets a place (spec 5.5.13).
 *
 * In the arena that is the open block, where each function follows the last one. In memory of the embedder's (wirq_load_code_memory)
 * the open block is where one function is lowered at a time, to be handed out when it is done:
 *
 *     | functions | padding | entry points | the module's fields from `code` on, as they are to be |
 *
 * So whoever finds it again needs the last part only. Distances in code count from themselves, so it does not matter where it was
 * lowered; entry points are addresses, so the memory must be found again where it was. */
#include "bytes.h"
#include "code.h"
#include "load.h"

#if WIRQ_CODE_MEMORY

/* The fields of a module that lowering makes. */
#define LOWERED_FROM offsetof(struct wirq_module, code)
#define LOWERED_SIZE (offsetof(struct wirq_module, steps) - LOWERED_FROM)
_Static_assert(LOWERED_FROM == offsetof(struct wirq_module, blocks[BLOCK_CODE]), "blocks of code are the last ones");

static void *lowered(struct wirq_module *module) {
    return (uint8_t *)module + LOWERED_FROM;
}

wirq_status wirq_load_code_memory(struct wirq_vm *vm, const struct wirq_code_memory *memory) {
    if (vm->load == NULL)
        return WIRQ_BAD_REQUEST;
    vm->load->code_memory = memory;
    return WIRQ_OK;
}

/* Takes the code that lies there already. That it is this module's is the embedder's to know. */
static wirq_status use_code(struct wirq_load *load) {
    struct wirq_module *module = load->module;
    const struct wirq_code_memory *memory = load->code_memory;
    if (memory->size < LOWERED_SIZE)
        return WIRQ_BAD_REQUEST;
    const uint8_t *fields = memory->base + memory->size - LOWERED_SIZE;
    arena_free(&load->vm->arena, module->code);
    module->is_code_outside = true;
    memcpy(lowered(module), fields, LOWERED_SIZE);
    load->step = load_skip;
    return (const uint8_t *)module->code_start == memory->base ? WIRQ_OK : WIRQ_BAD_REQUEST;
}

/* Hands out the function that has just been lowered. */
static void put_function(struct wirq_load *load) {
    struct lower *lower = &load->lower;
    const struct wirq_code_memory *memory = load->code_memory;
    uint32_t bytes = (uint32_t)((uint8_t *)lower->code - (uint8_t *)lower->start);
    lower->code = lower->start;
    if (bytes > load->largest_function)
        load->largest_function = bytes;
    memory->append(memory->user, lower->start, bytes);
}

/* Hands out what goes behind the functions. */
static void put_rest(struct wirq_load *load) {
    struct wirq_module *module = load->module;
    struct arena *arena = &load->vm->arena;
    const struct wirq_code_memory *memory = load->code_memory;
    const uint16_t **entries = module->code;
    uintptr_t end = (uintptr_t)module->code_end;
    uint32_t padding = (uint32_t)-end & (sizeof *entries - 1);
    uint32_t count = module->function_count - module->imported_functions;
    arena_close(arena, load->largest_function, load->lower.temp_low);
    arena_free(arena, load->lower.code);
    module->is_code_outside = true;
    module->code = (const uint16_t **)(end + padding);
    memory->append(memory->user, entries, padding); /* of anything */
    memory->append(memory->user, entries, count * (uint32_t)sizeof *entries);
    memory->append(memory->user, lowered(module), LOWERED_SIZE);
    arena_free(arena, entries);
}

#else

wirq_status wirq_load_code_memory(struct wirq_vm *vm, const struct wirq_code_memory *memory) {
    (void)vm, (void)memory;
    return WIRQ_NOT_SUPPORTED;
}

#endif

wirq_status load_begin_code(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    struct arena *arena = &load->vm->arena;
    (void)r;
    if (count != (uint32_t)(module->function_count - module->imported_functions))
        return WIRQ_BAD_COUNT;
    if (count == 0)
        return WIRQ_OK;
#if WIRQ_CODE_MEMORY
    if (load->code_memory != NULL && load->code_memory->size != 0)
        return use_code(load);
#endif
    uint8_t *start = arena_open(arena);
    if (start == NULL)
        return WIRQ_NO_MEMORY;
    module->code_start = (const uint16_t *)(void *)start;
#if WIRQ_CODE_MEMORY
    if (load->code_memory != NULL)
        module->code_start = (const uint16_t *)(const void *)load->code_memory->base;
#endif
    module->code_end = module->code_start;
    load->lower.module = module;
    load->lower.code = (uint16_t *)(void *)start;
    load->lower.temp_top = load->lower.temp_low = arena->temporary;
    load->function_in_code = module->imported_functions;
    return WIRQ_OK;
}

/* Instructions, as many as the window has: the one loop that every byte of code goes through. */
static wirq_status step_instructions(struct wirq_load *load, struct wirq_reader *r) {
    struct lower *lower = &load->lower;
    const uint8_t *whole; /* the end of the last whole item */
    wirq_status status;
    do {
        whole = r->p;
        status = lower_item(lower, r);
    } while (status == WIRQ_OK && !lower_done(lower));
    if (status == WIRQ_NEED_MORE && whole != load->window) {
        r->p = whole;
        return WIRQ_OK;
    }
    if (status != WIRQ_OK) {
        load->detail = lower->detail;
        return status;
    }
    if (load_rest(load, r) != 0)
        return WIRQ_BAD_SECTION; /* the body goes on after its last end */
    load->limit = load->section_end;
    code_scale(lower->start, lower->code);
    interrupt_measure(load->module, lower->start, lower->code);
    load->module->code_end += lower->code - lower->start;
#if WIRQ_CODE_MEMORY
    if (load->code_memory != NULL)
        put_function(load);
#endif
    load->function_in_code++;
    return load_next_item(load);
}

wirq_status load_body(struct wirq_load *load, struct wirq_reader *r) {
    uint32_t size = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (size > load_rest(load, r))
        return WIRQ_TRUNCATED;
    load->limit = load_position(load, r) + size;
    load->module->wasm_code_bytes += size;
    load->step = step_instructions;
    wirq_status status = lower_begin(&load->lower, load->function_in_code, size);
    load->detail = load->lower.detail;
    return status;
}

void load_end_code(struct wirq_load *load) {
    struct wirq_module *module = load->module;
    load->function_in_code = UINT32_MAX;
    if (module->code_start == NULL || module->is_code_outside)
        return;
#if WIRQ_CODE_MEMORY
    if (load->code_memory != NULL) {
        put_rest(load);
        return;
    }
#endif
    arena_close(&load->vm->arena, module_code_bytes(module), load->lower.temp_low);
}
