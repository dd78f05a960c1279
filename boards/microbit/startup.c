/* startup.c: the vector table. */
#include "board.h"
#include "cortexm.h"

cortexm_vector reset, uart_isr, button_isr, timer_isr, soft_interrupt_vector;

void reset(void) {
    chip_init_memory();
    firmware_main();
}

/* 16 exceptions of the processor, then the chip's interrupts up to the last one that is used. */
__attribute__((section(".vectors"), used)) static cortexm_vector *const vectors[16 + 9] = {
    [0] = (cortexm_vector *)(uintptr_t)__stack_top,
    [1] = reset,
    [2] = cortexm_fault,          /* NMI */
    [3] = cortexm_fault,          /* HardFault */
    [11] = cortexm_fault,         /* SVCall */
    [14] = soft_interrupt_vector, /* PendSV */
    [15] = cortexm_fault,         /* SysTick, which this part does not have */
    [16 + 2] = uart_isr,          /* UART0 */
    [16 + 6] = button_isr,        /* GPIOTE */
    [16 + 8] = timer_isr,         /* TIMER0 */
};
