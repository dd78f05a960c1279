/* startup.c: the vector table. */
#include "board.h"
#include "cortexm.h"

cortexm_vector reset, uart_isr, button_isr, systick_vector, soft_interrupt_vector;

void reset(void) {
    chip_init_memory();
    firmware_main();
}

/* 16 exceptions of the processor, then the board's interrupts up to the last one that is used. */
__attribute__((section(".vectors"), used)) static cortexm_vector *const vectors[16 + 70] = {
    [0] = (cortexm_vector *)(uintptr_t)__stack_top,
    [1] = reset,
    [2] = cortexm_fault, /* NMI */
    [3] = cortexm_fault, /* HardFault; the finer faults are not enabled and end here */
    [4] = cortexm_fault,
    [5] = cortexm_fault,
    [6] = cortexm_fault,
    [7] = cortexm_fault,
    [11] = cortexm_fault,         /* SVCall */
    [12] = cortexm_fault,
    [14] = soft_interrupt_vector, /* PendSV */
    [15] = systick_vector,
    [16 + 32] = uart_isr,   /* UART0 receive */
    [16 + 69] = button_isr, /* GPIO 0, combined */
};
