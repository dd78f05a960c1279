/* riscv.h: what all RISC-V boards do alike (RISC-V privileged architecture, machine mode). Their clock, alarm and soft interrupt are
 * those of a SiFive CLINT at BOARD_CLINT, their interrupt lines those of a PLIC at BOARD_PLIC, both of [define] in board.toml. */
#ifndef RISCV_H
#define RISCV_H

#include <stdbool.h>
#include <stdint.h>

#include "chip.h"

#define MSTATUS_MIE UINT32_C(8)
#define MCAUSE_INTERRUPT (UINT32_C(1) << 31)

enum { INTERRUPT_SOFTWARE = 3, INTERRUPT_TIMER = 7, INTERRUPT_EXTERNAL = 11 };

/* Control registers are an extension of their own, which assemblers may want to be told of. */
#define RISCV_CSR(instruction) ".option push\n\t.option arch, +zicsr\n\t" instruction "\n\t.option pop\n\t"

static inline uint32_t riscv_read_mcause(void) {
    uint32_t cause;
    __asm__ volatile(RISCV_CSR("csrr %0, mcause") : "=r"(cause));
    return cause;
}

static inline void riscv_write_mtvec(uintptr_t address) {
    __asm__ volatile(RISCV_CSR("csrw mtvec, %0")::"r"(address));
}

static inline void riscv_enable(uint32_t interrupt) {
    __asm__ volatile(RISCV_CSR("csrs mie, %0")::"r"(UINT32_C(1) << interrupt));
}

static inline uintptr_t riscv_mask(void) {
    uint32_t before;
    __asm__ volatile(RISCV_CSR("csrrci %0, mstatus, 8") : "=r"(before)::"memory");
    return before & MSTATUS_MIE;
}

static inline void riscv_unmask(uintptr_t before) {
    __asm__ volatile(RISCV_CSR("csrs mstatus, %0")::"r"(before) : "memory");
}

/* From reset to firmware_main; the first instructions of the image. Also starts the firmware anew. */
_Noreturn void riscv_start(void);

/* No alarm, no soft interrupt: as after a reset. Masked. */
void riscv_quiet(void);

/* Lets timer, soft interrupt and the PLIC through, and no line of the PLIC yet. At the end of board_init. */
void riscv_init_interrupts(void);

/* Lets a line of the PLIC, 1 to 63, through; after riscv_init_interrupts. */
void riscv_enable_line(uint32_t line);

/* The board's: an interrupt came on this line of the PLIC. */
void riscv_line(uint32_t line);

#endif
