/* host.c: the host functions "test" that modules of tests import, and what is recorded of them and of faults. */
#include "driver.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t log_words[1 << 16];
static uint32_t log_count;
static uint32_t waits_left;

static wirq_status host_log(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    if (log_count < sizeof log_words / sizeof log_words[0])
        log_words[log_count++] = cells[0];
    return WIRQ_OK;
}

/* Raises a source as a device would. */
static wirq_status host_raise(struct wirq_vm *of, uint32_t *cells) {
    wirq_raise(of, cells[0], cells[1]);
    return WIRQ_OK;
}

/* Throws the exception of the first instance's tag 0, an i32. */
static wirq_status host_throw(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    return wirq_throw(instances[0], 0, cells);
}

static wirq_status host_trap(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    (void)cells;
    return WIRQ_TRAP_HOST;
}

/* Waits as often as the argument says, 10 us each time, and answers that number. */
static wirq_status host_slow(struct wirq_vm *of, uint32_t *cells) {
    if (waits_left == 0) {
        waits_left = cells[0] + 1;
    }
    if (--waits_left != 0) {
        (void)wirq_wait_until(of, port_clock + 10);
        return WIRQ_WAIT;
    }
    return WIRQ_OK;
}

static wirq_status host_log64(struct wirq_vm *of, uint32_t *cells) {
    (void)host_log(of, cells);
    return host_log(of, cells + 1);
}

static wirq_status host_add64(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    uint64_t sum = (cells[0] | (uint64_t)cells[1] << 32) + (cells[2] | (uint64_t)cells[3] << 32);
    cells[0] = (uint32_t)sum;
    cells[1] = (uint32_t)(sum >> 32);
    return WIRQ_OK;
}

static wirq_status host_yield(struct wirq_vm *of, uint32_t *cells) {
    (void)cells;
    wirq_yield_soon(of);
    return WIRQ_OK;
}

static wirq_status host_stop(struct wirq_vm *of, uint32_t *cells) {
    (void)cells;
    wirq_stop(of);
    return WIRQ_OK;
}

/* The soft interrupt that `hold` holds off runs here. */
static wirq_status host_soft(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    (void)cells;
    port_soft_interrupt();
    return WIRQ_OK;
}

/* Answers what source SOURCE is told to be: 1 if its handler runs. */
static wirq_status host_active(struct wirq_vm *of, uint32_t *cells) {
    struct wirq_source_info info;
    (void)wirq_source(of, cells[0], &info);
    cells[0] = info.active;
    return WIRQ_OK;
}

/* The clock goes on. */
static wirq_status host_spend(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    port_clock += cells[0];
    return WIRQ_OK;
}

const struct wirq_host_import host_table[HOST_IMPORTS] = {
    {"test", "log", "i:", host_log, true},        {"test", "raise", "ii:", host_raise, true},
    {"test", "trap", ":", host_trap, true},       {"test", "slow", "i:i", host_slow, false},
    {"test", "add64", "II:I", host_add64, true},  {"test", "yield", ":", host_yield, true},
    {"test", "stop", ":", host_stop, true},       {"test", "soft", ":", host_soft, true},
    {"test", "active", "i:i", host_active, true}, {"test", "spend", "i:", host_spend, true},
    {"test", "log64", "I:", host_log64, true},    {"test", "throw", "i:", host_throw, true},
};

/* ---- faults of handlers: recorded, and answered as the test wants ---- */

static bool fault_answer;
static uint32_t fault_words[64], fault_count; /* source and status of each */
static uint32_t fault_value;                  /* first cell of the exception that a handler did not catch */

bool on_fault(struct wirq_vm *of, const struct wirq_trap *trap) {
    struct wirq_exception exception;
    if (wirq_uncaught(of, &exception))
        fault_value = exception.values[0];
    if (fault_count + 1 < sizeof fault_words / sizeof fault_words[0]) {
        fault_words[fault_count++] = trap->source;
        fault_words[fault_count++] = trap->status;
    }
    return fault_answer;
}

/* policy SOURCE POLICY ANSWER: of on_fault */
static void policy(char *arguments) {
    uint32_t source = take_number(&arguments), policy = take_number(&arguments);
    fault_answer = take_number(&arguments) == 1;
    answer(wirq_set_policy(vm, source, (enum wirq_policy)policy));
}

/* Answers what was recorded, and forgets it. */
static void show(const uint32_t *words, uint32_t *count) {
    printf("ok");
    for (uint32_t i = 0; i < *count; i++)
        printf(" %" PRIu32, words[i]);
    puts("");
    *count = 0;
}

static void show_log(char *arguments) {
    (void)arguments;
    show(log_words, &log_count);
}

static void show_faults(char *arguments) {
    (void)arguments;
    show(fault_words, &fault_count);
}

/* The exception that ended the last run: instance of its tag, tag, values in cells. And what a handler's was. */
static void uncaught(char *arguments) {
    (void)arguments;
    struct wirq_exception exception;
    if (!wirq_uncaught(vm, &exception)) {
        printf("ok %" PRIu32 "\n", fault_value);
        return;
    }
    uint32_t instance = 0;
    while (instances[instance] != exception.instance)
        instance++;
    printf("ok %" PRIu32 " %" PRIu32, instance, exception.tag);
    for (uint32_t i = 0; i < exception.type->parameter_cells; i++)
        printf(" %" PRIu32, exception.values[i]);
    puts("");
}

const struct command host_commands[] = {
    {"log", show_log}, {"faults", show_faults}, {"policy", policy}, {"uncaught", uncaught}, {NULL, NULL},
};
