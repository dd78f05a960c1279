/* board.c: drivers of QEMU's RISC-V machine `virt`: a 16550 UART, and the device by which a program resets the machine. */
#include "board.h"

#include <string.h>

#include "riscv.h"

#define UART_BASE UINT32_C(0x10000000)
#define UART_REGISTER(n) (*(volatile uint8_t *)(uintptr_t)(UART_BASE + (n)))
#define UART_DATA UART_REGISTER(0)
#define UART_INTERRUPTS UART_REGISTER(1)
#define UART_FIFO UART_REGISTER(2)
#define UART_LINE_CONTROL UART_REGISTER(3)
#define UART_LINE_STATUS UART_REGISTER(5)
#define TEST_DEVICE CHIP_REGISTER(0x00100000)

enum { UART0 = 10, BUTTON_LINE = 63 };

#define INTERRUPT_RECEIVED 1u
#define FIFO_ENABLE 1u /* an interrupt as soon as there is one byte */
#define EIGHT_BITS 3u
#define DATA_READY 1u
#define TRANSMITTER_EMPTY 0x20u
#define TEST_RESET 0x7777u

static bool led;

/* ---- serial line ---- */

/* The machine's line has no baud rate. */
static void init_uart(void) {
    UART_LINE_CONTROL = EIGHT_BITS;
    UART_FIFO = FIFO_ENABLE;
    UART_INTERRUPTS = INTERRUPT_RECEIVED;
}

/* chip_wait for a register of one byte. */
static bool transmitter_is_ready(void) {
    for (uint32_t i = 0; i < 100000; i++) {
        if (UART_LINE_STATUS & TRANSMITTER_EMPTY)
            return true;
    }
    return false;
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (transmitter_is_ready())
            UART_DATA = bytes[i];
    }
}

static void uart_isr(void) {
    while (UART_LINE_STATUS & DATA_READY)
        firmware_received(UART_DATA);
}

/* ---- button, pins ---- */

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- interrupts, start ---- */

void riscv_line(uint32_t line) {
    if (line == UART0)
        uart_isr();
    else if (line == BUTTON_LINE)
        firmware_button();
}

_Noreturn void board_reset(void) {
    (void)riscv_mask();
    TEST_DEVICE = TEST_RESET; /* which loads the image anew */
    board_halt();
}

void board_unique_id(uint8_t id[8]) {
    memset(id, 0, 8);
}

void board_init(void) {
    init_uart();
    riscv_init_interrupts();
    riscv_enable_line(UART0);
    riscv_enable_line(BUTTON_LINE);
}
