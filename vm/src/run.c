/* run.c: calls from the embedder, and what surrounds running. */
#include "bytes.h"
#include "vm.h"
#include "wirq_port.h"

/* ---- the current instance ---- */

void vm_reload_memory(struct wirq_vm *vm) {
    const struct wirq_instance *instance = vm->registers.instance;
    vm->memory_base = NULL;
    vm->memory_size = 0;
    if (instance->module->memory_count != 0) {
        const struct wirq_memory *memory = instance->memories[vm->registers.memory];
        vm->memory_base = memory->base;
        vm->memory_size = memory->size;
    }
    vm->memory_limit = vm->memory_size < 4 ? 0 : vm->memory_size - 3;
}

void vm_enter_instance(struct wirq_vm *vm, struct wirq_instance *instance) {
    vm->registers.instance = instance;
    vm->globals = instance->globals;
    vm->code = (const uint16_t *const *)instance->module->code;
    vm_reload_memory(vm);
}

/* ---- preparing ---- */

/* A run that interprets nothing but `idle`: of a reactor, and beneath a host function that is called directly. */
static void prepare_idle(struct wirq_vm *vm, struct wirq_instance *instance) {
    vm->registers.ip = code_idle;
    vm->registers.fp = vm_main_stack(vm)->base;
    vm->registers.rs = vm_main_stack(vm)->top;
    vm->registers.a = 0;
    vm->registers.memory = 0;
    vm_enter_instance(vm, instance);
}

static bool prepare_host_call(struct wirq_vm *vm, struct wirq_instance *instance, const struct wirq_host_import *host,
                              const uint32_t *arguments, size_t count) {
    const struct wasm_stack *stack = vm_main_stack(vm);
    size_t room = (size_t)((const uint32_t *)(const void *)stack->top - stack->base);
    if (count > room || vm->call_type->result_cells > room)
        return false;
    vm->call_host = host;
    if (count != 0)
        memcpy(stack->base, arguments, count * sizeof *arguments);
    prepare_idle(vm, instance);
    return true;
}

static void begin(struct wirq_vm *vm, struct wirq_instance *instance) {
    vm->trap_records = NULL;
    vm->uncaught = NULL;
    if (WIRQ_WITH_EXCEPTIONS)
        exception_collect(vm);
    vm->call_instance = instance;
    vm->call_begins = true;
    vm->call_is_start = false;
    vm->stop_requested = false; /* what it meant to stop has ended */
}

/* Only references can be wrong: whoever calls may have made them up. */
static bool arguments_fit(const struct wirq_instance *instance, const struct wirq_functype *type, const uint32_t *cells) {
    bool fit = true;
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        fit = fit && reference_fits(instance, type->types[i], *cells);
        cells += type_cells(type->types[i]);
    }
    return fit;
}

