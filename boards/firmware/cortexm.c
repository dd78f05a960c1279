/* cortexm.c: what all Cortex-M boards do alike: start, mask, sleep, the soft interrupt, faults, and reading addresses that may
 * not be there. */
#include <stdint.h>

#if !defined __arm__ || __STDC_HOSTED__

typedef int this_board_is_no_cortex_m;

#else

#include "board.h"
#include "cortexm.h"

/* ---- start and reset ---- */

/* Where the linker script begins the image. */
void cortexm_start(void) {
#if __ARM_ARCH >= 7
    SCB_VTOR = BOARD_FLASH_ORIGIN; /* a boot loader may have left another */
#endif
#if __ARM_FP
    SCB_CPACR |= CPACR_FPU; /* before the first floating-point instruction */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    chip_init_memory();
    firmware_main();
}

_Noreturn void board_reset(void) {
    __asm__ volatile("dsb" ::: "memory");
    SCB_AIRCR = UINT32_C(0x05FA0004);
    for (;;) {
    }
}

/* ---- interrupts ---- */

void board_soft_interrupt(void) {
    SCB_ICSR = ICSR_PENDSVSET;
}

void cortexm_soft_interrupt(void) {
    firmware_soft_interrupt();
}

uintptr_t board_mask(void) {
    return cortexm_mask();
}

void board_unmask(uintptr_t before) {
    cortexm_unmask(before);
}

/* Wakes for an interrupt that is pending although it is masked. */
void board_sleep(void) {
    __asm__ volatile("dsb\n\twfi" ::: "memory");
}

/* ---- faults ---- */

static volatile bool probing, probe_failed;

/* frame is what the exception has stacked: r0-r3, r12, lr, pc, xpsr. */
void cortexm_faulted(uint32_t *frame);
__attribute__((used)) void cortexm_faulted(uint32_t *frame) {
    if (!probing)
        chip_fault();
    probe_failed = true;
    frame[6] += 2; /* past the load of cortexm_probe */
}

__attribute__((naked)) void cortexm_fault(void) {
    __asm__ volatile("mov r0, sp\n\t"
                     "ldr r1, =cortexm_faulted\n\t"
                     "bx r1\n\t"
                     ".ltorg");
}

bool cortexm_probe(uint32_t address, uint32_t *value) {
    register uint32_t r0 __asm__("r0") = address;
    probe_failed = false;
    probing = true;
    __asm__ volatile("dsb\n\t"
                     ".inst.n 0x6800\n\t" /* ldr r0, [r0], in two bytes */
                     "dsb"
                     : "+r"(r0)::"memory");
    probing = false;
    *value = r0;
    return !probe_failed;
}

#endif
