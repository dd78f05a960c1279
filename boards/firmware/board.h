/* board.h: what a board must do for the firmware, and what it must tell it. A board is these functions and a board.toml.
 *
 * Contexts. "Thread" is the main program; "ISR" is any interrupt service routine. All ISRs that call one of the firmware_…
 * functions below run at ONE priority, so that none interrupts another: together they are one raising context (R10: one source,
 * one raising context). The soft interrupt has a lower priority than all of them.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board_facts.h" /* generated from board.toml */

/* ---- what the board implements ---- */

/* The board's memory, known when board_init has returned. */
struct board_memory {
    void *arena; /* for the VM and for uploads; 8-byte aligned */
    size_t arena_size;
    uint32_t stack_cells, handler_stack_cells;
    uint8_t *c_stack_bottom, *c_stack_top; /* painted with BOARD_STACK_PAINT below what is in use at start */
    uint32_t ram_size;
};
#define BOARD_STACK_PAINT UINT32_C(0x57495251)

/* Sets the board up: clocks, serial line, tick counter, pins, button, soft interrupt. Called once, with interrupts masked. Every
 * wait for a ready flag is bounded and falls back to the reset clock: a register that reads 0 for ever must not hang the boot. */
void board_init(void);
const struct board_memory *board_memory(void);
/* .data and .bss without arena and C stack; 0 where nobody counts them. */
uint32_t board_static_bytes(void);

/* Sends bytes, waiting for the transmitter; a transmitter that never becomes ready loses them. Thread only. */
void board_uart_write(const uint8_t *bytes, size_t length);

/* Counts up from about 0 and never wraps or goes back. Any context. */
uint64_t board_ticks(void);
/* How fast the board believes it counts. The host may know better (an emulator) and say so after hello. */
uint32_t board_tick_hz(void);
/* Asks for firmware_alarm() once board_ticks() has reached this; UINT64_MAX: not at all. It may come early, and may be asked for
 * in the past: then it comes at once. Masked or from firmware_alarm(). */
void board_alarm(uint64_t ticks);

/* Holds off all ISRs, the soft interrupt included; not nested. Any context. */
uintptr_t board_mask(void);
void board_unmask(uintptr_t before);
/* Sleeps until an interrupt is pending. Entered and left masked; see wirq_port_sleep. May return early. */
void board_sleep(void);

/* Has firmware_soft_interrupt() called soon, from a context below all ISRs. Any context. */
void board_soft_interrupt(void);

/* Pins by their number in board.toml. `high` is the level of an output; of `led`, whether it is lit. pin is always in range. */
void board_pin_drive(uint32_t pin, bool high);
bool board_pin_level(uint32_t pin);

/* Is the button held down? Only for boards whose board.toml says HAS_BUTTON. */
bool board_button_pressed(void);

/* Flash for files; only for boards whose board.toml has a table [store]. board_flash() finds out, without writing anything and
 * with bounded waits, whether it can be written: its first byte, or NULL. The other two take byte offsets from there, program words
 * at a multiple of 4, erase the sector at an offset, and answer false if the flash did not. Thread only. */
const uint8_t *board_flash(void);
bool board_flash_program(uint32_t offset, const uint32_t *words, uint32_t count);
bool board_flash_erase(uint32_t offset);

/* All zero if the board has no number of its own. */
void board_unique_id(uint8_t id[8]);

/* Starts the firmware anew. */
_Noreturn void board_reset(void);
/* Stops for good: the firmware cannot run. */
_Noreturn void board_halt(void);

/* ---- what the board calls ---- */

/* The device program; called by start-up code when memory is initialised, with interrupts let through and none enabled. */
_Noreturn void firmware_main(void);

void firmware_received(uint8_t byte); /* from the UART's ISR, for each byte */
void firmware_alarm(void);            /* from the tick's ISR */
void firmware_button(void);           /* from the button's ISR, when it was pressed */
void firmware_soft_interrupt(void);   /* from the soft interrupt */
void firmware_stop(void);             /* from an ISR: ends the running guest, if any (the board's serial line was closed) */

#endif
