/* interrupt.c: from a raise to the handler and back (docs/reference/interrupts.md sections 3, 7, 8; rules are cited as R…).
 *
 * Three contexts meet here. Device ISRs call wirq_raise. One soft interrupt calls wirq_poison. The thread runs the guest, and is
 * the only one that takes raises and changes everything else. Each word of struct source has one writer, but `pending` and `wake`,
 * which an ISR only sets and the thread only clears (R12). */
#include "bytes.h"
#include "vm.h"
#include "wirq_port.h"

/* The one interrupt level of stage 1 is 0; the guest's ordinary execution is level K = 1. */

/* ---- raising: any ISR ---- */

void wirq_raise(struct wirq_vm *vm, uint32_t source, uint32_t argument) {
    if (source >= vm->source_count)
        return;
    struct source *s = &vm->sources[source];
    if (!s->pending) /* the latency that counts is that of the oldest raise */
        s->stamp = (uint32_t)wirq_port_clock_us();
    s->argument = argument;
    s->raised = s->raised + 1;
    s->wake = true;
    s->pending = true;
    wirq_port_request_safe_point(vm); /* R14: after the count */
}

void wirq_poison(struct wirq_vm *vm) {
    interpreter_poison_control(vm);
}

/* ---- taking and choosing: the thread ---- */

uint32_t interrupt_take(struct source *source) {
    /* First the mark, then the count: a raise in between is in this count, and the mark that it leaves costs one look. */
    source->pending = false;
    uint32_t raised = source->raised;
    uint32_t count = raised - source->taken; /* modulo 2^32 (R19) */
    source->taken = raised;
    return count;
}

/* The first source in order (R6) whose handler may be entered now, or NULL. *held: depth or threshold held one back. */
static struct source *select_due(const struct wirq_vm *vm, bool *held) {
    bool is_quiescent = vm->call_begins || vm->mode == VM_REACTOR || (vm->waiting && vm->wait_kind != WAIT_DELIVER);
    bool is_open = vm->waiting && vm->wait_kind == WAIT_GUEST; /* R50 */
    *held = false;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        struct source *s = &vm->sources[i];
        if (!s->pending || !s->enabled || !s->attached || s->class_ == WIRQ_CLASS_POLLED)
            continue;
        if (!s->instance->started || s->instance->faulted) /* R7 */
            continue;
        if (s->class_ == WIRQ_CLASS_QUIESCENT && !is_quiescent)
            continue;
        if (s->class_ == WIRQ_CLASS_FORCED && !is_open && interrupt_masked_by_guest(vm)) {
            *held = true;
            continue;
        }
        return s;
    }
    return NULL;
}

bool interrupt_deliverable(const struct wirq_vm *vm) {
    bool held;
    return !vm->in_handler && select_due(vm, &held) != NULL;
}

/* ---- entering a handler and coming back ---- */

/* Sets up registers and shadow stack for the next due handler, if there is one. The interrupted state is in vm->delivery. */
static bool enter_next(struct wirq_vm *vm) {
    struct delivery *delivery = &vm->delivery;
    for (;;) {
        bool held;
        struct source *s = select_due(vm, &held);
        vm->block.held = held;
        if (held)
            interrupt_hold(vm);
        if (s == NULL)
            return false;
        uint32_t latency = (uint32_t)wirq_port_clock_us() - s->stamp;
        uint32_t arguments[3] = {(uint32_t)(s - vm->sources), interrupt_take(s), s->context};
        if (arguments[1] == 0)
            continue; /* taken before, by an earlier look at the same raise */
        if (latency > s->worst_latency_us)
            s->worst_latency_us = latency;
        s->delivered++;
        vm->block.delivered++;
        vm->in_handler = true;
        vm->waiting = false;
        vm->wait_begun = false;
        vm->wait_kind = WAIT_HOST;
        delivery->source = arguments[0];
        delivery->instance = s->instance;
        if (s->instance->stack_pointer != NULL) { /* R33: below the red zone of the interrupted function */
            delivery->saved_sp = *s->instance->stack_pointer;
            *s->instance->stack_pointer = (delivery->saved_sp - 128) & ~UINT32_C(15);
        }
        /* It fits: wirq_open allows no smaller handler stack. */
        (void)interpreter_prepare_call(vm, &vm->handler_stack, s->instance, s->function, arguments, 3, code_irq_return);
        interrupt_publish_level(vm);
        return true;
    }
}

void interrupt_deliver(struct wirq_vm *vm) {
    if (vm->in_handler) /* equal priority never nests (R39); OP_irq_return looks again */
        return;
    struct delivery *delivery = &vm->delivery;
    delivery->interrupted = vm->registers;
    delivery->resume_waiting = vm->waiting;
    delivery->wait_begun = vm->wait_begun;
    delivery->wait_kind = vm->wait_kind;
    delivery->wait_deadline = vm->wait_deadline;
    (void)enter_next(vm);
}

