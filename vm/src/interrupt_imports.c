/* interrupt_imports.c: the import module "wirq", what a guest can ask for (interrupts.md section 5). */
#include "vm.h"
#include "wirq_port.h"

/* The source that cells[0] names, which is a guest's own as long as no other instance has attached to it. Answers the guest: with
 * WIRQ_OK, or with why there is none (NULL). */
static struct source *own_source(const struct wirq_vm *vm, uint32_t *cells) {
    uint32_t source = cells[0];
    cells[0] = WIRQ_UNKNOWN_SOURCE;
    if (source >= vm->source_count)
        return NULL;
    struct source *s = &vm->sources[source];
    cells[0] = WIRQ_BUSY;
    if (s->attached && s->owner != vm->registers.instance)
        return NULL;
    cells[0] = WIRQ_OK;
    return s;
}

/* block(address, length, version) -> error */
static wirq_status import_block(struct wirq_vm *vm, uint32_t *cells) {
    cells[0] = interrupt_register_block(vm->registers.instance, cells[0], cells[1], cells[2]);
    return WIRQ_OK;
}

/* Attaches a function as cells[0], [2] and [3] say. */
static wirq_status attach_reference(struct wirq_vm *vm, uint32_t *cells, uint32_t reference) {
    if (reference == WIRQ_NULL_REFERENCE)
        cells[0] = WIRQ_NULL_HANDLER;
    else
        cells[0] = interrupt_attach(vm->registers.instance, cells[0], vm->instances[reference >> 16], reference & 0xFFFF, cells[2],
                                    cells[3]);
    return WIRQ_OK;
}

/* attach(source, index in table 0, context, priority) -> error. R27: what the element is now; later changes do not matter. */
static wirq_status import_attach(struct wirq_vm *vm, uint32_t *cells) {
    const struct wirq_instance *instance = vm->registers.instance;
    uint32_t reference = WIRQ_NULL_REFERENCE;
    if (instance->module->table_count != 0 && instance->tables[0]->type == WIRQ_FUNCREF && cells[1] < instance->tables[0]->size)
        reference = instance->tables[0]->elements[cells[1]];
    return attach_reference(vm, cells, reference);
}

/* attach_ref(source, function, context, priority) -> error */
static wirq_status import_attach_ref(struct wirq_vm *vm, uint32_t *cells) {
    return attach_reference(vm, cells, cells[1]);
}

/* detach(source) -> error */
static wirq_status import_detach(struct wirq_vm *vm, uint32_t *cells) {
    struct source *s = own_source(vm, cells);
    if (s != NULL)
        interrupt_detach(vm, s);
    return WIRQ_OK;
}

/* enable(source, on) -> error */
static wirq_status import_enable(struct wirq_vm *vm, uint32_t *cells) {
    const struct source *s = own_source(vm, cells);
    return s == NULL ? WIRQ_OK : wirq_enable(vm, s->number, cells[1] != 0);
}

/* pend(source) -> error. R10: masked, for the source's device may be raising it too. */
static wirq_status import_pend(struct wirq_vm *vm, uint32_t *cells) {
    uint32_t source = cells[0];
    uintptr_t before = wirq_port_mask();
    wirq_raise(vm, source, 0); /* ignores what is no source */
    wirq_port_unmask(before);
    cells[0] = source < vm->source_count ? WIRQ_OK : WIRQ_UNKNOWN_SOURCE;
    return WIRQ_OK;
}

/* take(source) -> count: raises since the last take. An unknown source was never raised. */
static wirq_status import_take(struct wirq_vm *vm, uint32_t *cells) {
    struct source *s = own_source(vm, cells);
    cells[0] = s == NULL ? 0 : interrupt_take(vm, s);
    return WIRQ_OK;
}

/* poll(): publishes the block, as every host call does. */
static wirq_status import_poll(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    (void)cells;
    return WIRQ_OK;
}

/* Sources that have been raised since the last wait, as bits. */
static uint32_t take_wake_bits(struct wirq_vm *vm) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        if (vm->sources[i].wake) {
            vm->sources[i].wake = false;
            bits |= UINT32_C(1) << i;
        }
    }
    return bits;
}

/* Whether the import waits for handlers: they run first, so that their effects are there when it returns. Not for ever, if they raise
 * one another (R42). */
static bool waits_for_handlers(struct wirq_vm *vm) {
    return !(vm->held & HELD_BY_CHAIN) && interrupt_deliverable(vm);
}

