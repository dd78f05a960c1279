/* board.c: drivers of the LM3S6965 evaluation kit. Registers: LM3S6965 data sheet. What each function has to do, and in which
 * context it is called, is in boards/firmware/board.h. */
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "systick.h"

#define RCGC1 CHIP_REGISTER(0x400FE104)
#define RCGC2 CHIP_REGISTER(0x400FE108)
#define GPIO_A_AFSEL CHIP_REGISTER(0x40004420)
#define GPIO_A_DEN CHIP_REGISTER(0x4000451C)
#define GPIO_F_DATA(bits) CHIP_REGISTER(0x40025000 + 4 * (bits))
#define GPIO_F_DIR CHIP_REGISTER(0x40025400)
#define GPIO_F_IM CHIP_REGISTER(0x40025410)
#define GPIO_F_ICR CHIP_REGISTER(0x4002541C)
#define GPIO_F_PUR CHIP_REGISTER(0x40025510)
#define GPIO_F_DEN CHIP_REGISTER(0x4002551C)
#define UART_DR CHIP_REGISTER(0x4000C000)
#define UART_FR CHIP_REGISTER(0x4000C018)
#define UART_IBRD CHIP_REGISTER(0x4000C024)
#define UART_FBRD CHIP_REGISTER(0x4000C028)
#define UART_LCRH CHIP_REGISTER(0x4000C02C)
#define UART_CTL CHIP_REGISTER(0x4000C030)
#define UART_IM CHIP_REGISTER(0x4000C038)
#define UART_ICR CHIP_REGISTER(0x4000C044)

enum { UART0 = 5, GPIO_F = 30 };

#define LED_BIT 1u
#define BUTTON_BIT 2u
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_INT_RX (1u << 4)
#define UART_INT_ERRORS (15u << 7)

static bool led;

/* ---- serial line ---- */

static void init_uart(void) {
    GPIO_A_AFSEL |= 3;
    GPIO_A_DEN |= 3;
    const uint32_t divisor = (BOARD_TICK_HZ * 4u + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD; /* in 64ths */
    UART_IBRD = divisor >> 6;
    UART_FBRD = divisor & 63;
    UART_LCRH = 3u << 5; /* 8 bits; no FIFO, so that every byte is an interrupt */
    UART_IM = UART_INT_RX;
    UART_CTL = 1u | 1u << 8 | 1u << 9;
    cortexm_enable(UART0);
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (chip_wait(&UART_FR, UART_FR_TXFF, 0))
            UART_DR = bytes[i];
    }
}

static void uart_isr(void) {
    UART_ICR = UART_INT_RX | UART_INT_ERRORS;
    if (!(UART_FR & UART_FR_RXFE))
        firmware_received((uint8_t)UART_DR);
}

/* ---- button, pins ---- */

static void button_isr(void) {
    GPIO_F_ICR = BUTTON_BIT;
    firmware_button();
}

static void init_pins(void) {
    GPIO_F_DIR |= LED_BIT;
    GPIO_F_DEN |= LED_BIT | BUTTON_BIT;
    GPIO_F_PUR |= BUTTON_BIT;
    GPIO_F_ICR = BUTTON_BIT;
    GPIO_F_IM |= BUTTON_BIT; /* the falling edge, as after reset */
    cortexm_enable(GPIO_F);
}

bool board_button_pressed(void) {
    return GPIO_F_DATA(BUTTON_BIT) == 0;
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    GPIO_F_DATA(LED_BIT) = high ? LED_BIT : 0;
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- the whole ---- */

/* This part has no number of its own. */
void board_unique_id(uint8_t id[8]) {
    memset(id, 0, 8);
}

void board_init(void) {
    RCGC1 |= 1u;           /* UART0 */
    RCGC2 |= 1u | 1u << 5; /* ports A and F */
    (void)RCGC2;           /* a clock takes some cycles to arrive */
    (void)RCGC2;
    init_uart();
    init_pins();
    cortexm_init_soft_interrupt();
    systick_init(BOARD_TICK_HZ);
}

CORTEXM_VECTORS(GPIO_F) = {
    CORTEXM_EXCEPTIONS(systick_isr),
    [16 + UART0] = uart_isr,
    [16 + GPIO_F] = button_isr,
};
