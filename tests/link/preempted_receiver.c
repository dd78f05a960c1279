/* preempted_receiver.c: calls a function of the firmware's receiver for the main loop while bytes come from the UART, at any moment.
 *
 * receive.c is compiled with the compiler's instrumentation for a thread sanitizer, but what it calls before each access to memory is
 * here: at the chosen access the ISR takes the bytes, or at the next unmask if interrupts are masked there. */
#include <string.h>

#include "board.h"
#include "clock.h"
#include "firmware.h"
#include "link_table.h"
#include "receive.h"

#define EXPORTED __attribute__((visibility("default")))

struct wirq_vm *firmware_vm;
volatile bool firmware_guest_runs;

static bool in_call; /* the main loop's part runs */
static bool masked;
static uint32_t accesses_left; /* until the bytes come */
static const uint8_t *coming;
static uint32_t coming_length;

static void interrupt(void) {
    in_call = false;
    for (uint32_t i = 0; i < coming_length; i++)
        firmware_received(coming[i]);
    coming_length = 0;
    in_call = true;
}

static void access(void) {
    if (!in_call)
        return;
    if (accesses_left > 0)
        accesses_left--;
    if (accesses_left == 0 && !masked && coming_length > 0)
        interrupt();
}

/* ---- what the instrumentation calls ---- */

#define HOOK(name)                     \
    EXPORTED void name(void *address); \
    void name(void *address) {         \
        (void)address;                 \
        access();                      \
    }
HOOK(__tsan_read1)
HOOK(__tsan_read2)
HOOK(__tsan_read4)
HOOK(__tsan_read8)
HOOK(__tsan_read16)
HOOK(__tsan_write1)
HOOK(__tsan_write2)
HOOK(__tsan_write4)
HOOK(__tsan_write8)
HOOK(__tsan_write16)
HOOK(__tsan_unaligned_read2)
HOOK(__tsan_unaligned_read4)
HOOK(__tsan_unaligned_read8)
HOOK(__tsan_unaligned_read16)
HOOK(__tsan_unaligned_write2)
HOOK(__tsan_unaligned_write4)
HOOK(__tsan_unaligned_write8)
HOOK(__tsan_unaligned_write16)
HOOK(__tsan_read_write1)
HOOK(__tsan_read_write2)
HOOK(__tsan_read_write4)
HOOK(__tsan_read_write8)
HOOK(__tsan_unaligned_read_write4)
HOOK(__tsan_unaligned_read_write8)
HOOK(__tsan_func_entry)

void __tsan_read_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size) {
    (void)address;
    (void)size;
    access();
}

void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size) {
    (void)address;
    (void)size;
    access();
}

void __tsan_init(void);
void __tsan_init(void) {}

void __tsan_func_exit(void);
void __tsan_func_exit(void) {}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size) {
    access();
    return memcpy(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size);
void *__tsan_memset(void *to, int byte, size_t size) {
    access();
    return memset(to, byte, size);
}

/* ---- the board ---- */

uintptr_t board_mask(void) {
    bool before = masked;
    masked = true;
    return before;
}

void board_unmask(uintptr_t before) {
    masked = before != 0;
    access();
}

uint64_t clock_us(void) {
    return 0;
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    (void)bytes;
    (void)length;
}

/* ---- what the test does ---- */

EXPORTED void test_receive(const uint8_t *bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++)
        firmware_received(bytes[i]);
}

/* The bytes come at the n-th access from now on. */
EXPORTED void test_coming(const uint8_t *bytes, uint32_t length, uint32_t n) {
    coming = bytes;
    coming_length = length;
    accesses_left = n;
}

EXPORTED bool test_has_come(void) {
    return coming_length == 0;
}

EXPORTED void test_open_session(void) {
    receive_open_session();
}

EXPORTED bool test_damaged(void) {
    in_call = true;
    bool damaged = receive_damaged();
    in_call = false;
    return damaged;
}

EXPORTED bool test_interrupted(void) {
    in_call = true;
    bool interrupted = receive_interrupted();
    in_call = false;
    return interrupted;
}

EXPORTED void test_forget_text(void) {
    in_call = true;
    receive_forget_text();
    in_call = false;
}

EXPORTED uint32_t test_text(uint8_t *to, uint32_t capacity) {
    in_call = true;
    uint32_t length = receive_text(to, capacity);
    in_call = false;
    return length;
}
