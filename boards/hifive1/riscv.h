/* riscv.h: machine-mode registers (RISC-V privileged architecture). */
#ifndef RISCV_H
#define RISCV_H

#include <stdint.h>

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
    __asm__ volatile(RISCV_CSR("csrw mtvec, %0") ::"r"(address));
}

static inline void riscv_enable(uint32_t interrupt) {
    __asm__ volatile(RISCV_CSR("csrs mie, %0") ::"r"(UINT32_C(1) << interrupt));
}

static inline uintptr_t riscv_mask(void) {
    uint32_t before;
    __asm__ volatile(RISCV_CSR("csrrci %0, mstatus, 8") : "=r"(before)::"memory");
    return before & MSTATUS_MIE;
}

static inline void riscv_unmask(uintptr_t before) {
    __asm__ volatile(RISCV_CSR("csrs mstatus, %0") ::"r"(before) : "memory");
}

/* Wakes for an interrupt that is pending although it is masked. */
static inline void riscv_sleep(void) {
    __asm__ volatile("wfi" ::: "memory");
}

#endif
