/* cortexm.h: the processor registers that all Cortex-M boards use (Armv6-M, Armv7-M and Armv8-M architecture reference manuals). */
#ifndef CORTEXM_H
#define CORTEXM_H

#include <stdbool.h>
#include <stdint.h>

#include "chip.h"

#define SYST_CSR CHIP_REGISTER(0xE000E010)
#define SYST_RVR CHIP_REGISTER(0xE000E014)
#define SYST_CVR CHIP_REGISTER(0xE000E018)
#define NVIC_ISER(n) CHIP_REGISTER(0xE000E100 + 4 * (n))
#define NVIC_ISPR(n) CHIP_REGISTER(0xE000E200 + 4 * (n))
#define SCB_ICSR CHIP_REGISTER(0xE000ED04)
#define SCB_VTOR CHIP_REGISTER(0xE000ED08)
#define SCB_AIRCR CHIP_REGISTER(0xE000ED0C)
#define SCB_SHPR3 CHIP_REGISTER(0xE000ED20)
#define SCB_CPACR CHIP_REGISTER(0xE000ED88)

#define ICSR_PENDSVSET (UINT32_C(1) << 28)
#define ICSR_PENDSTSET (UINT32_C(1) << 26)
#define ICSR_PENDSTCLR (UINT32_C(1) << 25)
#define CPACR_FPU (UINT32_C(0xF) << 20)

static inline void cortexm_enable(uint32_t interrupt) {
    NVIC_ISER(interrupt / 32) = UINT32_C(1) << interrupt % 32;
}

static inline void cortexm_pend(uint32_t interrupt) {
    NVIC_ISPR(interrupt / 32) = UINT32_C(1) << interrupt % 32;
}

/* All interrupts have priority 0 after reset; PendSV, the soft interrupt, gets the lowest. */
static inline void cortexm_init_soft_interrupt(void) {
    SCB_SHPR3 |= UINT32_C(0x00FF0000);
}

static inline uintptr_t cortexm_mask(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before)::"memory");
    return before;
}

static inline void cortexm_unmask(uintptr_t before) {
    __asm__ volatile("msr primask, %0" ::"r"(before) : "memory");
}

/* Reads a word. False if nothing answers there, as on an emulator that leaves a part of the chip out. Thread only. */
bool cortexm_probe(uint32_t address, uint32_t *value);

/* ---- the vector table ---- */

typedef void cortexm_vector(void);
cortexm_vector cortexm_start;          /* from reset to firmware_main */
cortexm_vector cortexm_fault;          /* HardFault, and all other exceptions that nobody expects */
cortexm_vector cortexm_soft_interrupt; /* PendSV */
extern uint8_t __stack_top[];          /* the linker script's */

/* A board's vector table: CORTEXM_VECTORS(last) = {CORTEXM_EXCEPTIONS(systick), [16 + n] = …}, where `last` is the last interrupt
 * that is used, and `systick` is systick_isr, or cortexm_fault for a part without one. */
#define CORTEXM_VECTORS(last) __attribute__((section(".vectors"), used)) static cortexm_vector *const vectors[16 + (last) + 1]

/* The exceptions of the processor. The finer faults are not enabled and end in HardFault; Armv6-M does not have them. */
// clang-format off
#define CORTEXM_EXCEPTIONS(systick)                                                                           \
    [0] = (cortexm_vector *)(uintptr_t)__stack_top, [1] = cortexm_start, [2] = cortexm_fault, /* NMI */       \
    [3] = cortexm_fault, [4] = cortexm_fault, [5] = cortexm_fault, [6] = cortexm_fault, [7] = cortexm_fault,  \
    [11] = cortexm_fault, [12] = cortexm_fault, /* SVCall, debug monitor */                                   \
    [14] = cortexm_soft_interrupt, [15] = (systick)
// clang-format on

#endif
