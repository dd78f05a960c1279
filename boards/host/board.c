/* board.c: the host board. Interrupts are real asynchronous signals to the thread that runs the firmware: from the thread that
 * reads the serial line, from a POSIX timer, and from whoever sends SIGUSR2. While one signal's handler runs the others are held,
 * as ISRs of one priority are; the handler itself asks for the safe point (R13: on POSIX the signal handler does). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "host.h"

static struct board_memory memory;
static sigset_t interrupts, outside; /* the signals that are interrupts; the mask when they are let through */
static uint64_t start_us;
static timer_t alarm_timer;
static bool pin_levels[BOARD_PIN_COUNT];
static char **command_line;

_Noreturn void host_fail(const char *what) {
    fprintf(stderr, "wirq-host: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- interrupts ---- */

static void isr(int number) {
    int before = errno;
    if (number == SERIAL_SIGNAL)
        serial_isr();
    else if (number == ALARM_SIGNAL)
        firmware_alarm();
    else
        firmware_button();
    errno = before;
}

static void install_isrs(void) {
    static const int numbers[] = {SERIAL_SIGNAL, ALARM_SIGNAL, BUTTON_SIGNAL};
    struct sigaction action = {.sa_handler = isr, .sa_mask = interrupts, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (sigaction(numbers[i], &action, NULL) != 0)
            host_fail("sigaction");
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* a reader that has gone is an error of write */
}

uintptr_t board_mask(void) {
    sigset_t before;
    (void)pthread_sigmask(SIG_BLOCK, &interrupts, &before);
    return sigismember(&before, ALARM_SIGNAL) == 1;
}

void board_unmask(uintptr_t before) {
    if (!before)
        (void)pthread_sigmask(SIG_UNBLOCK, &interrupts, NULL);
}

void board_sleep(void) {
    if (serial_ended())
        exit(0);
    (void)sigsuspend(&outside);
}

void board_soft_interrupt(void) {
    firmware_soft_interrupt();
}

/* ---- time ---- */

static uint64_t monotonic_us(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t board_ticks(void) {
    return monotonic_us() - start_us;
}

uint32_t board_tick_hz(void) {
    return BOARD_TICK_HZ;
}

void board_alarm(uint64_t ticks) {
    struct itimerspec when = {0}; /* zero: disarmed */
    if (ticks < UINT64_MAX - start_us) {
        uint64_t us = start_us + ticks;
        when.it_value.tv_sec = (time_t)(us / 1000000);
        when.it_value.tv_nsec = (long)(us % 1000000 * 1000);
    }
    (void)timer_settime(alarm_timer, TIMER_ABSTIME, &when, NULL);
}

/* ---- the rest ---- */

void board_uart_write(const uint8_t *bytes, size_t length) {
    serial_write(bytes, length);
}

void board_pin_drive(uint32_t pin, bool high) {
    pin_levels[pin] = high;
}

bool board_pin_level(uint32_t pin) {
    return pin_levels[pin];
}

void board_unique_id(uint8_t id[8]) {
    memset(id, 0, 8);
}

_Noreturn void board_reset(void) {
    /* The new program begins with the interrupts held, so that one that is pending does not meet a missing handler. */
    (void)board_mask();
    execv("/proc/self/exe", command_line);
    execvp(command_line[0], command_line);
    host_fail("cannot start anew");
}

_Noreturn void board_halt(void) {
    exit(1);
}

const struct board_memory *board_memory(void) {
    return &memory;
}

uint32_t board_static_bytes(void) {
    return 0;
}

void board_init(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = ALARM_SIGNAL};
    start_us = monotonic_us();
    if (timer_create(CLOCK_MONOTONIC, &event, &alarm_timer) != 0)
        host_fail("timer_create");
    install_isrs();
    serial_open();
}

/* ---- start ---- */

static void *reserve(size_t size, const char *what) {
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        host_fail(what);
    return start;
}

static void *run_firmware(void *unused) {
    (void)unused;
    (void)pthread_sigmask(SIG_UNBLOCK, &interrupts, NULL);
    firmware_main();
}

/* The firmware gets a thread with a stack of its own, so that its use can be measured as on a chip. */
static void start_firmware(pthread_t *thread) {
    pthread_attr_t attributes;
    uint8_t *stack = reserve(BOARD_C_STACK_SIZE, "no memory for the C stack");
    for (size_t i = 0; i < BOARD_C_STACK_SIZE; i += sizeof(uint32_t))
        *(uint32_t *)(void *)(stack + i) = BOARD_STACK_PAINT;
    memory = (struct board_memory){
        .arena = reserve(options.arena_size, "no memory for the arena"),
        .arena_size = options.arena_size,
        .stack_cells = options.stack_cells,
        .handler_stack_cells = options.handler_stack_cells,
        .c_stack_bottom = stack,
        .c_stack_top = stack + BOARD_C_STACK_SIZE,
        .ram_size = (uint32_t)options.arena_size + BOARD_C_STACK_SIZE,
    };
    (void)pthread_attr_init(&attributes);
    errno = pthread_attr_setstack(&attributes, stack, BOARD_C_STACK_SIZE);
    if (errno == 0)
        errno = pthread_create(thread, &attributes, run_firmware, NULL);
    if (errno != 0)
        host_fail("pthread_create");
}

int main(int count, char **words) {
    pthread_t thread;
    command_line = words;
    options_read(count, words);
    (void)sigemptyset(&interrupts);
    (void)sigaddset(&interrupts, SERIAL_SIGNAL);
    (void)sigaddset(&interrupts, ALARM_SIGNAL);
    (void)sigaddset(&interrupts, BUTTON_SIGNAL);
    (void)pthread_sigmask(SIG_BLOCK, &interrupts, &outside); /* in every thread but the firmware's */
    (void)sigdelset(&outside, SERIAL_SIGNAL);
    (void)sigdelset(&outside, ALARM_SIGNAL);
    (void)sigdelset(&outside, BUTTON_SIGNAL);
    start_firmware(&thread);
    (void)pthread_join(thread, NULL);
}
