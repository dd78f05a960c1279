/* interrupt_bound.c: what can be promised before anything runs: how much stack a handler needs (interrupts.md R32), and how long an
 * interrupt waits for its handler (section 12). */
#include "code.h"
#include "operands.h"
#include "vm.h"

#if WIRQ_COMPUTE_BOUNDS

void interrupt_measure(struct wirq_module *module, const uint16_t *code, const uint16_t *end) {
    uint32_t run = 0, weight;
    while (code < end) {
        uint32_t operation = UNIT_OPERATION(*code);
        bool is_control = operation < OPERATION_BIAS + WIRQ_CONTROL_OPERATIONS;
        module->has_chunks |= operation == OP_object;
        if (operation == OP_catch) {
            module->clauses++;
            module->keeps_exceptions |= code[3] & 1; /* CATCH_GUARDED of exception.c */
        }
        code = code_next(code, &weight);
        run += weight;
        if (run > module->max_gap)
            module->max_gap = (uint16_t)(run < UINT16_MAX ? run : UINT16_MAX);
        if (is_control)
            run = weight; /* the control operation itself, once begun */
    }
}

/* ---- R32: the stack of a handler ---- */

#define RECORD_CELLS (sizeof(struct record) / sizeof(uint32_t))

uint32_t interrupt_stack_cells(const struct wirq_vm *vm, const struct handler_settings *settings) {
    uint32_t level = (uint32_t)((const uint32_t *)(const void *)vm->stacks[0].top - vm->stacks[0].base);
    uint32_t declared = settings->values[SETTING_STACK_BYTES], cells = declared / 8 * 2; /* records at the end hold pointers */
    return declared != 0 && cells < level ? cells : level;
}

struct activation {
    const uint16_t *ip, *end;
    uint32_t base; /* first cell of its frame, with its record and its callers' */
};

/* Cells of the deepest chain of direct calls. UINT32_MAX: not known, for there is recursion, a call through a table, of a reference
 * or into another instance, or the search was too long. */
static uint32_t stack_need(const struct wirq_instance *instance, uint32_t function) {
    const struct wirq_module *module = instance->module;
    struct activation calls[1 + WIRQ_MAX_HANDLER_CALLS], *a = calls; /* the newest; the first stands for none */
    uint32_t base = 0, need = 0, weight, steps = 0;
    for (;;) {
        if (a == &calls[WIRQ_MAX_HANDLER_CALLS])
            return UINT32_MAX;
        bool is_last = function + 1 == module->function_count;
        const uint16_t *const *code = (const uint16_t *const *)&module->code[function - module->imported_functions];
        base += RECORD_CELLS;
        *++a = (struct activation){code[0], is_last ? module->code_end : code[1], base};
        uint32_t frame = base + (*a->ip == OPERATION_UNIT(OP_enter) ? a->ip[1] : WIRQ_STACK_SLACK);
        if (frame > need)
            need = frame;
        for (;;) { /* to the next call of a function of this instance */
            while (a != calls && a->ip >= a->end)
                a--;
            if (a == calls)
                return need;
            if (++steps > WIRQ_MAX_HANDLER_OPERATIONS)
                return UINT32_MAX;
            const uint16_t *ip = a->ip;
            a->ip = code_next(ip, &weight);
            uint32_t operation = UNIT_OPERATION(*ip);
            if (operation == OP_call || operation == OP_return_call) {
                function = ip[1] + module->imported_functions;
                base = a->base + (operation == OP_call ? UNIT_CELL(ip[2]) : 0);
                break;
            }
            if (operation == OP_call_indirect || operation == OP_return_call_indirect || operation == OP_call_ref ||
                operation == OP_return_call_ref ||
                ((operation == OP_call_import || operation == OP_return_call_import) && instance->functions[ip[1]].host == NULL))
                return UINT32_MAX;
        }
    }
}

wirq_status interrupt_check_stack(struct wirq_vm *vm, const struct wirq_instance *instance, uint32_t function,
                                  const struct handler_settings *settings) {
    uint32_t need = stack_need(instance, function), there = interrupt_stack_cells(vm, settings);
    uint32_t declared = settings->values[SETTING_STACK_BYTES] / sizeof(uint32_t);
    if (need == UINT32_MAX) /* what it declares is believed, and enforced */
        need = declared != 0 ? declared : WIRQ_STACK_SLACK;
    if (need < WIRQ_STACK_SLACK + 8) /* what the delivery itself takes */
        need = WIRQ_STACK_SLACK + 8;
    vm->error.detail = need * (uint32_t)sizeof(uint32_t);
    return need <= there ? WIRQ_OK : WIRQ_HANDLER_STACK;
}

/* ---- section 12: the latency bound ---- */

/* Ordinary operations that as much is done in as in making an exception, and in leaving one frame but for the clauses. */
#define UNWINDING 64

/* a + n times b; UINT32_MAX, which means that there is no bound, if that is more, or a was. */
static __attribute__((noinline)) uint32_t plus(uint32_t a, uint32_t n, uint32_t b) {
    uint64_t sum = (uint64_t)n * b + a;
    return sum >> 32 == 0 ? (uint32_t)sum : UINT32_MAX;
}

