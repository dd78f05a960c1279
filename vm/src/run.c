/* run.c: calls from the embedder, and what surrounds running. */
#include "bytes.h"
#include "vm.h"
#include "wirq_port.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline)) /* so that the usual way need not save registers for the others */

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

/* Forgets what earlier calls have left. */
static NOINLINE void clear_remains(struct wirq_vm *vm) {
    vm->stop_requested = false; /* what it meant to stop has ended */
    vm->trap_records = NULL;
    vm->uncaught = NULL;
    vm->registers.a = 0; /* which may name the exception that nobody has caught */
    if (WIRQ_WITH_EXCEPTIONS)
        exception_collect(vm);
    vm->has_remains = vm->exceptions != NULL;
}

static inline wirq_status begin(struct wirq_vm *vm, struct wirq_instance *instance, uint8_t mode) {
    if (UNLIKELY(vm->state != 0))
        clear_remains(vm);
    vm->call_instance = instance;
    vm->mode = mode | VM_BEGINS;
    return WIRQ_OK;
}

/* Copies the arguments to the first cells of the stack. Of these only references can be wrong: whoever calls may have made them up. */
static NOINLINE wirq_status take_arguments(struct wirq_instance *instance, const struct wirq_functype *type,
                                           const uint32_t *arguments, size_t count) {
    uint32_t *to = vm_main_stack(instance->vm)->base;
    if ((uintptr_t)(to + count + WIRQ_STACK_SLACK) > (uintptr_t)(vm_main_stack(instance->vm)->top - 1))
        return WIRQ_TRAP_STACK_EXHAUSTED;
    instance->vm->trap_records = NULL; /* they may lie here */
    memcpy(to, arguments, count * sizeof *arguments);
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (!reference_fits(instance, type->types[i], *to))
            return WIRQ_ARGUMENT_TYPES;
        to += type_cells(type->types[i]);
    }
    return WIRQ_OK;
}

static NOINLINE wirq_status call_host(struct wirq_instance *instance, const struct wirq_functype *type,
                                      const struct wirq_host_import *host) {
    struct wirq_vm *vm = instance->vm;
    const struct wasm_stack *stack = vm_main_stack(vm);
    if (type->result_cells > (size_t)((const uint32_t *)(const void *)stack->top - stack->base))
        return WIRQ_TRAP_STACK_EXHAUSTED;
    vm->call_host = host;
    vm->call_is_host = true;
    prepare_idle(vm, instance);
    return begin(vm, instance, VM_CALL);
}

wirq_status wirq_call(struct wirq_instance *instance, uint32_t function, const uint32_t *arguments, size_t count) {
    struct wirq_vm *vm = instance->vm;
    const uint32_t state = vm->state;
    if (UNLIKELY(state != 0)) {
        if (vm->mode != VM_IDLE)
            return WIRQ_BUSY;
        if (instance->faulted)
            return WIRQ_FAULTED;
    }
    const struct wirq_module *module = instance->module;
    if (function >= module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    const struct wirq_functype *type = module->types[module->function_types[function]];
    if (count != type->parameter_cells)
        return WIRQ_ARGUMENT_TYPES;
    if (count != 0) { /* without arguments it fits: wirq_open has seen to that */
        wirq_status status = take_arguments(instance, type, arguments, count);
        if (status != WIRQ_OK)
            return status;
    }
    const uint16_t *code;
    if (LIKELY(function >= module->imported_functions)) {
        code = module->code[function - module->imported_functions];
        if (UNLIKELY(vm->registers.instance != instance))
            vm_enter_instance(vm, instance);
    } else {
        const struct function_import *import = &instance->functions[function];
        if (import->host != NULL)
            return call_host(instance, type, import->host);
        module = import->instance->module;
        code = module->code[import->function - module->imported_functions];
        vm_enter_instance(vm, import->instance);
    }
    uint32_t *base = vm_main_stack(vm)->base;
    struct record *rs = vm_main_stack(vm)->top - 1;
    rs->ip = code_exit;
    rs->fp = base;
    vm->registers.ip = code;
    vm->registers.fp = base;
    vm->registers.rs = rs;
    if (UNLIKELY(state != 0))
        clear_remains(vm);
    vm->call_instance = instance;
    vm->mode = VM_CALL | VM_BEGINS;
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
    prepare_idle(vm, instance);
    return begin(vm, instance, VM_REACTOR);
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
    vm->call_is_start = false;
    vm->call_is_host = false;
    vm->level = LEVEL_THREAD;
    vm->registers.memory = 0;
    vm->suspended = false;
    vm->wait_state = 0;
    vm->is_open = false;
}

/* A run of which there is more to say than that an ordinary call is done. */
static NOINLINE enum wirq_run end(struct wirq_vm *vm, enum wirq_run run) {
    bool is_start = vm->call_is_start;
    if (run != WIRQ_RUN_DONE && run != WIRQ_RUN_TRAPPED)
        return run;
    run_end(vm);
    TRACE(WIRQ_TRACE_END, 0);
    if (run == WIRQ_RUN_TRAPPED) {
        vm->has_remains = true;
        vm_enter_instance(vm, vm->registers.instance); /* wirq_call relies on it: the current instance is ready for a call */
    }
    if (run == WIRQ_RUN_DONE && is_start) {
        vm->call_instance->started = true;
        wirq_port_request_safe_point(vm); /* for what was raised meanwhile (R7) */
    }
    return run;
}

/* Anything but the first run of an ordinary call. */
static NOINLINE enum wirq_run run(struct wirq_vm *vm) {
    if (vm->mode == VM_IDLE)
        return WIRQ_RUN_DONE;
    if (vm->mode & VM_BEGINS) {
        TRACE_RUN(vm->call_instance);
        interrupt_begin_run(vm);
        vm->mode ^= VM_BEGINS;
    }
    return end(vm, vm->call_is_host ? run_host_call(vm) : interpret(vm));
}

enum wirq_run wirq_run(struct wirq_vm *vm) {
    if (UNLIKELY(vm->state != (VM_CALL | VM_BEGINS) || vm->attention != 0))
        return run(vm);
    TRACE_RUN(vm->call_instance);
    vm->mode = VM_CALL;
    enum wirq_run ran = interpret(vm);
    if (UNLIKELY(ran != WIRQ_RUN_DONE || vm->state != VM_CALL || vm->attention != 0))
        return end(vm, ran);
    vm->mode = VM_IDLE; /* everything else is as it was */
    TRACE(WIRQ_TRACE_END, 0);
    return ran;
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
