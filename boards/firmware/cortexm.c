/* cortexm.c: faults of a Cortex-M, and reading addresses that may not be there. */
#include <stdint.h>

#if !defined __arm__ || __STDC_HOSTED__

typedef int this_board_is_no_cortex_m;

#else

#include "cortexm.h"

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
