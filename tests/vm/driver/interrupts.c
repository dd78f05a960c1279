/* interrupts.c: sources are raised, attached, limited and looked at. */
#include "driver.h"

#include <inttypes.h>
#include <stdio.h>

/* bound SOURCE */
static void bound(char *arguments) {
    struct wirq_bound b;
    wirq_status status = wirq_bound(vm, take_number(&arguments), &b);
    if (status != WIRQ_OK)
        answer(status);
    else
        printf("ok gap %" PRIu32 " wait %" PRIu32 " handlers %" PRIu32 " section %" PRIu32 " total %" PRIu32 " us %" PRIu32
               " demanded %" PRIu32 " unlimited %" PRIi32 "\n",
               b.gap, b.wait, b.handlers, b.section, b.total, b.us, b.demanded_us, (int32_t)b.unlimited);
}

static void source(char *arguments) {
    struct wirq_source_info info;
    wirq_status status = wirq_source(vm, take_number(&arguments), &info);
    if (status != WIRQ_OK) {
        answer(status);
        return;
    }
    printf("ok class %u attached %d enabled %d pending %d raised %" PRIu32 " delivered %" PRIu32 " missed %" PRIu32
           " faults %" PRIu32 " priority %u active %d\n",
           info.class_, info.attached, info.enabled, info.pending, info.raised, info.delivered, info.missed, info.faults,
           info.priority, info.active);
}

/* raise SOURCE */
static void raise_source(char *arguments) {
    wirq_raise(vm, take_number(&arguments), 0);
    answer(WIRQ_OK);
}

static void inject(char *arguments) {
    uint32_t of = take_number(&arguments), n = take_number(&arguments);
    wirq_inject(vm, of, n, take_number(&arguments) != 0);
    puts("ok");
}

static void show_injected(char *arguments) {
    (void)arguments;
    printf("ok %" PRIu32 "\n", wirq_injection_count(vm));
}

/* attach INSTANCE SOURCE FUNCTION CONTEXT PRIORITY */
static void attach(char *arguments) {
    uint32_t numbers[5];
    for (int i = 0; i < 5; i++)
        numbers[i] = take_number(&arguments);
    answer(wirq_attach(instances[numbers[0]], numbers[1], numbers[2], numbers[3], numbers[4]));
}

/* detach SOURCE */
static void detach(char *arguments) {
    answer(wirq_detach(vm, take_number(&arguments)));
}

/* enable SOURCE ON */
static void enable(char *arguments) {
    uint32_t source = take_number(&arguments);
    answer(wirq_enable(vm, source, take_number(&arguments) == 1));
}

/* bind SOURCE CLASS */
static void bind(char *arguments) {
    uint32_t source = take_number(&arguments);
    answer(wirq_bind(vm, source, (enum wirq_class)take_number(&arguments)));
}

/* budget SOURCE FUEL DEADLINE INTERVAL */
static void budget(char *arguments) {
    uint32_t numbers[4];
    for (int i = 0; i < 4; i++)
        numbers[i] = take_number(&arguments);
    answer(wirq_budget(vm, numbers[0], numbers[1], numbers[2], numbers[3]));
}

static void show_levels(char *arguments) {
    (void)arguments;
    printf("ok %" PRIu32 "\n", wirq_levels());
}

/* hold ON: requests for a safe point wait for the host function "soft". */
static void hold(char *arguments) {
    port_holds_requests = take_number(&arguments) == 1;
    answer(WIRQ_OK);
}

/* preset COUNT: all counters of source 0, as after so many raises. */
static void preset(char *arguments) {
    vm->sources[0].raised = vm->sources[0].taken = take_number(&arguments);
    answer(WIRQ_OK);
}

const struct command interrupt_commands[] = {
    {"bound", bound},        {"source", source}, {"raise", raise_source}, {"inject", inject}, {"injected", show_injected},
    {"attach", attach},      {"detach", detach}, {"enable", enable},      {"bind", bind},     {"budget", budget},
    {"levels", show_levels}, {"hold", hold},     {"preset", preset},      {NULL, NULL},
};
