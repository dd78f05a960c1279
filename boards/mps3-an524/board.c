/* board.c: drivers of Arm's FPGA images with a Cortex-M33: MPS3 AN524 and MPS2 AN505, which have the same devices at other
 * addresses. Registers: Arm application notes AN524 and AN505, CMSDK technical reference manual. */
#include "board.h"

#include <string.h>

#include "cortexm.h"
#include "systick.h"

#define UART_DATA CHIP_REGISTER(BOARD_UART + 0x00)
#define UART_STATE CHIP_REGISTER(BOARD_UART + 0x04)
#define UART_CTRL CHIP_REGISTER(BOARD_UART + 0x08)
#define UART_INTCLEAR CHIP_REGISTER(BOARD_UART + 0x0c)
#define UART_BAUDDIV CHIP_REGISTER(BOARD_UART + 0x10)
#define FPGAIO_LED CHIP_REGISTER(BOARD_FPGAIO)

enum { UART0_RX = 32, BUTTON_LINE = BOARD_BUTTON_VECTOR };

#define UART_TX_FULL 1u
#define UART_RX_FULL 2u
#define UART_OVERRUNS 12u
#define UART_CTRL_ENABLE (1u | 2u | 8u) /* transmit, receive, receive interrupt */
#define UART_INT_RX 2u

static bool led;

/* ---- serial line ---- */

static void init_uart(void) {
    UART_BAUDDIV = BOARD_TICK_HZ / BOARD_UART_BAUD;
    UART_CTRL = UART_CTRL_ENABLE;
    cortexm_enable(UART0_RX);
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (chip_wait(&UART_STATE, UART_TX_FULL, 0))
            UART_DATA = bytes[i];
    }
}

static void uart_isr(void) {
    UART_INTCLEAR = UART_INT_RX;
    if (UART_STATE & UART_RX_FULL)
        firmware_received((uint8_t)UART_DATA);
    UART_STATE = UART_OVERRUNS;
}

/* ---- button, pins ---- */

static void button_isr(void) {
    firmware_button();
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    FPGAIO_LED = high;
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- the whole ---- */

void board_unique_id(uint8_t id[8]) {
    memset(id, 0, 8);
}

void board_init(void) {
    init_uart();
    cortexm_enable(BUTTON_LINE);
    cortexm_init_soft_interrupt();
    systick_init(BOARD_TICK_HZ);
}

CORTEXM_VECTORS(BUTTON_LINE) = {
    CORTEXM_EXCEPTIONS(systick_isr),
    [16 + UART0_RX] = uart_isr,
    [16 + BUTTON_LINE] = button_isr, /* GPIO 0, combined */
};