/* wait(timeout in us, negative: none) -> bits (R50). Is called again after every wake-up, so it only looks. */
static wirq_status import_wait(struct wirq_vm *vm, uint32_t *cells) {
    int64_t timeout = (int64_t)(cells[0] | (uint64_t)cells[1] << 32);
    uint64_t now = wirq_port_clock_us(); /* is below 2^63 for 292,000 years: no sum overflows */
    uint64_t deadline = wirq_wait_until(vm, timeout < 0 ? UINT64_MAX : now + (uint64_t)timeout);
    vm->waiting = true; /* while it is looked what is due; the answer decides */
    vm->wait_kind = WAIT_GUEST;
    bool has_handlers = waits_for_handlers(vm);
    vm->waiting = false;
    if (!has_handlers) {
        uint32_t bits = take_wake_bits(vm);
        if (bits != 0 || now >= deadline) {
            vm->wait_kind = WAIT_HOST;
            vm->is_open = false;
            cells[0] = bits;
            return WIRQ_OK;
        }
    }
    return WIRQ_WAIT;
}

/* deliver(): what is due runs now (R36): as in a wait that is over as soon as nothing is due. */
static wirq_status import_deliver(struct wirq_vm *vm, uint32_t *cells) {
    (void)cells;
    if (waits_for_handlers(vm)) {
        vm->wait_kind = WAIT_DELIVER;
        return WIRQ_WAIT;
    }
    vm->wait_kind = WAIT_HOST;
    return WIRQ_OK;
}

/* budget(source, fuel, deadline in us) -> error (R43). Of a source of one's own that has a handler; and not so much that a latency
 * that was promised could not be kept (R69). */
static wirq_status import_budget(struct wirq_vm *vm, uint32_t *cells) {
    struct source *s = own_source(vm, cells);
    if (s == NULL)
        return WIRQ_OK;
    if (!s->attached) {
        cells[0] = WIRQ_NULL_HANDLER;
        return WIRQ_OK;
    }
    uint32_t *settings = s->settings.values, fuel = settings[SETTING_FUEL], deadline_us = settings[SETTING_DEADLINE_US];
    settings[SETTING_FUEL] = cells[1];
    settings[SETTING_DEADLINE_US] = cells[2];
    cells[0] = interrupt_check_latency(vm);
    if (cells[0] != WIRQ_OK) {
        settings[SETTING_FUEL] = fuel;
        settings[SETTING_DEADLINE_US] = deadline_us;
    }
    interrupt_refresh(vm, s);
    return WIRQ_OK;
}

/* query(key) -> value, or -1 if there is no such key or its value is not known. The low byte says what; the rest, of which source. */
static wirq_status import_query(struct wirq_vm *vm, uint32_t *cells) {
    struct wirq_bound bound;
    uint64_t value = UINT64_MAX;
    switch (cells[0] & 0xFF) {
    case 0: /* version of the interrupt interface: that of the block's layout */
        value = 1;
        break;
    case 1: /* interrupt levels, K */
        value = WIRQ_LEVELS;
        break;
    case 2: /* the clock, us */
        value = wirq_port_clock_us();
        break;
    case 3: /* the latency bound of a source, us (R68) */
        if (wirq_bound(vm, cells[0] >> 8, &bound) == WIRQ_OK && bound.us != UINT32_MAX)
            value = bound.us;
        break;
    default:
        break;
    }
    cells[0] = (uint32_t)value;
    cells[1] = (uint32_t)(value >> 32);
    return WIRQ_OK;
}

const struct wirq_host_import interrupt_imports[INTERRUPT_IMPORT_COUNT] = {
    {"wirq", "block", "iii:i", import_block, true},
    {"wirq", "attach", "iiii:i", import_attach, true},
    {"wirq", "attach_ref", "irii:i", import_attach_ref, true},
    {"wirq", "detach", "i:i", import_detach, true},
    {"wirq", "enable", "ii:i", import_enable, true},
    {"wirq", "pend", "i:i", import_pend, true},
    {"wirq", "take", "i:i", import_take, true},
    {"wirq", "poll", ":", import_poll, true},
    {"wirq", "wait", "I:i", import_wait, false},
    {"wirq", "deliver", ":", import_deliver, true},
    {"wirq", "budget", "iii:i", import_budget, false},
    {"wirq", "query", "i:I", import_query, true},
};
