/* interrupt_deliver.c: from one level to another and back: which handler is next, entering it, its return, its faults and its budget
 * (docs/reference/interrupts.md sections 7 to 9). Thread only. */
#include "bytes.h"
#include "code.h"
#include "vm.h"
#include "wirq_port.h"

static uint32_t clock_us(void) {
    return (uint32_t)wirq_port_clock_us();
}

/* ---- taking and choosing ---- */

uint32_t interrupt_take(struct source *source) {
    /* First the mark, then the count: a raise in between is in this count, and the mark that it leaves costs one look. */
    source->pending = false;
    uint32_t raised = source->raised;
    uint32_t count = raised - source->taken; /* modulo 2^32 (R19) */
    source->taken = raised;
    return count;
}

/* R42. A clock that has wrapped since costs at most one interval. */
static bool interval_is_over(const struct source *s) {
    uint32_t interval = s->settings.values[SETTING_INTERVAL_US];
    return interval == 0 || s->delivered == 0 || clock_us() - s->delivered_us >= interval;
}

/* The most urgent source (R6) whose handler may be entered now, or NULL: only what is strictly more urgent than what runs (R39).
 * *held: why others were passed over that the level would have let through (R37). */
static struct source *select_due(const struct wirq_vm *vm, uint8_t *held) {
    bool is_quiescent = !vm_in_handler(vm) && (vm->call_begins || vm->mode == VM_REACTOR ||
                                               (vm->waiting && vm->wait_kind != WAIT_DELIVER));
    struct source *due = NULL;
    uint32_t urgency = vm->level;
    uint8_t why = 0;
    struct source *s = vm->sources;
    for (uint32_t left = vm->source_count; left != 0; left--, s++) {
        if (!s->pending)
            continue;
        if (!s->enabled || !s->attached || s->priority >= urgency || s->class_ == WIRQ_CLASS_POLLED)
            continue;
        if (!s->instance->started || s->instance->faulted) /* R7 */
            continue;
        if (s->class_ == WIRQ_CLASS_QUIESCENT && !is_quiescent)
            continue;
        if (s->class_ == WIRQ_CLASS_FORCED && interrupt_masked_by_guest(vm, s)) {
            why |= HELD_BY_GUEST;
            continue;
        }
        if (!interval_is_over(s)) {
            why |= HELD_BY_INTERVAL;
            continue;
        }
        due = s;
        urgency = s->priority;
    }
    *held = why;
    return due;
}

bool interrupt_deliverable(const struct wirq_vm *vm) {
    uint8_t held;
    return select_due(vm, &held) != NULL;
}

uint64_t interrupt_next_look(const struct wirq_vm *vm, uint64_t limit) {
    for (uint32_t i = 0; i < vm->source_count; i++) {
        const struct source *s = &vm->sources[i];
        if (!s->pending || !s->attached || interval_is_over(s))
            continue;
        uint64_t now = wirq_port_clock_us(), end = now + (s->settings.values[SETTING_INTERVAL_US] - ((uint32_t)now - s->delivered_us));
        if (end < limit)
            limit = end;
    }
    return limit;
}

/* ---- levels ---- */

/* Installs or takes out counting stubs as the level that runs now, and what is held back, require (R65). */
static void update_counting(struct wirq_vm *vm) {
    uint8_t counting = vm->counting & COUNTING_INJECTION;
    if (vm->held != 0)
        counting |= COUNTING_HELD;
    if (vm_in_handler(vm)) {
        const struct delivery *d = &vm->deliveries[vm->level];
        if (d->fuel != 0 || vm->sources[d->source].settings.values[SETTING_DEADLINE_US] != 0)
            counting |= COUNTING_BUDGET;
    }
    uint8_t before = vm->counting;
    vm->counting = counting;
    if (counting != 0 && before == 0)
        interpreter_poison_control(vm);
    else if (counting == 0 && before != 0)
        vm->poisoned = true; /* the next safe point restores the entries */
}

