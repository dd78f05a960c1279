/* virtual_board.c: what boards/firmware/imports.c asks of a board, for a VM in this process. Everything that happens here follows from
 * what the guest does: the clock goes on only when the guest waits or looks at it, text comes from and goes to buffers. So the same
 * run is the same run each time it is done, and its state can be saved and put back with the VM's. */
#include "virtual_board.h"

#include <string.h>

#include "board.h"
#include "clock.h"
#include "firmware.h"
#include "receive.h"
#include "recorder.h"
#include "text.h"
#include "timers.h"
#include "vm.h"

#define OUTPUT_SIZE (1 << 16)

struct wirq_vm *firmware_vm; /* the VM that has this board; NULL: none has */

static struct {
    uint64_t now;
    uint32_t input_at, wake_at;
    uint32_t written[VIRTUAL_OUTPUTS];
    uint8_t levels[BOARD_PIN_COUNT];
    struct {
        uint64_t due;
        uint32_t period_us; /* 0: it does not run */
    } timers[BOARD_SOURCE_COUNT];
    bool waits_for_ever;
} state;

static uint8_t output[VIRTUAL_OUTPUTS][OUTPUT_SIZE];
static const uint8_t *input;
static uint32_t input_size;
static uint8_t wakes[256];
static uint32_t wake_count;

/* ---- time ---- */

uint64_t wirq_port_clock_us(void) {
    return state.now;
}

/* The clock goes on to a time, and timers that are due raise their sources. */
static void go_on_to(uint64_t us) {
    state.now = us;
    for (uint32_t i = 0; i < BOARD_SOURCE_COUNT; i++) {
        if (state.timers[i].period_us != 0 && state.timers[i].due <= us) {
            state.timers[i].due = us + state.timers[i].period_us;
            wirq_raise(firmware_vm, i, 0);
        }
    }
}

void wirq_port_sleep(uint64_t deadline_us) {
    if (firmware_vm == NULL)
        return;
    if (state.wake_at < wake_count) {
        wirq_raise(firmware_vm, wakes[state.wake_at++], 0);
        return;
    }
    if (state.input_at < input_size) {
        wirq_raise(firmware_vm, BOARD_SOURCE_UART, 0);
        return;
    }
    for (uint32_t i = 0; i < BOARD_SOURCE_COUNT; i++) {
        if (state.timers[i].period_us != 0 && state.timers[i].due < deadline_us)
            deadline_us = state.timers[i].due;
    }
    if (deadline_us != UINT64_MAX) {
        go_on_to(deadline_us > state.now ? deadline_us : state.now);
    } else if (!recorder_sleep(firmware_vm)) { /* nothing will ever wake it */
        state.waits_for_ever = true;
        wirq_stop(firmware_vm);
    }
}

/* A look of the guest at the clock takes a microsecond, so that it can wait for a time to come. What handlers do costs none: it would
 * show in what they interrupt. */
uint64_t clock_us(void) {
    if (!vm_in_handler(firmware_vm))
        go_on_to(state.now + 1);
    return state.now;
}

wirq_status timers_start(uint32_t source, uint32_t period_us) {
    if (source >= BOARD_SOURCE_COUNT)
        return WIRQ_UNKNOWN_SOURCE;
    state.timers[source].period_us = period_us != 0 ? period_us : 1;
    state.timers[source].due = state.now + state.timers[source].period_us;
    return WIRQ_OK;
}

wirq_status timers_stop(uint32_t source) {
    if (source >= BOARD_SOURCE_COUNT)
        return WIRQ_UNKNOWN_SOURCE;
    state.timers[source].period_us = 0;
    return WIRQ_OK;
}

/* ---- text and pins ---- */

static void write(enum virtual_output to, const void *bytes, size_t length) {
    size_t room = OUTPUT_SIZE - state.written[to];
    length = length < room ? length : room;
    memcpy(output[to] + state.written[to], bytes, length);
    state.written[to] += (uint32_t)length;
}

void text_write(const char *text, size_t length) {
    write(vm_in_handler(firmware_vm) ? VIRTUAL_HANDLER_TEXT : VIRTUAL_TEXT, text, length);
}

uint32_t receive_text(uint8_t *to, uint32_t capacity) {
    uint32_t length = input_size - state.input_at;
    length = length < capacity ? length : capacity;
    if (length != 0)
        memcpy(to, input + state.input_at, length);
    state.input_at += length;
    return length;
}

void board_pin_drive(uint32_t pin, bool high) {
    const uint8_t edge[] = {(uint8_t)pin, high};
    state.levels[pin] = high;
    if (!vm_in_handler(firmware_vm))
        write(VIRTUAL_PINS, edge, sizeof edge);
}

bool board_pin_level(uint32_t pin) {
    return state.levels[pin] != 0;
}

/* ---- for virtual.py ---- */

static const char *const source_names[] = BOARD_SOURCE_NAMES;

/* Begins anew, with a VM that has the sources of the host board and its import module. NULL if the arena is too small. */
struct wirq_vm *virtual_open(void *arena, size_t size) {
    struct wirq_config config = {.arena = arena,
                                 .arena_size = size,
                                 .stack_cells = BOARD_STACK_CELLS,
                                 .handler_stack_cells = BOARD_HANDLER_STACK_CELLS,
                                 .source_count = BOARD_SOURCE_COUNT,
                                 .source_names = source_names};
    firmware_vm = NULL;
    memset(&state, 0, sizeof state);
    struct wirq_vm *vm = wirq_open(&config);
    if (vm == NULL)
        return NULL;
    firmware_vm = vm;
    imports_provide();
    return vm;
}

void virtual_close(void) {
    firmware_vm = NULL;
}

/* What is typed, which must stay, and the sources that end waits, one after the other. */
void virtual_script(const uint8_t *text, uint32_t size, const uint8_t *sources, uint32_t count) {
    input = text;
    input_size = size;
    wake_count = count < sizeof wakes ? count : sizeof wakes;
    memcpy(wakes, sources, wake_count);
}

/* The board's whole state, to be saved and put back. */
void *virtual_state(uint32_t *size) {
    *size = sizeof state;
    return &state;
}

const uint8_t *virtual_written(uint32_t which, uint32_t *size) {
    *size = state.written[which];
    return output[which];
}

bool virtual_waits_for_ever(void) {
    return state.waits_for_ever;
}
