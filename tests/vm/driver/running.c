/* running.c: calls, and what comes while they wait. */
#include "driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Raised the next time that the guest waits, after it has looked and before the machine sleeps; -1: nothing is. */
static int raised_before_sleep = -1;

/* Runs what was prepared. True: it was done, and the line may go on; false: it trapped, and the line is whole. */
static bool run(void) {
    enum wirq_run how;
    uint32_t suspended = 0;
    for (;;) {
        how = wirq_run(vm);
        if (how == WIRQ_RUN_WAITING) {
            if (raised_before_sleep >= 0)
                wirq_raise(vm, (uint32_t)raised_before_sleep, 0);
            raised_before_sleep = -1;
            wirq_idle(vm, UINT64_MAX);
        } else if (how == WIRQ_RUN_SUSPENDED)
            suspended++;
        else
            break;
    }
    if (how == WIRQ_RUN_TRAPPED) {
        const struct wirq_trap *trap = wirq_last_trap(vm);
        printf("trap %u function %" PRIi32 " offset %" PRIu32 " depth %" PRIu32 " source %" PRIi32 "\n", (unsigned)trap->status,
               (int32_t)trap->function, trap->code_offset, trap->depth, (int32_t)trap->source);
        return false;
    }
    printf("ok %" PRIu32, suspended);
    return true;
}

static void start(char *arguments) {
    bool needed;
    wirq_status status = wirq_call_start(take_instance(&arguments), &needed);
    if (status != WIRQ_OK || !needed) {
        answer(status);
        return;
    }
    if (run())
        puts("");
}

/* call INSTANCE NAME CELLS... */
static void call(char *arguments) {
    struct wirq_instance *instance = take_instance(&arguments);
    size_t length;
    const char *name = take_name(&arguments, &length);
    uint32_t cells[2048], count = 0;
    struct wirq_export export;
    while (*arguments == ' ' && count < 2048)
        cells[count++] = take_number(&arguments);
    wirq_status status = wirq_find_export(instance, name, length, &export);
    if (status == WIRQ_OK && export.kind != WIRQ_FUNCTION)
        status = WIRQ_UNKNOWN_EXPORT;
    if (status == WIRQ_OK)
        status = wirq_call(instance, export.index, cells, count);
    if (status != WIRQ_OK) {
        answer(status);
        return;
    }
    const struct wirq_functype *type = wirq_function_type(instance, export.index);
    if (!run())
        return;
    for (uint32_t i = 0; i < type->result_cells; i++)
        printf(" %" PRIu32, wirq_results(vm)[i]);
    puts("");
}

/* begin INSTANCE NAME: prepares a call without arguments. */
static void begin_call(char *arguments) {
    struct wirq_instance *instance = take_instance(&arguments);
    size_t length;
    const char *name = take_name(&arguments, &length);
    struct wirq_export export;
    wirq_status status = wirq_find_export(instance, name, length, &export);
    answer(status == WIRQ_OK ? wirq_call(instance, export.index, NULL, 0) : status);
}

/* One turn of wirq_run, of a call that was begun: 0 done, 1 trapped, 2 suspended, 3 waiting. */
static void turn(char *arguments) {
    (void)arguments;
    printf("ok %d\n", (int)wirq_run(vm));
}

static void react(char *arguments) {
    wirq_status status = wirq_react(take_instance(&arguments));
    if (status != WIRQ_OK)
        answer(status);
    else if (run())
        puts("");
}

static void yield(char *arguments) {
    (void)arguments;
    wirq_yield_soon(vm);
    answer(WIRQ_OK);
}

/* unslept SOURCE: see above. */
static void unslept(char *arguments) {
    raised_before_sleep = (int)strtol(arguments, NULL, 10);
    answer(WIRQ_OK);
}

/* What happens in the next sleeps: a source raised each time, none (the clock goes on) for -1. Sleeping without end when there is
 * nothing left stops the run, so that a lost wake-up shows as the trap "stopped". */
static int sleep_plan[64];
static uint32_t sleep_count, sleep_at;

void on_sleep(uint64_t deadline) {
    if (sleep_at < sleep_count) {
        int next = sleep_plan[sleep_at++];
        port_clock += 3;
        if (next >= 0)
            wirq_raise(vm, (uint32_t)next, 0);
    } else if (deadline == UINT64_MAX) {
        wirq_stop(vm);
    }
}

/* sleeps SOURCE... */
static void plan_sleeps(char *arguments) {
    sleep_count = sleep_at = 0;
    while (*arguments != '\0' && sleep_count < 64)
        sleep_plan[sleep_count++] = (int)strtol(arguments, &arguments, 10);
    puts("ok");
}

static void show_clock(char *arguments) {
    (void)arguments;
    printf("ok %" PRIu64 " %" PRIu32 "\n", port_clock, port_sleeps);
}

const struct command running_commands[] = {
    {"start", start}, {"call", call},       {"begin", begin_call},   {"turn", turn},        {"react", react},
    {"yield", yield}, {"unslept", unslept}, {"sleeps", plan_sleeps}, {"clock", show_clock}, {NULL, NULL},
};
