/* interrupt.c: raising, safe points, runs (docs/reference/interrupts.md sections 3, 9, 11; rules are cited as R…).
 *
 * Three contexts meet here. Device ISRs call wirq_raise. One soft interrupt calls wirq_poison. The thread runs the guest, and is
 * the only one that takes raises and changes everything else. Each word of struct source has one writer, but `pending` and `wake`,
 * which an ISR only sets and the thread only clears (R12). */
#include "bytes.h"
#include "vm.h"
#include "wirq_port.h"

/* ---- raising: any ISR ---- */

#if WIRQ_WITH_RINGS
/* R21: the newest record is the one that is lost. */
static inline void push(struct source *s, struct ring *ring, uint32_t argument, uint32_t now) {
    uint32_t head = ring->head;
    if (head - ring->tail > ring->last) {
        s->missed = s->missed + 1;
        return;
    }
    ring->records[head & ring->last] = (struct ring_record){argument, now};
    ring->head = head + 1;
}
#endif

void wirq_raise(struct wirq_vm *vm, uint32_t source, uint32_t argument) {
    if (source >= vm->source_count)
        return;
    struct source *s = &vm->sources[source];
    uint32_t now = (uint32_t)wirq_port_clock_us();
    if (!vm->pending[source]) /* the latency that counts is that of the oldest raise */
        s->stamp = now;
    s->argument = argument;
#if WIRQ_WITH_RINGS
    struct ring *ring = s->ring;
    if (ring != NULL)
        push(s, ring, argument, now); /* R15: before it is counted */
#endif
    s->raised = s->raised + 1;
    s->wake = true;
    vm->pending[source] = true;
    TRACE(WIRQ_TRACE_RAISE, source);
    wirq_port_request_safe_point(vm); /* R14: after the count */
}

void wirq_poison(struct wirq_vm *vm) {
    vm->poisoned = true;
    interpreter_poison_control(vm);
}

/* ---- safe points ---- */

/* The interrupted program's own operations are counted, each once. */
static bool count_injection(struct wirq_vm *vm) {
    if (!(vm->counting & COUNTING_INJECTION) || vm_in_handler(vm) || vm->waiting)
        return false;
    if (vm->inject_skip) {
        vm->inject_skip = false;
        return true;
    }
    vm->inject_count++;
    if (vm->inject_count == vm->inject_at) {
        uintptr_t before = wirq_port_mask(); /* R10 */
        if (vm->inject_source == UINT32_MAX)
            wirq_stop(vm);
        else
            wirq_raise(vm, vm->inject_source, 0);
        wirq_port_unmask(before);
    }
    return true;
}

/* Whether a look is due at this operation of counting stubs: when somebody has asked, and now and then while something is held. Not
 * where a chain of handlers has just been cut: it lasts until the operation is done, which for one that waits is its next answer. */
static bool look_is_due(struct wirq_vm *vm) {
    if (vm->held & HELD_BY_CHAIN) {
        if (!vm->waiting)
            vm->held ^= HELD_BY_CHAIN;
        return false;
    }
    bool was_asked = vm->poisoned;
    vm->poisoned = false; /* R57: before the pending set is read; the entries themselves stay */
    return was_asked || vm->waiting || ((vm->counting & COUNTING_HELD) && vm->counted % WIRQ_WATCH_PERIOD == 0);
}

enum safe_point interrupt_safe_point(struct wirq_vm *vm) {
    bool was_counted = false;
    if (vm->counting == 0) {
        interpreter_unpoison(vm); /* R57: first */
    } else {
        vm->counted++;
#if WIRQ_RECORD
        wirq_port_counted(vm);
#endif
        was_counted = count_injection(vm);
        vm->trap.status = interrupt_charge(vm);
        if (vm->trap.status != WIRQ_OK && !vm->stop_requested)
            return SAFE_POINT_TRAP;
        if (!look_is_due(vm))
            return SAFE_POINT_RESUME;
    }
    if (vm->stop_requested) {
        vm->stop_requested = false;
        return SAFE_POINT_STOP;
    }
    if (vm->block.instance != NULL)
        interrupt_publish(vm);
    uint32_t level = vm->level;
    vm->chained[level] = 0;
    interrupt_deliver(vm);
    if (was_counted && vm->level != level) /* the operation will be dispatched again after the handler */
        vm->inject_skip = true;
    if (!vm->yield_requested)
        return SAFE_POINT_RESUME;
    vm->yield_requested = false;
    vm->suspended = true;
    return SAFE_POINT_YIELD;
}

bool interrupt_due(struct wirq_vm *vm) {
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
        vm->inject_wanted = vm->inject_source == UINT32_MAX; /* a limit is for all runs together */
        vm->counting = COUNTING_INJECTION;
        vm->counted = 0;
        vm->inject_skip = false;
        if (vm->inject_every)
            interpreter_poison_all(vm);
        else
            interpreter_poison_control(vm);
    }
    vm->chained[LEVEL_THREAD] = 0;
    if (vm->poisoned || vm->has_quiescent)
        interrupt_deliver(vm);
}

void interrupt_end_run(struct wirq_vm *vm) {
    vm->held = 0;
    if (vm->counting == 0)
        return;
    vm->counting = 0;
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
    interrupt_close_block(vm);
    vm->block.delivered = vm->block.faults = 0;
    vm->inject_wanted = false;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        struct source *s = &vm->sources[i];
        uintptr_t before = wirq_port_mask(); /* the only place where another context writes what the ISR counts */
        s->raised = s->taken = s->delivered = s->missed = s->worst_latency_us = 0;
        vm->pending[i] = s->wake = false;
        wirq_port_unmask(before);
        s->faults = 0;
        s->number = (uint8_t)i;
        s->enabled = true;
        interrupt_refresh(vm, s);
    }
}
