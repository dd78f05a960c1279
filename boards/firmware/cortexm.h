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

#define ICSR_PENDSVSET (UINT32_C(1) << 28)
#define ICSR_PENDSTSET (UINT32_C(1) << 26)
#define ICSR_PENDSTCLR (UINT32_C(1) << 25)

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

static inline void cortexm_pend_soft_interrupt(void) {
    SCB_ICSR = ICSR_PENDSVSET;
}

static inline uintptr_t cortexm_mask(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before)::"memory");
    return before;
}

static inline void cortexm_unmask(uintptr_t before) {
    __asm__ volatile("msr primask, %0" ::"r"(before) : "memory");
}

/* Wakes for an interrupt that is pending although it is masked. */
static inline void cortexm_sleep(void) {
    __asm__ volatile("dsb\n\twfi" ::: "memory");
}

static inline _Noreturn void cortexm_reset(void) {
    __asm__ volatile("dsb" ::: "memory");
    SCB_AIRCR = UINT32_C(0x05FA0004);
    for (;;) {
    }
}

/* Reads a word. False if nothing answers there, as on an emulator that leaves a part of the chip out. Thread only. */
bool cortexm_probe(uint32_t address, uint32_t *value);

/* ---- what a vector table points at ---- */

typedef void cortexm_vector(void);
cortexm_vector cortexm_fault; /* HardFault, and all other exceptions that nobody expects */
extern uint8_t __stack_top[]; /* the linker script's */

#endif
