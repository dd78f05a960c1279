/* interrupt_deliver.c: from one level to another and back: which handler is next, entering it, its return, its faults and its budget
 * (docs/reference/interrupts.md sections 7 to 9). Thread only. */
#include "bytes.h"
#include "code.h"
#include "numeric.h"
#include "vm.h"
#include "wirq_port.h"

static uint32_t clock_us(void) {
    return (uint32_t)wirq_port_clock_us();
}

/* ---- taking and choosing ---- */

uint32_t interrupt_take(struct wirq_vm *vm, struct source *source) {
    /* First the mark, then the count: a raise in between is in this count, and the mark that it leaves costs one look. */
    vm->pending[source->number] = false;
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

/* Whether it is the moment for a source of class Q, at which no guest frame is mid-flight, and for the source's interval. */
static bool is_moment(struct wirq_vm *vm, const struct source *s) {
    if (s->class_ == WIRQ_CLASS_QUIESCENT &&
        (vm_in_handler(vm) || !((vm->mode & (VM_BEGINS | VM_REACTOR)) != 0 || (vm->waiting && vm->wait_kind != WAIT_DELIVER)))) {
        vm->passed_over = true;
        return false;
    }
    if (interval_is_over(s))
        return true;
    vm->held |= HELD_BY_INTERVAL;
    return false;
}

/* The most urgent source (R6) whose handler may be entered now, or NULL: only what is strictly more urgent than what runs (R39).
 * Notes in vm->held and vm->passed_over why others were not (R37). */
static struct source *select_due(struct wirq_vm *vm) {
    struct source *due = NULL;
    uint32_t urgency = vm->level, first = 0;
    vm->looked = 0;
    do {
        for (uint32_t marks = vm->pending_words[first / 4]; marks != 0; marks &= marks - 1) { /* of four sources, 1 each */
            struct source *s = &vm->sources[first + wirq_ctz32(marks) / 8];
            if (s->urgency >= urgency) {
                if (s->urgency != NEVER_URGENT)
                    vm->passed_over = true;
                continue;
            }
            if (s->instance->state != INSTANCE_RUNS) /* R7 */
                continue;
            if (s->instance == vm->block.instance && s->class_ == WIRQ_CLASS_FORCED && interrupt_masked_by_guest(vm, s)) {
                vm->held |= HELD_BY_GUEST;
                interrupt_hold(vm);
                continue;
            }
            if (s->special && !is_moment(vm, s))
                continue;
            if (due != NULL)
                vm->passed_over = true;
            due = s;
            urgency = s->urgency;
        }
        first += 4;
    } while (first < vm->source_count);
    return due;
}

bool interrupt_deliverable(struct wirq_vm *vm) {
    return select_due(vm) != NULL;
}

uint64_t interrupt_next_look(const struct wirq_vm *vm, uint64_t limit) {
    uint64_t now = wirq_port_clock_us();
    for (uint32_t i = 0; i < vm->source_count; i++) {
        const struct source *s = &vm->sources[i];
        uint32_t passed = (uint32_t)now - s->delivered_us, interval = s->settings.values[SETTING_INTERVAL_US];
        if (vm->pending[i] && s->attached && s->delivered != 0 && passed < interval && now + (interval - passed) < limit)
            limit = now + (interval - passed);
    }
    return limit;
}

/* ---- levels ---- */

/* Installs or takes out counting stubs as the level that runs now, and what is held back, require (R65). */
static void update_counting(struct wirq_vm *vm) {
    uint8_t counting = vm->counting & COUNTING_INJECTION;
    if (vm->held != 0)
        counting |= COUNTING_HELD;
    if (!(vm->held & HELD_BY_GUEST))
        vm->held_for = 0;
    if (vm_in_handler(vm) && vm->deliveries[vm->level].limits != 0)
        counting |= COUNTING_BUDGET;
    uint8_t before = vm->counting;
    vm->counting = counting;
    if (counting != 0 && before == 0) {
        vm->counted = 0;
        interpreter_poison_control(vm);
    } else if (counting == 0 && before != 0)
        vm->poisoned = true; /* the next safe point restores the entries */
}

/* gcc copies several at once. clang does so in pairs, which is two instructions each and no more registers than two, if it is told. */
static inline __attribute__((always_inline)) void copy_registers(struct registers *to, const struct registers *from) {
#ifndef __clang__
    *to = *from;
#else
    to->ip = from->ip, to->fp = from->fp;
    __asm__ volatile("" ::: "memory");
    to->rs = from->rs, to->instance = from->instance;
    __asm__ volatile("" ::: "memory");
    to->a = from->a, to->memory = from->memory;
#endif
}

/* What few handlers have. */
static void apply_settings(struct delivery *d, const struct source *s, uint32_t *stack_pointer) {
    const uint32_t *settings = s->settings.values;
    d->forbidden = settings[SETTING_FORBIDDEN];
    d->fuel = settings[SETTING_FUEL];
    d->limits = (d->fuel != 0 ? LIMIT_FUEL : 0) | (settings[SETTING_DEADLINE_US] != 0 ? LIMIT_DEADLINE : 0);
    if (settings[SETTING_SHADOW_STACK] != 0 && stack_pointer != NULL)
        *stack_pointer = settings[SETTING_SHADOW_STACK] & ~UINT32_C(15);
}

/* Makes another instance the current one, unless it is, with its first memory: most handlers interrupt their own guest. */
static inline __attribute__((always_inline)) void change_instance(struct wirq_vm *vm, const struct wirq_instance *before,
                                                                  uint32_t memories, struct wirq_instance *now) {
    if (before != now || memories != 0)
        vm_enter_instance(vm, now);
}

/* For `count` raises, the oldest of which came at `stamp`. Every interrupt waits for this. */
static inline void enter_handler(struct wirq_vm *vm, struct source *s, uint32_t count, uint32_t stamp) {
    struct delivery *d = &vm->deliveries[s->priority];
    copy_registers(&d->interrupted, &vm->registers);
    d->outer = vm->level;
    d->limits = 0;
    d->wait_state = vm->wait_state;
    if (vm->wait_state != 0) {
        if (vm->waiting &&
            vm->wait_kind == WAIT_GUEST) { /* it and what preempts it: as if nothing were held back at its begin (R50) */
            vm->is_open = true;
            vm->open_depth = interrupt_depth(vm);
        }
        d->wait_deadline = vm->wait_deadline;
        vm->wait_state = 0;
    }
    vm->level = s->priority;

    struct wirq_instance *instance = s->instance;
    struct record *record = s->record;
    uint32_t *frame = vm->stacks[s->priority].base;
    TRACE(WIRQ_TRACE_ENTER, s->number);
    d->instance = instance;
    d->source = s->number;
    frame[0] = s->number;
    frame[1] = count;
    frame[2] = s->context;
    record->ip = code_irq_return;
    record->fp = frame;
    vm->registers.ip = s->entry;
    vm->registers.fp = frame;
    vm->registers.rs = record;
    vm->registers.memory = 0;
    change_instance(vm, d->interrupted.instance, d->interrupted.memory, instance);

    uint32_t now = clock_us(), latency = now - stamp;
    if (latency > s->worst_latency_us)
        s->worst_latency_us = latency;
    s->delivered_us = now;
    s->delivered++;
    vm->block.delivered++;
    d->entered = now;
    d->forbidden = 0;
    uint32_t *stack_pointer = instance->stack_pointer;
    if (stack_pointer != NULL) { /* R33: below the red zone of the interrupted function */
        d->saved_sp = *stack_pointer;
        *stack_pointer = (d->saved_sp - 128) & ~UINT32_C(15);
    }
    if (s->special)
        apply_settings(d, s, stack_pointer);
    if ((vm->held | vm->counting | d->limits) != 0)
        update_counting(vm);
    if (vm->block.instance != NULL)
        interrupt_publish_level(vm);
}

void interrupt_deliver(struct wirq_vm *vm) {
    struct source *s;
    uint32_t count, stamp;
    do {
        s = select_due(vm);
        if (s == NULL) {
            update_counting(vm);
            return;
        }
        stamp = s->stamp; /* before the mark goes: the next raise sets another */
        count = interrupt_take(vm, s);
    } while (count == 0); /* taken before, by an earlier look at the same raise */
    enter_handler(vm, s, count, stamp);
}

/* The handler is over: all is as it was when it began, registers too. */
static void leave_handler(struct wirq_vm *vm) {
    const struct delivery *d = &vm->deliveries[vm->level];
    if (d->instance->stack_pointer != NULL)
        *d->instance->stack_pointer = d->saved_sp;
    vm->level = d->outer;
    TRACE(WIRQ_TRACE_LEAVE, d->source);
    vm->wait_state = d->wait_state;
    if (d->wait_state != 0)
        vm->wait_deadline = d->wait_deadline;
    const struct wirq_instance *instance = vm->registers.instance;
    uint32_t memories = vm->registers.memory | d->interrupted.memory;
    copy_registers(&vm->registers, &d->interrupted);
    change_instance(vm, instance, memories, vm->registers.instance);
    if (vm_in_handler(vm)) { /* what preempted it is not charged to it, and neither is the operation that comes again */
        struct delivery *outer = &vm->deliveries[vm->level];
        if (outer->limits & LIMIT_DEADLINE)
            outer->entered += clock_us() - d->entered;
        outer->fuel++;
        vm->passed_over = true; /* its stubs must be there again */
    }
}

/* After a handler: R41, the next one due is entered before the interrupted code goes on. None is if the last look passed over nothing
 * and nobody has asked for another one since; or if the interrupted code has not got on for too many handlers (R42). */
static void resume(struct wirq_vm *vm) {
    const uint32_t level = vm->level;
    if (vm->chained[level]++ != WIRQ_LONGEST_CHAIN) {
        interrupt_deliver(vm);
        if (vm->level != level)
            return;
    } else {
        vm->held |= HELD_BY_CHAIN;
        vm->poisoned = true; /* the operation after the next one is a safe point */
        update_counting(vm);
    }
    if (vm->block.instance != NULL)
        interrupt_publish_level(vm);
}

void interrupt_return(struct wirq_vm *vm) {
    leave_handler(vm);
    if (vm->attention != 0 || vm->block.instance != NULL)
        resume(vm);
}

/* ---- budgets and faults ---- */

/* The guest in whose critical section the running code is has one control operation less for it. */
static bool section_is_too_long(struct wirq_vm *vm) {
    const struct wirq_instance *guest = vm->block.instance;
    if (!(vm->held & HELD_BY_GUEST) || vm->registers.instance != guest)
        return false;
    if (vm->held_for != UINT16_MAX)
        vm->held_for++;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        const struct source *s = &vm->sources[i];
        uint32_t most = s->settings.values[SETTING_SECTION];
        if (vm->pending[i] && s->instance == guest && most != 0 && vm->held_for > most)
            return true;
    }
    return false;
}

wirq_status interrupt_charge(struct wirq_vm *vm) {
    if (section_is_too_long(vm))
        return WIRQ_TRAP_SECTION;
    if (!(vm->counting & COUNTING_BUDGET))
        return WIRQ_OK;
    struct delivery *d = &vm->deliveries[vm->level];
    if (d->limits & LIMIT_FUEL && d->fuel-- == 0)
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
        if (s->settings.values[SETTING_POLICY] == WIRQ_POLICY_CONTAIN ||
            (s->settings.values[SETTING_POLICY] == WIRQ_POLICY_HOST && answer)) {
            s->enabled = false;
            interrupt_refresh(vm, s);
            goes_on = true;
        } else {
            d->instance->faulted = vm->has_faulted = true;
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
    if (vm->block.instance != NULL)
        interrupt_publish_level(vm);
    return false;
}
