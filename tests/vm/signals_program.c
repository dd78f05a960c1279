/* signals_program.c: a guest is interrupted by real asynchronous signals, thousands of them; none may be lost, and the guest's
 * computation must not notice. Argument: the module that test_signals.py assembles. */
#define _XOPEN_SOURCE 700 /* sigaction, setitimer */

#include "port.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define RAISES 4000

static struct wirq_vm *vm;
static volatile uint32_t raised, wanted;

static void on_alarm(int number) {
    (void)number;
    if (raised == wanted)
        return;
    raised = raised + 1;
    wirq_raise(vm, raised % 2, raised);
}

static void mask(bool masked) {
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    CHECK(sigprocmask(masked ? SIG_BLOCK : SIG_UNBLOCK, &alarm, NULL) == 0);
}

static void on_sleep(uint64_t deadline) {
    sigset_t open;
    (void)deadline;
    sigemptyset(&open);
    sigsuspend(&open);
}

static uint32_t word(const struct wirq_instance *instance, uint32_t address) {
    uint32_t size, value;
    const uint8_t *memory = wirq_memory(instance, &size);
    memcpy(&value, memory + address, sizeof value);
    return value;
}

static void run_to_the_end(const struct wirq_instance *instance) {
    for (;;) {
        enum wirq_run run = wirq_run(vm);
        if (run == WIRQ_RUN_DONE)
            return;
        CHECK(run == WIRQ_RUN_WAITING);
        CHECK(word(instance, 8) <= raised);
        wirq_idle(vm, UINT64_MAX);
    }
}

/* Calls a function that ends when RAISES more have been counted. */
static void call(struct wirq_instance *instance, const char *name) {
    struct wirq_export export;
    uint32_t target = wanted + RAISES;
    CHECK(wirq_find_export(instance, name, strlen(name), &export) == WIRQ_OK);
    CHECK(wirq_call(instance, export.index, &target, 1) == WIRQ_OK);
    wanted = target;
    run_to_the_end(instance);
    CHECK(wirq_results(vm)[0] == 0); /* wrong results of the computation */
    printf("%s: %u raised, %u counted by handlers in %u deliveries\n", name, (unsigned)raised, (unsigned)word(instance, 8),
           (unsigned)word(instance, 12));
    CHECK(raised == target && word(instance, 8) == target);
}

int main(int count, char **arguments) {
    static uint64_t arena[1 << 15];
    static const char *const names[] = {"even", "odd"};
    struct wirq_config config = {.arena = arena,
                                 .arena_size = sizeof arena,
                                 .stack_cells = 2048,
                                 .handler_stack_cells = 256,
                                 .source_count = 2,
                                 .source_names = names};
    struct wirq_module *module;
    struct wirq_instance *instance;
    size_t size;
    CHECK(count == 2);
    uint8_t *bytes = read_file(arguments[1], &size);
    vm = wirq_open(&config);
    CHECK(vm != NULL);
    port_on_mask = mask;
    port_on_sleep = on_sleep;
    CHECK(wirq_load(vm, bytes, size, &module) == WIRQ_OK);
    CHECK(wirq_instantiate(vm, module, &instance) == WIRQ_OK);

    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval period = {{0, 40}, {0, 40}}, never = {{0, 0}, {0, 0}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &period, NULL) == 0);
    call(instance, "compute");
    call(instance, "wait");
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    free(bytes);
    return 0;
}
