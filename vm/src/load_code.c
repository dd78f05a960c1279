/* load_code.c: the code section: bodies go to validation and lowering, and what these make gets a place (spec 5.5.13). */
#include "code.h"
#include "load.h"

wirq_status load_begin_code(struct wirq_load *load, struct wirq_reader *r, uint32_t count) {
    struct wirq_module *module = load->module;
    struct arena *arena = &load->vm->arena;
    (void)r;
    if (count != (uint32_t)(module->function_count - module->imported_functions))
        return WIRQ_BAD_COUNT;
    if (count == 0)
        return WIRQ_OK;
    uint8_t *start = arena_open(arena);
    if (start == NULL)
        return WIRQ_NO_MEMORY;
    module->code_start = module->catches = (const uint16_t *)(void *)start;
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
    if (module->code_start == NULL)
        return;
    module->code_end = load->lower.code;
    module->lowered_code_bytes = (uint32_t)(module->code_end - module->code_start) * sizeof *module->code_end;
    arena_close(&load->vm->arena, module->lowered_code_bytes, load->lower.temp_low);
}
