/* inprocess.c: the VM as a library for firmware_host/inprocess/library.py: numbers and bytes in, numbers and bytes out, so that the
 * layout of the VM's structures is known to this file alone. One thread at a time, but inprocess_stop. */
#include <string.h>

#include "injection.h"
#include "wirq.h"
#include "wirq_port.h"

/* ---- the port: no context but this one. Its clock and its sleep are in virtual_board.c ---- */

uintptr_t wirq_port_mask(void) {
    return 0;
}

void wirq_port_unmask(uintptr_t before) {
    (void)before;
}

void wirq_port_request_safe_point(struct wirq_vm *vm) {
    injection_raised(vm);
    wirq_poison(vm);
}

/* ---- what library.py declares ---- */

struct wirq_vm *inprocess_open(void *arena, size_t size, uint32_t stack_cells);
wirq_status inprocess_load(struct wirq_vm *vm, const uint8_t *bytes, size_t size, int32_t piece, struct wirq_module **module);
wirq_status inprocess_start(struct wirq_vm *vm, struct wirq_instance *instance);
wirq_status inprocess_call(struct wirq_vm *vm, struct wirq_instance *instance, const char *name, size_t length,
                           const uint32_t *cells, size_t count, uint32_t *results, uint32_t *result_count);
wirq_status inprocess_global(struct wirq_instance *instance, const char *name, size_t length, uint32_t *type, uint32_t *cells);
void inprocess_failure(struct wirq_vm *vm, uint32_t fields[3]);
void inprocess_trap(struct wirq_vm *vm, uint32_t fields[3]);
uint32_t inprocess_used(struct wirq_vm *vm);
uint32_t inprocess_refused(struct wirq_vm *vm);

struct wirq_vm *inprocess_open(void *arena, size_t size, uint32_t stack_cells) {
    struct wirq_config config = {.arena = arena, .arena_size = size, .stack_cells = stack_cells};
    return wirq_open(&config);
}

/* piece > 0: so many bytes at a time, copied; < 0: 1 to 64 bytes, by chance from this seed, copied; 0: whole and in place. */
wirq_status inprocess_load(struct wirq_vm *vm, const uint8_t *bytes, size_t size, int32_t piece, struct wirq_module **module) {
    uint32_t chance = (uint32_t)piece;
    if (piece == 0)
        return wirq_load(vm, bytes, size, module);
    wirq_status status = wirq_load_begin(vm, NULL);
    for (size_t done = 0; status == WIRQ_OK && done < size;) {
        size_t next = (size_t)piece;
        if (piece < 0) {
            chance = chance * UINT32_C(1664525) + UINT32_C(1013904223);
            next = 1 + (chance >> 26);
        }
        if (next > size - done)
            next = size - done;
        uint8_t copy[64]; /* what was fed may be gone after the call, so it is */
        if (next <= sizeof copy) {
            memcpy(copy, bytes + done, next);
            status = wirq_load_feed(vm, copy, next);
            memset(copy, 0xA5, sizeof copy);
        } else {
            status = wirq_load_feed(vm, bytes + done, next);
        }
        done += next;
    }
    return status == WIRQ_OK ? wirq_load_end(vm, module) : status;
}

static wirq_status run(struct wirq_vm *vm) {
    for (;;) {
        switch (wirq_run(vm)) {
        case WIRQ_RUN_DONE:
            return WIRQ_OK;
        case WIRQ_RUN_TRAPPED:
            return wirq_last_trap(vm)->status;
        case WIRQ_RUN_WAITING:
            wirq_idle(vm, UINT64_MAX);
            break;
        case WIRQ_RUN_SUSPENDED:
            break;
        }
    }
}

wirq_status inprocess_start(struct wirq_vm *vm, struct wirq_instance *instance) {
    bool needed;
    wirq_status status = wirq_call_start(instance, &needed);
    return status == WIRQ_OK && needed ? run(vm) : status;
}

/* *result_count: room in results, then how many there are. */
wirq_status inprocess_call(struct wirq_vm *vm, struct wirq_instance *instance, const char *name, size_t length,
                           const uint32_t *cells, size_t count, uint32_t *results, uint32_t *result_count) {
    struct wirq_export found;
    wirq_status status = wirq_find_export(instance, name, length, &found);
    if (status == WIRQ_OK && found.kind != WIRQ_FUNCTION)
        status = WIRQ_UNKNOWN_EXPORT;
    if (status == WIRQ_OK)
        status = wirq_call(instance, found.index, cells, count);
    if (status == WIRQ_OK)
        status = run(vm);
    if (status != WIRQ_OK)
        return status;
    uint32_t room = *result_count;
    *result_count = wirq_function_type(instance, found.index)->result_cells;
    if (*result_count > room)
        return WIRQ_NO_MEMORY;
    memcpy(results, wirq_results(vm), *result_count * sizeof *results);
    return WIRQ_OK;
}

wirq_status inprocess_global(struct wirq_instance *instance, const char *name, size_t length, uint32_t *type, uint32_t *cells) {
    struct wirq_export found;
    uint16_t value_type;
    wirq_status status = wirq_find_export(instance, name, length, &found);
    if (status == WIRQ_OK && found.kind != WIRQ_GLOBAL)
        status = WIRQ_UNKNOWN_EXPORT;
    if (status == WIRQ_OK)
        status = wirq_global_get(instance, found.index, &value_type, cells);
    if (status == WIRQ_OK)
        *type = value_type;
    return status;
}

/* Of the last refusal: byte of the module, function, detail. */
void inprocess_failure(struct wirq_vm *vm, uint32_t fields[3]) {
    const struct wirq_load_error *error = wirq_last_error(vm);
    fields[0] = error->offset;
    fields[1] = error->function;
    fields[2] = error->detail;
}

/* Of the last trap: byte of the function's lowered code, function, depth. */
void inprocess_trap(struct wirq_vm *vm, uint32_t fields[3]) {
    const struct wirq_trap *trap = wirq_last_trap(vm);
    fields[0] = trap->code_offset;
    fields[1] = trap->function;
    fields[2] = trap->depth;
}

uint32_t inprocess_used(struct wirq_vm *vm) {
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    return info.arena_used;
}

uint32_t inprocess_refused(struct wirq_vm *vm) {
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    return info.arena_refused;
}
