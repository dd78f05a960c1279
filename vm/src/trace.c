/* trace.c: what is told of runs, calls and memories, in builds for timelines (WIRQ_TRACE). Nothing else of them is in other builds. */
#include "vm.h"

#if WIRQ_TRACE

void trace_run(const struct wirq_instance *instance) {
    TRACE(WIRQ_TRACE_RUN, 0);
    for (uint32_t i = 0; i < instance->module->memory_count; i++)
        TRACE_MEMORY(instance->memories[i]->size, i);
    if (!instance->vm->call_is_host && instance->vm->mode & VM_CALL)
        TRACE_CALL(instance->vm, instance->vm->registers.ip, instance->vm->registers.rs);
}

#endif

#if WIRQ_TRACE >= 2

/* Levels of the stack that is in use: what lies deeper has been left, however that was. */
static uint32_t depth(const struct wirq_vm *vm, const struct record *rs) {
    return (uint32_t)(vm->stacks[vm->level].top - rs);
}

static void tell(const struct wirq_instance *instance, uint32_t function, uint32_t depth) {
    wirq_port_trace(WIRQ_TRACE_CALL, (uint32_t)instance->id << 16 | function, depth);
}

void trace_call(const struct wirq_vm *vm, const uint16_t *code, const struct record *rs) {
    const struct wirq_instance *instance = vm->registers.instance;
    const struct wirq_module *module = instance->module;
    uint32_t low = 0, high = module->function_count - module->imported_functions; /* their code lies in index order */
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (module->code[middle] > code)
            high = middle;
        else
            low = middle;
    }
    tell(instance, low + module->imported_functions, depth(vm, rs));
}

void trace_host_call(const struct wirq_vm *vm, const struct wirq_host_import *host) {
    const struct wirq_instance *instance = vm->registers.instance;
    uint32_t i = 0;
    while (i < instance->module->imported_functions && instance->functions[i].host != host)
        i++;
    if (i < instance->module->imported_functions) /* else it came through a table, from another instance */
        tell(instance, i, depth(vm, vm->registers.rs) + 1);
}

void trace_return(const struct wirq_vm *vm, const struct record *rs) {
    wirq_port_trace(WIRQ_TRACE_RETURN, 0, depth(vm, rs));
}

#endif
