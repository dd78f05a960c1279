/* injection.c: interrupts at chosen safe points of a run, and the state that it ends in. It looks into the VM (vm.h), so that the VM
 * need not have for this alone what boards would have to carry. */
#include "injection.h"

#include <string.h>

#include "vm.h"

#define MOST 64     /* places that are kept */
#define LOGGED 1024 /* raises of a run that are logged */

static struct {
    const uint32_t *schedule; /* NULL: nothing is armed */
    uint32_t count, next;
    struct {
        struct wirq_instance *instance;
        const uint16_t *ip;
    } places[MOST];
} armed;

static struct {
    uint32_t pairs[2 * LOGGED], count;
    uint32_t raised[32]; /* of each source, as it was last seen */
} logged;
static bool raising; /* by the schedule, besides what the VM raises for it */

static void arm_next(struct wirq_vm *vm) {
    vm->inject_at = armed.next < armed.count ? armed.schedule[2 * armed.next] : 0;
    if (armed.next < armed.count)
        vm->inject_source = armed.schedule[2 * armed.next + 1];
}

void injection_arm(struct wirq_vm *vm, const uint32_t *schedule, uint32_t count, bool every) {
    armed.schedule = schedule;
    armed.count = count < MOST ? count : MOST;
    armed.next = 0;
    wirq_inject(vm, 0, 0, every);
    arm_next(vm);
    logged.count = 0;
    for (uint32_t i = 0; i < vm->source_count; i++)
        logged.raised[i] = vm->sources[i].raised;
}

/* Something has been raised. */
static void log_raise(struct wirq_vm *vm, bool of_the_schedule) {
    for (uint32_t i = 0; i < vm->source_count; i++) {
        if (vm->sources[i].raised == logged.raised[i])
            continue;
        logged.raised[i] = vm->sources[i].raised;
        if (!of_the_schedule && !vm_in_handler(vm) && logged.count < LOGGED) {
            logged.pairs[2 * logged.count] = vm->inject_count + 1;
            logged.pairs[2 * logged.count + 1] = i;
            logged.count++;
        }
    }
}

const uint32_t *injection_log(uint32_t *count) {
    *count = logged.count;
    return logged.pairs;
}

uint32_t injection_gap(const struct wirq_instance *instance) {
    return instance->module->max_gap;
}

void injection_raised(struct wirq_vm *vm) {
    if (armed.schedule == NULL || !(vm->counting & COUNTING_INJECTION))
        return;
    bool is_due = vm->inject_at != 0 && vm->inject_count == vm->inject_at;
    log_raise(vm, is_due || raising);
    if (!is_due)
        return;
    uint32_t at = vm->inject_at;
    vm->inject_at = 0; /* what is raised below is not of the schedule's next point */
    do {
        armed.places[armed.next].instance = vm->registers.instance;
        armed.places[armed.next].ip = vm->registers.ip;
        armed.next++;
        if (armed.next == armed.count || armed.schedule[2 * armed.next] != at)
            break;
        raising = true;
        wirq_raise(vm, armed.schedule[2 * armed.next + 1], 0); /* at the same point */
        raising = false;
    } while (true);
    arm_next(vm);
}

struct wirq_instance *injection_place(uint32_t n, uint32_t fields[2]) {
    if (armed.schedule == NULL || n >= armed.next)
        return NULL;
    struct wirq_instance *instance = armed.places[n].instance;
    fields[0] = module_function_at(instance->module, armed.places[n].ip, &fields[1]);
    return instance;
}

uint32_t injection_extent(const struct wirq_vm *vm) {
    return (uint32_t)(vm->arena.heap_end - (const uint8_t *)vm);
}

uint32_t injection_difference(const struct wirq_vm *vm, const uint8_t *copy, uint32_t size) {
    const uint8_t *bytes = (const uint8_t *)vm;
    uint32_t i = vm->own_bytes;
    if (size != injection_extent(vm))
        return size;
    if (memcmp(bytes + i, copy + i, size - i) == 0)
        return UINT32_MAX;
    while (bytes[i] == copy[i])
        i++;
    return i;
}

const void *injection_state(const struct wirq_instance *instance, uint32_t kind, uint32_t n, uint32_t *size) {
    static const uint8_t nothing;
    const struct wirq_module *module = instance->module;
    const void *bytes = NULL;
    *size = 0;
    if (n >= module->counts[kind])
        return NULL;
    switch (kind) {
    case WIRQ_MEMORY:
        *size = instance->memories[n]->size;
        bytes = instance->memories[n]->base;
        break;
    case WIRQ_GLOBAL:
        *size = type_cells(module->globals[n].type) * (uint32_t)sizeof(uint32_t);
        bytes = instance_global(instance, n);
        break;
    case WIRQ_TABLE:
        *size = instance->tables[n]->size * (uint32_t)sizeof(uint32_t);
        bytes = instance->tables[n]->elements;
        break;
    }
    return bytes != NULL ? bytes : &nothing;
}

uint32_t injection_delivered(const struct wirq_vm *vm, uint32_t source, bool *attached) {
    *attached = source < vm->source_count && vm->sources[source].attached;
    return source < vm->source_count ? vm->sources[source].delivered : 0;
}

void injection_serve(struct wirq_vm *vm, struct wirq_instance *instance, uint32_t source) {
    wirq_raise(vm, source, 0);
    if (wirq_react(instance) != WIRQ_OK)
        return; /* it has faulted: no handler of it runs any more */
    enum wirq_run run;
    while ((run = wirq_run(vm)) == WIRQ_RUN_SUSPENDED) {
    }
    if (run == WIRQ_RUN_WAITING) { /* for more: the handler is done */
        wirq_stop(vm);
        (void)wirq_run(vm);
    }
}
