/* startup.c: the vector table. */
#include "board.h"
#include "cortexm.h"

cortexm_vector reset, uart_isr, button_isr, systick_vector, soft_interrupt_vector;

void reset(void) {
    SCB_VTOR = BOARD_FLASH_ORIGIN; /* a boot loader may have left another */
    chip_init_memory();
    firmware_main();
}

/* 16 exceptions of the processor, then the chip's interrupts up to the last one that is used. */
__attribute__((section(".vectors"), used)) static cortexm_vector *const vectors[16 + 38] = {
    [0] = (cortexm_vector *)(uintptr_t)__stack_top,
    [1] = reset,
    [2] = cortexm_fault, /* NMI */
    [3] = cortexm_fault, /* HardFault; the finer faults are not enabled and end here */
    [4] = cortexm_fault,
    [5] = cortexm_fault,
    [6] = cortexm_fault,
    [11] = cortexm_fault, /* SVCall */
    [12] = cortexm_fault,
    [14] = soft_interrupt_vector, /* PendSV */
    [15] = systick_vector,
    [16 + 6] = button_isr, /* EXTI0 */
    [16 + 37] = uart_isr,  /* USART1 */
};
