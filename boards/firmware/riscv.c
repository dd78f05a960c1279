/* riscv.c: what all RISC-V boards do alike: start, trap entry, mask, sleep, clock and alarm, soft interrupt, interrupt lines. */
#include "board.h"

#if !defined __riscv || __STDC_HOSTED__

typedef int this_board_is_no_riscv;

#else

#include "riscv.h"

#define CLINT_MSIP CHIP_REGISTER(BOARD_CLINT)
#define CLINT_MTIMECMP_LOW CHIP_REGISTER(BOARD_CLINT + 0x4000)
#define CLINT_MTIMECMP_HIGH CHIP_REGISTER(BOARD_CLINT + 0x4004)
#define CLINT_MTIME_LOW CHIP_REGISTER(BOARD_CLINT + 0xBFF8)
#define CLINT_MTIME_HIGH CHIP_REGISTER(BOARD_CLINT + 0xBFFC)

/* Context 0 of the PLIC is machine mode of the first hart. */
#define PLIC_PRIORITY(line) CHIP_REGISTER(BOARD_PLIC + 4 * (line))
#define PLIC_ENABLE(n) CHIP_REGISTER(BOARD_PLIC + 0x2000 + 4 * (n))
#define PLIC_THRESHOLD CHIP_REGISTER(BOARD_PLIC + 0x200000)
#define PLIC_CLAIM CHIP_REGISTER(BOARD_PLIC + 0x200004)

/* ---- start ---- */

void riscv_begin(void);
void riscv_trap(void);

__attribute__((naked, section(".reset"), used)) void riscv_start(void) {
    /* The first two are for when the firmware starts itself anew. */
    // clang-format off
    __asm__ volatile(RISCV_CSR("csrci mstatus, 8")
                     RISCV_CSR("csrw mie, zero")
                     ".option push\n\t"
                     ".option norelax\n\t"
                     "la gp, __global_pointer$\n\t"
                     ".option pop\n\t"
                     "la sp, __stack_top\n\t"
                     "j riscv_begin");
    // clang-format on
}

__attribute__((used)) void riscv_begin(void) {
    chip_init_memory();
    riscv_write_mtvec((uintptr_t)riscv_trap);
    riscv_unmask(MSTATUS_MIE);
    firmware_main();
}

/* ---- clock and alarm ---- */

uint64_t board_ticks(void) {
    uint32_t high, low;
    do {
        high = CLINT_MTIME_HIGH;
        low = CLINT_MTIME_LOW;
    } while (CLINT_MTIME_HIGH != high);
    return (uint64_t)high << 32 | low;
}

uint32_t board_tick_hz(void) {
    return BOARD_TICK_HZ;
}

/* A time that never comes. Not the largest number: QEMU 7.2 multiplies the distance by nanoseconds, which wraps, and its event loop
 * then spins on a timer that is always due. */
#define NEVER (UINT64_C(1) << 56)

void board_alarm(uint64_t ticks) {
    if (ticks > NEVER)
        ticks = NEVER;
    CLINT_MTIMECMP_LOW = UINT32_MAX; /* so that no value in between is in the past */
    CLINT_MTIMECMP_HIGH = (uint32_t)(ticks >> 32);
    CLINT_MTIMECMP_LOW = (uint32_t)ticks;
}

/* ---- interrupts ---- */

uintptr_t board_mask(void) {
    return riscv_mask();
}

void board_unmask(uintptr_t before) {
    riscv_unmask(before);
}

/* Wakes for an interrupt that is pending although it is masked. */
void board_sleep(void) {
    __asm__ volatile("wfi" ::: "memory");
}

void board_soft_interrupt(void) {
    CLINT_MSIP = 1;
}

void riscv_quiet(void) {
    CLINT_MSIP = 0;
    board_alarm(UINT64_MAX);
}

void riscv_init_interrupts(void) {
    riscv_quiet();
    PLIC_ENABLE(0) = 0;
    PLIC_ENABLE(1) = 0;
    PLIC_THRESHOLD = 0;
    riscv_enable(INTERRUPT_EXTERNAL);
    riscv_enable(INTERRUPT_TIMER);
    riscv_enable(INTERRUPT_SOFTWARE);
}

void riscv_enable_line(uint32_t line) {
    PLIC_PRIORITY(line) = 1;
    PLIC_ENABLE(line / 32) |= UINT32_C(1) << line % 32;
}

/* Traps do not interrupt one another here, so the soft interrupt runs after the ISR that asked for it. */
__attribute__((interrupt("machine"), aligned(4))) void riscv_trap(void) {
    switch (riscv_read_mcause()) {
    case MCAUSE_INTERRUPT | INTERRUPT_EXTERNAL: {
        uint32_t line = PLIC_CLAIM;
        if (line != 0) {
            riscv_line(line);
            PLIC_CLAIM = line;
        }
        break;
    }
    case MCAUSE_INTERRUPT | INTERRUPT_TIMER:
        firmware_alarm(); /* which sets the next one */
        break;
    case MCAUSE_INTERRUPT | INTERRUPT_SOFTWARE:
        CLINT_MSIP = 0;
        firmware_soft_interrupt();
        break;
    default:
        chip_fault();
    }
}

#endif