static uint32_t longer(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Where references to exceptions are looked for when these are collected, at most: stacks, globals, tables. */
static uint32_t searched_cells(const struct wirq_vm *vm) {
    uint32_t cells = vm->own_bytes / sizeof(uint32_t);
    for (const struct wirq_instance *i = vm->instance_list; i != NULL; i = i->next) {
        cells += i->module->global_cells;
        for (uint32_t t = 0; t < i->module->table_count; t++)
            cells += i->tables[t]->size;
    }
    return cells;
}

wirq_status wirq_bound(const struct wirq_vm *vm, uint32_t source, struct wirq_bound *bound) {
    const struct wirq_costs *costs = vm->costs;
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    const struct source *s = &vm->sources[source];
    if (!s->attached)
        return WIRQ_NULL_HANDLER;
    if (costs == NULL)
        return WIRQ_NOT_SUPPORTED;
    uint32_t gap = 0, searched = 0, wait = 0; /* for what is done between two safe points in one piece */
    for (const struct wirq_module *module = vm->module_list; module != NULL; module = module->next) {
        if (module->instance_count == 0)
            continue;
        gap = longer(gap, module->max_gap);
        if (module->has_chunks)
            wait = longer(wait, costs->chunk);
        if (module->imported_functions != 0)
            wait = longer(wait, costs->import);
        if (module->keeps_exceptions)
            searched = searched_cells(vm);
        if (module->clauses != 0) /* each frame that is left is a safe point, and all clauses are looked at for each */
            wait = longer(wait, (module->clauses + UNWINDING) * costs->operation);
    }
    /* Before one is thrown. Two looks whether a cell names an exception are as much as an operation. */
    wait = plus(wait, searched, WIRQ_MAX_EXCEPTIONS / 2 * costs->operation);
    /* A control operation under counting stubs, with what lies before it. */
    uint32_t counted = plus(costs->stub, 1, longer(wait, (gap + 1) * costs->operation)), handlers = 0;
    bound->unlimited = UINT32_MAX;
    bound->deliver = costs->deliver + vm->block.records * costs->operation; /* all may have to be copied first */
    for (uint32_t i = 0; i < vm->source_count; i++) {
        const struct source *other = &vm->sources[i];
        const uint32_t *settings = other->settings.values;
        if (i == source || !other->attached || other->priority > s->priority)
            continue;
        uint32_t operations = settings[SETTING_FUEL];
        if (operations == 0) {
            operations = 8; /* between two looks at the clock */
            if (settings[SETTING_DEADLINE_US] == 0 || costs->per_us == 0) {
                bound->unlimited = i;
                continue;
            }
            handlers = plus(handlers, settings[SETTING_DEADLINE_US], costs->per_us);
        }
        handlers = plus(plus(plus(handlers, operations, counted), 1, counted), 1, costs->deliver);
    }
    if (handlers != 0) /* in between, what they interrupt may get on by an operation, once for as many as there are sources (R42) */
        handlers = plus(handlers, 1, counted);
    bound->raise = costs->raise;
    bound->gap = gap;
    bound->wait = plus(costs->stub, 1, longer(wait, gap * costs->operation));
    bound->handlers = handlers;
    bound->section = plus(0, s->settings.values[SETTING_SECTION], counted);
    bound->us = bound->total = UINT32_MAX;
    if (bound->unlimited == UINT32_MAX) {
        bound->total = plus(plus(plus(bound->wait, 1, costs->raise + bound->deliver), 1, handlers), 1, bound->section);
        if (bound->total != UINT32_MAX && costs->per_us != 0)
            bound->us = bound->total / costs->per_us + 1;
    }
    bound->demanded_us = s->settings.values[SETTING_LATENCY_US];
    return WIRQ_OK;
}

wirq_status interrupt_check_latency(struct wirq_vm *vm) {
    for (uint32_t i = 0; i < vm->source_count; i++) {
        struct wirq_bound bound;
        uint32_t demanded = vm->sources[i].settings.values[SETTING_LATENCY_US];
        if (!vm->sources[i].attached || demanded == 0)
            continue;
        if (wirq_bound(vm, i, &bound) == WIRQ_OK && bound.us <= demanded)
            continue;
        vm->error.function = i;
        vm->error.detail = bound.us;
        return WIRQ_LATENCY_BOUND;
    }
    return WIRQ_OK;
}

#else /* handlers get the whole stack of their level; nothing is promised */

void interrupt_measure(struct wirq_module *module, const uint16_t *code, const uint16_t *end) {
    (void)module, (void)code, (void)end;
}

uint32_t interrupt_stack_cells(const struct wirq_vm *vm, const struct handler_settings *settings) {
    (void)settings;
    return (uint32_t)((const uint32_t *)(const void *)vm->stacks[0].top - vm->stacks[0].base);
}

wirq_status interrupt_check_stack(struct wirq_vm *vm, const struct wirq_instance *instance, uint32_t function,
                                  const struct handler_settings *settings) {
    (void)vm, (void)instance, (void)function, (void)settings;
    return WIRQ_OK;
}

wirq_status interrupt_check_latency(struct wirq_vm *vm) {
    (void)vm;
    return WIRQ_OK;
}

wirq_status wirq_bound(const struct wirq_vm *vm, uint32_t source, struct wirq_bound *bound) {
    (void)vm, (void)source, (void)bound;
    return WIRQ_NOT_SUPPORTED;
}

#endif