/* The handler is over: what is not part of the registers is as it was when it began. */
static void leave_handler(struct wirq_vm *vm) {
    const struct delivery *delivery = &vm->delivery;
    if (delivery->instance->stack_pointer != NULL)
        *delivery->instance->stack_pointer = delivery->saved_sp;
    vm->in_handler = false;
    vm->waiting = delivery->resume_waiting;
    vm->wait_begun = delivery->wait_begun;
    vm->wait_kind = delivery->wait_kind;
    vm->wait_deadline = delivery->wait_deadline;
}

void interrupt_return(struct wirq_vm *vm) {
    leave_handler(vm);
    if (enter_next(vm)) /* R41: tail-chained; the interrupted state stays where it is */
        return;
    vm->registers = vm->delivery.interrupted;
    vm_enter_instance(vm, vm->registers.instance);
    interrupt_publish_level(vm);
}

void interrupt_handler_trapped(struct wirq_vm *vm) {
    leave_handler(vm);
    vm->trap.source = vm->delivery.source;
    if (vm->trap.status != WIRQ_TRAP_STOPPED) { /* R44, policy fatal */
        vm->delivery.instance->faulted = true;
        vm->block.faults++;
    }
    interrupt_publish_level(vm);
}

/* ---- safe points ---- */

/* Counting stubs (R65): the interrupted program's own operations are counted, each once. */
static bool count_injection(struct wirq_vm *vm) {
    if (!vm->inject_armed || vm->in_handler || vm->waiting)
        return false;
    if (vm->inject_skip) {
        vm->inject_skip = false;
        return true;
    }
    vm->inject_count++;
    if (vm->inject_count == vm->inject_at) {
        uintptr_t before = wirq_port_mask(); /* R10 */
        wirq_raise(vm, vm->inject_source, 0);
        wirq_port_unmask(before);
    }
    return true;
}

enum safe_point interrupt_safe_point(struct wirq_vm *vm) {
    interpreter_unpoison(vm); /* R57: first */
    bool was_counted = count_injection(vm);
    if (vm->stop_requested) {
        vm->stop_requested = false;
        return SAFE_POINT_STOP;
    }
    interrupt_publish(vm);
    bool was_in_handler = vm->in_handler;
    interrupt_deliver(vm);
    bool yields = vm->yield_requested;
    if (yields) /* else one that comes just now would be lost */
        vm->yield_requested = false;
    /* The operation will be dispatched again: after the handler, or when the run goes on. */
    if (was_counted && (yields || vm->in_handler != was_in_handler))
        vm->inject_skip = true;
    return yields ? SAFE_POINT_YIELD : SAFE_POINT_RESUME;
}

bool interrupt_due(const struct wirq_vm *vm) {
    if (vm->stop_requested || vm->yield_requested)
        return true;
    if (vm->waiting && vm->wait_kind == WAIT_GUEST) {
        for (uint32_t i = 0; i < vm->source_count; i++) {
            if (vm->sources[i].wake)
                return true;
        }
    }
    return interrupt_deliverable(vm);
}

/* ---- runs ---- */

void interrupt_begin_run(struct wirq_vm *vm) {
    if (vm->inject_wanted) {
        vm->inject_wanted = false;
        vm->inject_armed = true;
        vm->inject_skip = false;
        if (vm->inject_every)
            interpreter_poison_all(vm);
        else
            interpreter_poison_control(vm);
    }
    if (vm->poisoned || vm->has_quiescent)
        interrupt_deliver(vm);
}

void interrupt_end_run(struct wirq_vm *vm) {
    if (!vm->inject_armed)
        return;
    vm->inject_armed = false;
    interpreter_init(vm);
    wirq_port_request_safe_point(vm); /* the table may have been poisoned while it was filled in */
}

void wirq_inject(struct wirq_vm *vm, uint32_t source, uint32_t n, bool every) {
    vm->inject_wanted = true;
    vm->inject_source = source;
    vm->inject_at = n;
    vm->inject_every = every;
    vm->inject_count = 0;
}

uint32_t wirq_injection_count(const struct wirq_vm *vm) {
    return vm->inject_count;
}

void interrupt_reset(struct wirq_vm *vm) {
    memset(&vm->block, 0, sizeof vm->block);
    vm->inject_wanted = false;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        struct source *s = &vm->sources[i];
        uintptr_t before = wirq_port_mask(); /* the only place where another context writes what the ISR counts */
        s->raised = s->taken = s->delivered = s->worst_latency_us = 0;
        s->pending = s->wake = false;
        wirq_port_unmask(before);
        s->enabled = true;
    }
}
