/* main.c: start, the main loop, and what is left between the VM and the board. */
#include <string.h>

#include "app.h"
#include "autostart.h"
#include "board.h"
#include "clock.h"
#include "console.h"
#include "files.h"
#include "firmware.h"
#include "link.h"
#include "receive.h"
#include "text.h"
#include "wirq_port.h"

struct wirq_vm *firmware_vm;
volatile bool firmware_guest_runs;
const char *const firmware_source_names[] = BOARD_SOURCE_NAMES;
const uint16_t firmware_source_vectors[] = BOARD_SOURCE_VECTORS;

uint32_t firmware_find_source(const char *name) {
    uint32_t number;
    for (uint32_t i = 0; i < BOARD_SOURCE_COUNT; i++) {
        if (strcmp(name, firmware_source_names[i]) == 0)
            return i;
    }
    return text_parse_number(name, false, &number) && number < BOARD_SOURCE_COUNT ? number : BOARD_SOURCE_COUNT;
}

/* ---- the VM's port; wirq_port_sleep is in timers.c ---- */

uint64_t wirq_port_clock_us(void) {
    return clock_us();
}

uintptr_t wirq_port_mask(void) {
    return board_mask();
}

void wirq_port_unmask(uintptr_t before) {
    board_unmask(before);
}

void wirq_port_request_safe_point(struct wirq_vm *vm) {
    (void)vm; /* there is one */
    board_soft_interrupt();
}

/* ---- interrupts ---- */

void firmware_soft_interrupt(void) {
    wirq_poison(firmware_vm);
}

void firmware_button(void) {
    wirq_raise(firmware_vm, BOARD_SOURCE_BUTTON, 0);
}

/* ---- the program ---- */

/* A handler has trapped: the console says so, whatever becomes of the run. Sources of policy `host` are contained. */
static bool handler_faulted(struct wirq_vm *vm, const struct wirq_trap *trap) {
    (void)vm;
    text_put("\nhandler of ");
    text_put(firmware_source_names[trap->source]);
    text_put(" trapped: status ");
    text_number(trap->status);
    text_put(" in function ");
    text_number(trap->function);
    text_put(" at ");
    text_number(trap->code_offset);
    text_put("\n");
    return true;
}

/* What board.toml says in [latency]. */
static const struct wirq_costs costs = {
    .raise = BOARD_LATENCY_RAISE,
    .deliver = BOARD_LATENCY_DELIVER,
    .operation = BOARD_LATENCY_OPERATION,
    .stub = BOARD_LATENCY_STUB,
    .chunk = BOARD_LATENCY_CHUNK,
    .import = BOARD_LATENCY_IMPORT,
    .per_us = BOARD_LATENCY_PER_US,
};

static void open_vm(void) {
    const struct board_memory *memory = board_memory();
    struct wirq_config config = {
        .arena = memory->arena,
        .arena_size = memory->arena_size,
        .stack_cells = memory->stack_cells,
        .handler_stack_cells = memory->handler_stack_cells,
        .source_count = BOARD_SOURCE_COUNT,
        .source_names = firmware_source_names,
        .on_fault = handler_faulted,
        .costs = BOARD_LATENCY_OPERATION != 0 ? &costs : NULL,
    };
    firmware_vm = wirq_open(&config);
    if (firmware_vm == NULL) { /* sizes in board.toml, or given to the host board, that no VM fits */
        text_put("error: the arena is too small for the VM and its stacks\n");
        board_halt();
    }
    imports_provide();
}

/* Sleeps until an ISR has brought something, unless it has already. */
static void sleep_until_called(void) {
    uintptr_t before = board_mask();
    if (!receive_pending() && !link_pending() && !autostart_pending())
        wirq_port_sleep(autostart_when());
    board_unmask(before);
}

void firmware_main(void) {
    uintptr_t before = board_mask();
    board_init();
    clock_init();
    open_vm();
    board_unmask(before);
    files_open();
    console_begin();
    for (;;) {
        link_poll();
        console_poll();
        autostart_poll();
        if (firmware_guest_runs && link_pending()) /* several frames may have come at once, and each poll takes one */
            wirq_yield_soon(firmware_vm);
        if (!app_turn())
            sleep_until_called();
    }
}
