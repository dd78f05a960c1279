/* chip.h: what the firmware has in common on all chips: memory as the linker script lays it out. Not for the host board. */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stdint.h>

/* Initialises .data and .bss and paints the C stack; the first thing that start-up code does. */
void chip_init_memory(void);

/* A fault of the firmware itself, or an interrupt that nobody expects: says so on the serial line and starts anew. */
_Noreturn void chip_fault(void);

/* A register. Tests that play the hardware have registers of their own. */
#ifndef CHIP_REGISTER
#define CHIP_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#endif

/* Waits until a register's bits are as wanted; false if they do not become so within some ten milliseconds. */
static inline bool chip_wait(volatile const uint32_t *address, uint32_t bits, uint32_t wanted) {
    for (uint32_t i = 0; i < 100000; i++) {
        if ((*address & bits) == wanted)
            return true;
    }
    return false;
}

#endif
