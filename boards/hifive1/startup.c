/* startup.c: from reset to C, and the one trap entry. */
#include "board.h"
#include "chip.h"
#include "riscv.h"

void begin(void);
void trap(void);

/* The first instructions of the image. */
__attribute__((naked, section(".reset"), used)) void reset(void);
void reset(void) {
    __asm__ volatile(RISCV_CSR("csrci mstatus, 8") /* for when the firmware starts itself anew */
                     RISCV_CSR("csrw mie, zero")
                     ".option push\n\t"
                     ".option norelax\n\t"
                     "la gp, __global_pointer$\n\t"
                     ".option pop\n\t"
                     "la sp, __stack_top\n\t"
                     "j begin");
}

__attribute__((used)) void begin(void) {
    chip_init_memory();
    riscv_write_mtvec((uintptr_t)trap);
    riscv_unmask(MSTATUS_MIE);
    firmware_main();
}

void riscv_interrupt(uint32_t cause);

__attribute__((interrupt("machine"), aligned(4))) void trap(void) {
    uint32_t cause = riscv_read_mcause();
    if (!(cause & MCAUSE_INTERRUPT))
        chip_fault();
    riscv_interrupt(cause & ~MCAUSE_INTERRUPT);
}
