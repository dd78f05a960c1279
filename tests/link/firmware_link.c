/* firmware_link.c: what the firmware's link needs of the rest of the firmware, for tests that load it into their own process and
 * give it bytes and the time. Built with the firmware's link.c, frame.c, receive.c, upload.c, sha256.c and commands_files.c. */
#include <string.h>

#include "app.h"
#include "board.h"
#include "clock.h"
#include "commands.h"
#include "console.h"
#include "files.h"
#include "firmware.h"
#include "kept_code.h"
#include "link.h"
#include "link_table.h"
#include "receive.h"

#define EXPORTED __attribute__((visibility("default")))

struct wirq_vm *firmware_vm;
volatile bool firmware_guest_runs;

static uint64_t time_us;
static uint8_t output[1 << 20];
static uint32_t output_length;
static uint32_t raises[256]; /* what every irq.raise asked for, in order */
static uint32_t raise_count;
static uint32_t events_due, events_told; /* each tells its number */
static bool invoked, answered;

/* ---- what the test does ---- */

EXPORTED void test_receive(const uint8_t *bytes, uint32_t length, uint64_t now) {
    time_us = now;
    while (length-- > 0)
        firmware_received(*bytes++);
}

EXPORTED void test_poll(void) {
    while (link_pending() || receive_pending()) {
        uint8_t text[64];
        link_poll();
        while (receive_text(text, sizeof text) > 0 || receive_interrupted())
            continue;
        if (!link_pending())
            break;
    }
}

EXPORTED uint32_t test_take_output(uint8_t *to, uint32_t capacity) {
    uint32_t length = output_length < capacity ? output_length : capacity;
    memcpy(to, output, length);
    memmove(output, output + length, output_length - length);
    output_length -= length;
    return length;
}

EXPORTED uint32_t test_raises(uint32_t *to, uint32_t capacity) {
    memcpy(to, raises, (raise_count < capacity ? raise_count : capacity) * sizeof *to);
    return raise_count;
}

EXPORTED void test_events(uint32_t count) {
    events_due += count;
}

EXPORTED void test_answer(void) {
    answered = invoked;
}

/* What link.c and commands_files.c call files_space. */
void counted_files_space(struct store_space *space);

static uint32_t spaces;

void counted_files_space(struct store_space *space) {
    spaces++;
    files_space(space);
}

EXPORTED uint32_t test_spaces(void) {
    return spaces;
}

/* ---- the board ---- */

uint64_t clock_us(void) {
    return time_us;
}

uintptr_t board_mask(void) {
    return 0;
}

void board_unmask(uintptr_t before) {
    (void)before;
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    if (length > sizeof output - output_length)
        return;
    memcpy(output + output_length, bytes, length);
    output_length += (uint32_t)length;
}

void board_unique_id(uint8_t id[8]) {
    memset(id, 7, 8);
}

_Noreturn void board_reset(void) {
    for (;;)
        continue;
}

const struct board_memory *board_memory(void) {
    static uint64_t arena[BOARD_ARENA_SIZE / 8];
    static const struct board_memory memory = {.arena = arena, .arena_size = sizeof arena};
    return &memory;
}

/* ---- the VM ---- */

uint32_t wirq_features(void) {
    return 3;
}

uint32_t wirq_operation_count(void) {
    return 100;
}

wirq_status wirq_resize_arena(struct wirq_vm *vm, size_t size) {
    (void)vm;
    (void)size;
    return WIRQ_OK;
}

/* ---- the app ---- */

bool kept_code_possible(void) {
    return false;
}

uint32_t kept_code_bytes(void) {
    return 0;
}

void kept_code_remove(const char *name, uint32_t length) {
    (void)name;
    (void)length;
}

void kept_code_remove_all(void) {}

bool app_is_loading(void) {
    return false;
}

bool app_answer_pending(enum app_asker asker) {
    return answered && asker == APP_LINK;
}

wirq_status app_answer(void) {
    answered = invoked = false;
    link_put_u32(42);
    return WIRQ_OK;
}

void app_forget_answer(void) {
    answered = invoked = false;
}

bool app_exit_pending(void) {
    return false;
}

void app_take_exit(struct app_exit *exit) {
    (void)exit;
}

void console_app_ended(const struct app_exit *exit) {
    (void)exit;
}

/* ---- commands ---- */

static wirq_status nothing(const struct request *request) {
    (void)request;
    return WIRQ_OK;
}

static wirq_status invoke(const struct request *request) {
    (void)request;
    if (invoked)
        return WIRQ_BUSY;
    invoked = true;
    return LINK_DEFERRED;
}

static wirq_status raise(const struct request *request) {
    raises[raise_count++ % 256] = link_get_u32(request->fields + LINK_IRQ_RAISE_REQUEST_COUNT);
    return WIRQ_OK;
}

const struct link_command control_commands[] = {{LINK_CHANNEL_CONTROL, LINK_CONTROL_SET_TICK, 0, nothing}};
const uint32_t control_command_count = 1;
const struct link_command app_commands[] = {{LINK_CHANNEL_APP, LINK_APP_INVOKE, 0, invoke}};
const uint32_t app_command_count = 1;
const struct link_command irq_commands[] = {
    {LINK_CHANNEL_IRQ, LINK_IRQ_RAISE, LINK_IRQ_RAISE_REQUEST_FIXED_SIZE, raise},
};
const uint32_t irq_command_count = 1;
const struct link_command trap_commands[] = {{LINK_CHANNEL_TRAP, 0, 0, nothing}};
const uint32_t trap_command_count = 0;

bool events_pending(void) {
    return events_told != events_due;
}

bool events_write(uint8_t *channel) {
    *channel = LINK_CHANNEL_IRQ;
    link_put_u8(LINK_EVENT_IRQ_IRQ);
    link_put_u8(1);
    link_put_u32(events_told++);
    link_put_u32(0);
    link_put_u32(0);
    link_put_u64(time_us);
    return true;
}