wirq_status wirq_call(struct wirq_instance *instance, uint32_t function, const uint32_t *arguments, size_t count) {
    struct wirq_vm *vm = instance->vm;
    if (vm->mode != VM_IDLE)
        return WIRQ_BUSY;
    if (instance->faulted)
        return WIRQ_FAULTED;
    if (function >= instance->module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    vm->call_type = module_function_type(instance->module, function);
    if (count != vm->call_type->parameter_cells || !arguments_fit(instance, vm->call_type, arguments))
        return WIRQ_ARGUMENT_TYPES;
    struct function_import target;
    link_resolve(instance, function, &target);
    vm->call_host = NULL;
    bool fits = target.host != NULL ? prepare_host_call(vm, instance, target.host, arguments, count)
                                    : interpreter_prepare_call(vm, vm_main_stack(vm)->top, target.instance, target.function, arguments,
                                                               (uint32_t)count, code_exit);
    if (!fits)
        return WIRQ_TRAP_STACK_EXHAUSTED;
    begin(vm, instance);
    vm->mode = VM_CALL;
    return WIRQ_OK;
}

wirq_status wirq_call_start(struct wirq_instance *instance, bool *needed) {
    *needed = !instance->started;
    if (instance->started)
        return WIRQ_OK;
    wirq_status status = wirq_call(instance, (uint32_t)instance->module->start_function, NULL, 0);
    if (status == WIRQ_OK)
        instance->vm->call_is_start = true;
    return status;
}

wirq_status wirq_react(struct wirq_instance *instance) {
    struct wirq_vm *vm = instance->vm;
    if (vm->mode != VM_IDLE)
        return WIRQ_BUSY;
    if (instance->faulted)
        return WIRQ_FAULTED;
    vm->call_host = NULL;
    prepare_idle(vm, instance);
    begin(vm, instance);
    vm->mode = VM_REACTOR;
    return WIRQ_OK;
}

/* ---- running ---- */

/* The call is of a host function itself. While it waits, `idle` runs in its place, so that handlers are delivered. */
static enum wirq_run run_host_call(struct wirq_vm *vm) {
    if (vm->waiting || vm_in_handler(vm)) {
        enum wirq_run run = interpret(vm);
        if (run != WIRQ_RUN_WAITING)
            return run;
    }
    vm->waiting = false;
    wirq_status status = vm->call_host->function(vm, vm_main_stack(vm)->base);
    if (status == WIRQ_WAIT) {
        vm->waiting = true;
        return WIRQ_RUN_WAITING;
    }
    if (status == WIRQ_OK)
        return WIRQ_RUN_DONE;
    if (WIRQ_WITH_EXCEPTIONS && status == WIRQ_THROW) {
        vm->uncaught = exception_find(vm, vm->registers.a);
        status = WIRQ_TRAP_UNCAUGHT_EXCEPTION;
    }
    vm->trap = (struct wirq_trap){
        .status = status, .instance = vm->call_instance, .function = UINT32_MAX, .depth = 0, .source = UINT32_MAX};
    return WIRQ_RUN_TRAPPED;
}

void run_end(struct wirq_vm *vm) {
    interrupt_end_run(vm);
    vm->mode = VM_IDLE;
    vm->level = LEVEL_THREAD;
    vm->wait_state = 0;
    vm->is_open = false;
}

enum wirq_run wirq_run(struct wirq_vm *vm) {
    if (vm->mode == VM_IDLE)
        return WIRQ_RUN_DONE;
    if (vm->call_begins) {
        TRACE(WIRQ_TRACE_RUN, 0);
        interrupt_begin_run(vm);
        vm->call_begins = false;
    }
    enum wirq_run run = vm->call_host != NULL ? run_host_call(vm) : interpret(vm);
    if (run == WIRQ_RUN_DONE || run == WIRQ_RUN_TRAPPED) {
        run_end(vm);
        TRACE(WIRQ_TRACE_END, 0);
    }
    if (run == WIRQ_RUN_DONE && vm->call_is_start) {
        vm->call_instance->started = true;
        wirq_port_request_safe_point(vm); /* for what was raised meanwhile (R7) */
    }
    return run;
}

const uint32_t *wirq_results(const struct wirq_vm *vm) {
    return vm->stacks[LEVEL_THREAD].base;
}

void wirq_stop(struct wirq_vm *vm) {
    vm->stop_requested = true;
    wirq_port_request_safe_point(vm);
}

void wirq_yield_soon(struct wirq_vm *vm) {
    vm->yield_requested = true;
    wirq_port_request_safe_point(vm);
}

/* ---- waiting ---- */

uint64_t wirq_wait_until(struct wirq_vm *vm, uint64_t deadline_us) {
    if (!vm->wait_begun) {
        vm->wait_begun = true;
        vm->wait_deadline = deadline_us;
    }
    return vm->wait_deadline;
}

void wirq_idle(struct wirq_vm *vm, uint64_t limit_us) {
    uint64_t deadline = limit_us;
    if (vm->waiting && vm->wait_begun && vm->wait_deadline < deadline)
        deadline = vm->wait_deadline;
    deadline = interrupt_next_look(vm, deadline); /* R42 */
    uintptr_t before = wirq_port_mask();
    if (!interrupt_due(vm))
        wirq_port_sleep(deadline);
    wirq_port_unmask(before);
}
