/* chip.c: memory of a chip. Symbols that begin with __ are the linker script's. */
#include "chip.h"
#include "sizes.h"

#include <string.h>

#include "board.h"

#if __STDC_HOSTED__

typedef int chip_memory_is_laid_out_by_linker_scripts;

#else

extern uint8_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[], __stack_bottom[], __stack_top[];

/* The C stack lies at the start of RAM: one that overflows meets no memory and faults, instead of overwriting data. */
__attribute__((section(".stack"), aligned(8), used)) static uint8_t stack[BOARD_C_STACK_SIZE];
__attribute__((section(".arena"), aligned(8))) static uint8_t arena[BOARD_ARENA_SIZE - BOARD_TRACE_BYTES];

void chip_init_memory(void) {
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    uint32_t here;
    for (volatile uint32_t *word = (uint32_t *)(void *)stack; (uintptr_t)word < (uintptr_t)&here - 64; word++)
        *word = BOARD_STACK_PAINT;
}

const struct board_memory *board_memory(void) {
    static const struct board_memory memory = {
        .arena = arena,
        .arena_size = sizeof arena,
        .stack_cells = BOARD_STACK_CELLS,
        .handler_stack_cells = BOARD_HANDLER_STACK_CELLS,
        .c_stack_bottom = __stack_bottom,
        .c_stack_top = __stack_top,
        .ram_size = BOARD_RAM_SIZE,
    };
    return &memory;
}

uint32_t board_static_bytes(void) {
    return (uint32_t)(__data_end - __data_start) + (uint32_t)(__bss_end - __bss_start);
}

_Noreturn void board_halt(void) {
    (void)board_mask();
    for (;;)
        board_sleep();
}

_Noreturn void chip_fault(void) {
    static const char text[] = "\r\nerror: the firmware failed and starts anew\r\n";
    (void)board_mask();
    board_uart_write((const uint8_t *)text, sizeof text - 1);
    board_reset();
}

#endif
