/* imports.c: what guests can ask of the board: import module "board". The same names and types on every board;
 * guests/c/wirq_guest.h tells guests what they do. And one function that does nothing, by which benchmarks measure a call. */
#include "board.h"
#include "clock.h"
#include "firmware.h"
#include "receive.h"
#include "text.h"
#include "timers.h"

/* Most bytes of text that one call takes: sending them keeps the guest's handlers waiting. */
#define WRITE_PIECE 128

static wirq_status board_write(struct wirq_vm *vm, uint32_t *cells) {
    uint32_t length = cells[1];
    const uint8_t *text = wirq_memory_range(vm, cells[0], length);
    if (text == NULL)
        return WIRQ_TRAP_MEMORY;
    if (length > WRITE_PIECE)
        length = WRITE_PIECE;
    text_write((const char *)text, length);
    cells[0] = length;
    return WIRQ_OK;
}

static wirq_status board_read(struct wirq_vm *vm, uint32_t *cells) {
    uint8_t *to = wirq_memory_range(vm, cells[0], cells[1]);
    if (to == NULL)
        return WIRQ_TRAP_MEMORY;
    cells[0] = receive_text(to, cells[1]);
    return WIRQ_OK;
}

static wirq_status board_pin_write(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    if (cells[0] >= BOARD_PIN_COUNT)
        return WIRQ_TRAP_HOST;
    board_pin_drive(cells[0], cells[1] != 0);
    return WIRQ_OK;
}

static wirq_status board_pin_read(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    if (cells[0] >= BOARD_PIN_COUNT)
        return WIRQ_TRAP_HOST;
    cells[0] = board_pin_level(cells[0]);
    return WIRQ_OK;
}

static wirq_status board_timer_start(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    cells[0] = timers_start(cells[0], cells[1]);
    return WIRQ_OK;
}

static wirq_status board_timer_stop(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    cells[0] = timers_stop(cells[0]);
    return WIRQ_OK;
}

static wirq_status board_clock_us(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    uint64_t now = clock_us();
    cells[0] = (uint32_t)now;
    cells[1] = (uint32_t)(now >> 32);
    return WIRQ_OK;
}

static wirq_status bench_nothing(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm, (void)cells;
    return WIRQ_OK;
}

void imports_provide(void) {
    static const struct wirq_host_import imports[] = {
        {"board", "write", "ii:i", board_write, true},
        {"board", "read", "ii:i", board_read, true},
        {"board", "pin_write", "ii:", board_pin_write, true},
        {"board", "pin_read", "i:i", board_pin_read, true},
        {"board", "timer_start", "ii:i", board_timer_start, true},
        {"board", "timer_stop", "i:i", board_timer_stop, true},
        {"board", "clock_us", ":I", board_clock_us, true},
        {"bench", "nothing", ":", bench_nothing, true},
    };
    (void)wirq_provide(firmware_vm, imports, sizeof imports / sizeof *imports);
}