/* For `count` raises; the registers of what it interrupts have been saved. Not inlined: copying those takes all short registers. */
static __attribute__((noinline)) void enter_handler(struct wirq_vm *vm, struct source *s, uint32_t count) {
    uint32_t now = clock_us();
    uint32_t latency = now - s->stamp;
    if (latency > s->worst_latency_us)
        s->worst_latency_us = latency;
    s->delivered++;
    s->delivered_us = now;
    vm->block.delivered++;

    const uint32_t *settings = s->settings.values;
    struct delivery *d = &vm->deliveries[s->priority];
    struct wirq_instance *instance = s->instance;
    const uint32_t arguments[3] = {(uint32_t)(s - vm->sources), count, s->context};
    d->instance = instance;
    d->source = (uint8_t)arguments[0];
    d->entered = now;
    d->fuel = settings[SETTING_FUEL] == 0 ? 0 : settings[SETTING_FUEL] + 1;
    d->forbidden = settings[SETTING_FORBIDDEN];
    d->outer = vm->level;
    d->is_open = vm->waiting && vm->wait_kind == WAIT_GUEST;
    if (d->is_open) {
        d->open_depth = interrupt_depth(vm);
    } else if (vm_in_handler(vm)) {
        d->is_open = vm->deliveries[vm->level].is_open;
        d->open_depth = vm->deliveries[vm->level].open_depth;
    }
    d->resume_waiting = vm->waiting;
    d->wait_begun = vm->wait_begun;
    d->wait_kind = vm->wait_kind;
    d->wait_deadline = vm->wait_deadline;
    vm->waiting = false;
    vm->wait_begun = false;
    vm->wait_kind = WAIT_HOST;
    vm->level = s->priority;
    TRACE(WIRQ_TRACE_ENTER, d->source);
    uint32_t *stack_pointer = instance->stack_pointer;
    if (stack_pointer != NULL) { /* R33: below the red zone of the interrupted function */
        d->saved_sp = *stack_pointer;
        uint32_t own = settings[SETTING_SHADOW_STACK];
        *stack_pointer = (own != 0 ? own : d->saved_sp - 128) & ~UINT32_C(15);
    }
    uint32_t *end = vm->stacks[vm->level].base + interrupt_stack_cells(vm, &s->settings);
    /* It fits: neither wirq_open nor attaching allows a smaller one. */
    (void)interpreter_prepare_call(vm, (struct record *)(void *)end, instance, s->function, arguments, 3, code_irq_return);
    if (vm->counting != 0 || vm->held != 0 || d->fuel != 0 || settings[SETTING_DEADLINE_US] != 0)
        update_counting(vm);
    interrupt_publish_level(vm);
}

void interrupt_deliver(struct wirq_vm *vm) {
    struct source *s;
    uint32_t count;
    do {
        uint8_t held;
        s = select_due(vm, &held);
        if (held & HELD_BY_GUEST)
            interrupt_hold(vm);
        else
            vm->held_for = 0;
        vm->held = held;
        if (s == NULL) {
            if ((vm->counting | held) != 0 || vm_in_handler(vm))
                update_counting(vm);
            return;
        }
        count = interrupt_take(s);
    } while (count == 0); /* taken before, by an earlier look at the same raise */
    vm->deliveries[s->priority].interrupted = vm->registers;
    enter_handler(vm, s, count);
}

/* The handler is over: all is as it was when it began, registers too. */
static void leave_handler(struct wirq_vm *vm) {
    const struct delivery *d = &vm->deliveries[vm->level];
    if (d->instance->stack_pointer != NULL)
        *d->instance->stack_pointer = d->saved_sp;
    vm->level = d->outer;
    TRACE(WIRQ_TRACE_LEAVE, d->source);
    vm->waiting = d->resume_waiting;
    vm->wait_begun = d->wait_begun;
    vm->wait_kind = d->wait_kind;
    vm->wait_deadline = d->wait_deadline;
    vm->registers = d->interrupted;
    if (vm_in_handler(vm)) { /* what preempted it is not charged to it, and neither is the operation that comes again */
        struct delivery *outer = &vm->deliveries[vm->level];
        outer->entered += clock_us() - d->entered;
        if (outer->fuel != 0)
            outer->fuel++;
    }
}

