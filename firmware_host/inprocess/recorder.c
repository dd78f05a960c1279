/* recorder.c: interrupts by signals of the operating system: a log of when they came, and the same ones again from the log (T12).
 *
 * A signal may come between any two machine instructions, but what of it a guest can tell is only at which of its operations it is seen. So
 * its handler keeps it in a queue, from where it is raised before the next control operation is looked at: that operation's number is all
 * that has to be known to raise it there again. */
#define _POSIX_C_SOURCE 200809L
#include "recorder.h"

#include <string.h>

#include "vm.h"
#include "wirq_port.h"

#define LOGGED 16384
#define SIGNALS 8
#define QUEUE 256 /* a power of two */

enum field { OPERATION, SOURCE, ARGUMENT, LEVEL, FUNCTION, OFFSET, REPEATED, ASLEEP };

static struct {
    struct wirq_vm *vm; /* NULL: nothing is recorded */
    const uint32_t *replayed;
    uint32_t replayed_count;
    bool is_replay, has_diverged;
    uint32_t operations;
    uint32_t log[LOGGED][RECORDER_FIELDS], count, lost;
    struct registers last; /* where it was at the last operation, and how often in a row */
    uint32_t last_level, repeated;
} recorder;

/* Written by signal handlers on the thread that runs the VM, where they hold off each other, but for `taken`. */
static struct {
    uint32_t signal[SIGNALS], source[SIGNALS], came[SIGNALS];
    uint32_t listened;
    struct {
        uint32_t source, argument;
    } queue[QUEUE];
    volatile uint32_t kept, taken, lost;
} signals;

static void describe(const struct wirq_vm *vm, uint32_t source, uint32_t argument, bool asleep, uint32_t to[RECORDER_FIELDS]) {
    to[OPERATION] = recorder.operations;
    to[SOURCE] = source;
    to[ARGUMENT] = argument;
    to[LEVEL] = vm->level;
    to[FUNCTION] = module_function_at(vm->registers.instance->module, vm->registers.ip, &to[OFFSET]);
    to[REPEATED] = recorder.repeated;
    to[ASLEEP] = asleep;
}

static void raise_and_log(struct wirq_vm *vm, const uint32_t entry[RECORDER_FIELDS]) {
    if (recorder.count == LOGGED) {
        recorder.lost++;
        return;
    }
    memcpy(recorder.log[recorder.count++], entry, RECORDER_FIELDS * sizeof *entry);
    wirq_raise(vm, entry[SOURCE], entry[ARGUMENT]);
}

/* Whether anything has been raised. */
static bool raise_what_came(struct wirq_vm *vm, bool asleep) {
    const uint32_t before = recorder.count;
    uint32_t entry[RECORDER_FIELDS];
    if (recorder.is_replay) {
        while (!recorder.has_diverged && recorder.count < recorder.replayed_count) {
            const uint32_t *next = recorder.replayed + RECORDER_FIELDS * recorder.count;
            if (next[OPERATION] != recorder.operations || next[ASLEEP] != (uint32_t)asleep)
                break;
            describe(vm, next[SOURCE], next[ARGUMENT], asleep, entry);
            if (memcmp(entry, next, sizeof entry) != 0)
                recorder.has_diverged = true;
            else
                raise_and_log(vm, entry);
        }
    } else {
        while (signals.taken != signals.kept) {
            uint32_t i = signals.taken % QUEUE;
            describe(vm, signals.queue[i].source, signals.queue[i].argument, asleep, entry);
            signals.taken = signals.taken + 1;
            raise_and_log(vm, entry);
        }
    }
    return recorder.count != before;
}

void wirq_port_counted(struct wirq_vm *vm) {
    if (recorder.vm != vm)
        return;
    const struct registers *now = &vm->registers;
    bool is_same = now->ip == recorder.last.ip && now->rs == recorder.last.rs && vm->level == recorder.last_level;
    recorder.repeated = is_same ? recorder.repeated + 1 : 0;
    recorder.last = *now;
    recorder.last_level = vm->level;
    recorder.operations++;
    (void)raise_what_came(vm, false);
}

const uint32_t *recorder_log(uint32_t *count) {
    *count = recorder.count;
    return recorder.log[0];
}

uint32_t recorder_lost(void) {
    return recorder.lost + signals.lost;
}

static void begin(struct wirq_vm *vm, const uint32_t *log, uint32_t count) {
    recorder.replayed = log;
    recorder.replayed_count = count;
    recorder.is_replay = log != NULL;
    recorder.has_diverged = false;
    recorder.operations = recorder.count = recorder.lost = recorder.repeated = 0;
    memset(&recorder.last, 0, sizeof recorder.last);
    memset(&signals, 0, sizeof signals);
    recorder.vm = vm;
    wirq_inject(vm, 0, 0, false); /* nothing: the counting stubs are what is wanted */
}

#ifndef _WIN32

#include <pthread.h>
#include <signal.h>
#include <sys/select.h>

static pthread_t thread; /* that runs the VM */
static struct sigaction before[SIGNALS];
static sigset_t listened;

static void came(int number) {
    if (!pthread_equal(pthread_self(), thread)) { /* sent to the process, and another thread got it */
        (void)pthread_kill(thread, number);
        return;
    }
    uint32_t i = 0;
    while (signals.signal[i] != (uint32_t)number)
        i++;
    signals.came[i]++;
    if (signals.kept - signals.taken == QUEUE) {
        signals.lost = signals.lost + 1;
        return;
    }
    signals.queue[signals.kept % QUEUE].source = signals.source[i];
    signals.queue[signals.kept % QUEUE].argument = signals.came[i];
    signals.kept = signals.kept + 1;
}

void recorder_begin(struct wirq_vm *vm, const uint32_t *log, uint32_t count) {
    thread = pthread_self();
    (void)sigemptyset(&listened);
    begin(vm, log, count);
}

bool recorder_listen(uint32_t signal, uint32_t source) {
    uint32_t i = signals.listened;
    struct sigaction action = {.sa_handler = came, .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    if (i == SIGNALS)
        return false;
    signals.signal[i] = signal; /* before the first one comes */
    signals.source[i] = source;
    if (sigaction((int)signal, &action, &before[i]) != 0)
        return false;
    (void)sigaddset(&listened, (int)signal);
    signals.listened++;
    return true;
}

void recorder_end(void) {
    while (signals.listened != 0) {
        signals.listened--;
        (void)sigaction((int)signals.signal[signals.listened], &before[signals.listened], NULL);
    }
    recorder.vm = NULL;
}

bool recorder_sleep(struct wirq_vm *vm) {
    if (recorder.vm != vm || (signals.listened == 0 && !recorder.is_replay))
        return false;
    const struct timespec moment = {.tv_nsec = 10000000}; /* wirq_stop is no signal */
    sigset_t mask;
    (void)pthread_sigmask(SIG_BLOCK, &listened, &mask);
    while (!recorder.is_replay && signals.taken == signals.kept && !vm->stop_requested)
        (void)pselect(0, NULL, NULL, NULL, &moment, &mask);
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return raise_what_came(vm, true) || vm->stop_requested;
}

#else /* there are no signals, but their logs */

void recorder_begin(struct wirq_vm *vm, const uint32_t *log, uint32_t count) {
    begin(vm, log, count);
}

bool recorder_listen(uint32_t signal, uint32_t source) {
    (void)signal, (void)source;
    return false;
}

void recorder_end(void) {
    recorder.vm = NULL;
}

bool recorder_sleep(struct wirq_vm *vm) {
    return recorder.vm == vm && recorder.is_replay && raise_what_came(vm, true);
}

#endif