/* After a handler: R41, the next one due is entered before the interrupted code goes on. */
static void resume(struct wirq_vm *vm) {
    const uint32_t level = vm->level;
    interrupt_deliver(vm);
    if (vm->level != level)
        return;
    vm_enter_instance(vm, vm->registers.instance);
    interrupt_publish_level(vm);
}

void interrupt_return(struct wirq_vm *vm) {
    leave_handler(vm);
    resume(vm);
}

/* ---- budgets and faults ---- */

/* The guest in whose critical section the running code is has one control operation less for it. */
static bool section_is_too_long(struct wirq_vm *vm) {
    uint32_t most = UINT32_MAX;
    if (!(vm->held & HELD_BY_GUEST) || vm->registers.instance != vm->block.instance)
        return false;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        const struct source *s = &vm->sources[i];
        uint32_t section = s->settings.values[SETTING_SECTION];
        if (s->pending && s->instance == vm->block.instance && section != 0 && section < most)
            most = section;
    }
    if (vm->held_for != UINT16_MAX)
        vm->held_for++;
    return vm->held_for > most;
}

wirq_status interrupt_charge(struct wirq_vm *vm) {
    if (section_is_too_long(vm))
        return WIRQ_TRAP_SECTION;
    if (!(vm->counting & COUNTING_BUDGET))
        return WIRQ_OK;
    struct delivery *d = &vm->deliveries[vm->level];
    if (d->fuel != 0 && --d->fuel == 0)
        return WIRQ_TRAP_BUDGET;
    uint32_t deadline = vm->sources[d->source].settings.values[SETTING_DEADLINE_US];
    bool is_over = deadline != 0 && vm->counted % 8 == 0 && clock_us() - d->entered > deadline;
    return is_over ? WIRQ_TRAP_BUDGET : WIRQ_OK;
}

/* Does any interrupted computation have functions of the instance in progress? */
static bool is_in_progress(const struct wirq_vm *vm, const struct wirq_instance *instance) {
    for (uint32_t level = vm->level; level != LEVEL_THREAD; level = vm->deliveries[level].outer) {
        const struct registers *r = &vm->deliveries[level].interrupted;
        if (r->instance == instance)
            return true;
        if (*r->ip == OPERATION_UNIT(OP_idle) || code_ends_stack(r->ip)) /* no record is left */
            continue;
        for (const struct record *record = r->rs; !code_ends_stack(record->ip); record++) {
            if (*record->ip == OPERATION_UNIT(OP_restore_instance) && (const void *)record->fp == instance)
                return true;
        }
    }
    return vm->call_instance == instance;
}

bool interrupt_handler_faulted(struct wirq_vm *vm) {
    const struct delivery *d = &vm->deliveries[vm->level];
    struct source *s = &vm->sources[d->source];
    bool goes_on = false;
    vm->trap.source = d->source;
    if (vm->trap.status != WIRQ_TRAP_STOPPED) {
        s->faults++;
        vm->block.faults++;
        bool answer = vm->on_fault != NULL && vm->on_fault(vm, &vm->trap);
        if (s->settings.values[SETTING_POLICY] == WIRQ_POLICY_CONTAIN || (s->settings.values[SETTING_POLICY] == WIRQ_POLICY_HOST && answer)) {
            s->enabled = false;
            goes_on = true;
        } else {
            d->instance->faulted = true;
            goes_on = !is_in_progress(vm, d->instance);
        }
    }
    do
        leave_handler(vm);
    while (!goes_on && vm_in_handler(vm));
    if (goes_on) {
        vm->trap_records = NULL;
        resume(vm);
        return true;
    }
    interrupt_publish_level(vm);
    return false;
}
