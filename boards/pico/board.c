/* board.c: drivers of the Raspberry Pi Pico. Registers: RP2040 datasheet. */
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "systick.h"

#define RESETS_RESET CHIP_REGISTER(0x4000C000)
#define RESETS_DONE CHIP_REGISTER(0x4000C008)
#define CLK_REF_CTRL CHIP_REGISTER(0x40008030)
#define CLK_REF_SELECTED CHIP_REGISTER(0x40008038)
#define CLK_SYS_CTRL CHIP_REGISTER(0x4000803C)
#define CLK_SYS_SELECTED CHIP_REGISTER(0x40008044)
#define CLK_PERI_CTRL CHIP_REGISTER(0x40008048)
#define XOSC_CTRL CHIP_REGISTER(0x40024000)
#define XOSC_STATUS CHIP_REGISTER(0x40024004)
#define XOSC_STARTUP CHIP_REGISTER(0x4002400C)
#define PLL_SYS_CS CHIP_REGISTER(0x40028000)
#define PLL_SYS_PWR CHIP_REGISTER(0x40028004)
#define PLL_SYS_FBDIV CHIP_REGISTER(0x40028008)
#define PLL_SYS_PRIM CHIP_REGISTER(0x4002800C)
#define IO_CTRL(pin) CHIP_REGISTER(0x40014004 + 8 * (pin))
#define IO_INTR(pin) CHIP_REGISTER(0x400140F0 + 4 * ((pin) / 8))
#define IO_PROC0_INTE(pin) CHIP_REGISTER(0x40014100 + 4 * ((pin) / 8))
#define PADS(pin) CHIP_REGISTER(0x4001C004 + 4 * (pin))
#define UART_DR CHIP_REGISTER(0x40034000)
#define UART_FR CHIP_REGISTER(0x40034018)
#define UART_IBRD CHIP_REGISTER(0x40034024)
#define UART_FBRD CHIP_REGISTER(0x40034028)
#define UART_LCR_H CHIP_REGISTER(0x4003402C)
#define UART_CR CHIP_REGISTER(0x40034030)
#define UART_IMSC CHIP_REGISTER(0x40034038)
#define UART_ICR CHIP_REGISTER(0x40034044)
#define SIO_OUT_SET CHIP_REGISTER(0xD0000014)
#define SIO_OUT_CLR CHIP_REGISTER(0xD0000018)
#define SIO_OE_SET CHIP_REGISTER(0xD0000024)

enum { TXD = 0, RXD = 1, BUTTON = 15, LED = 25 };
enum { IO_BANK0 = 13, UART0 = 20 };

#define XOSC_HZ 12000000u
#define ROSC_HZ 6500000u /* what it runs from after reset, about */

#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_UART0 (1u << 22)

#define FUNCTION_UART 2u
#define FUNCTION_SIO 5u
#define PAD_INPUT (1u << 6)
#define PAD_PULL_UP (1u << 3)
#define EDGE_LOW(pin) (4u << 4 * ((pin) % 8))

#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_INT_RX (1u << 4)
#define UART_INT_ERRORS (15u << 7)

static bool led;

/* ---- clock ---- */

static bool start_crystal(void) {
    XOSC_CTRL = 0xAA0;    /* 1 to 15 MHz */
    XOSC_STARTUP = 47;    /* a millisecond, in 256 periods */
    XOSC_CTRL = 0xFABAA0; /* enable */
    if (!chip_wait(&XOSC_STATUS, UINT32_C(1) << 31, UINT32_C(1) << 31))
        return false;
    CLK_REF_CTRL = 2;
    return chip_wait(&CLK_REF_SELECTED, 4, 4);
}

/* 125 MHz: 12 MHz * 125 / 6 / 2. False, and the clock is as before, if it does not lock. */
static bool start_pll(void) {
    RESETS_RESET |= RESET_PLL_SYS;
    RESETS_RESET &= ~RESET_PLL_SYS;
    if (!chip_wait(&RESETS_DONE, RESET_PLL_SYS, RESET_PLL_SYS))
        return false;
    PLL_SYS_CS = 1;
    PLL_SYS_FBDIV = 125;
    PLL_SYS_PWR &= ~(1u | 1u << 5); /* power and VCO */
    if (!chip_wait(&PLL_SYS_CS, UINT32_C(1) << 31, UINT32_C(1) << 31))
        return false;
    PLL_SYS_PRIM = 6u << 16 | 2u << 12;
    PLL_SYS_PWR &= ~(1u << 3); /* its post dividers */
    CLK_SYS_CTRL = 0;          /* the glitchless side first: auxiliary source is the PLL */
    CLK_SYS_CTRL = 1;
    return chip_wait(&CLK_SYS_SELECTED, 2, 2);
}

static uint32_t start_clocks(void) {
    if (!start_crystal())
        return ROSC_HZ;
    return start_pll() ? BOARD_TICK_HZ : XOSC_HZ;
}

/* ---- serial line ---- */

static void init_uart(uint32_t clock_hz) {
    CLK_PERI_CTRL = 1u << 11; /* enabled, from clk_sys */
    IO_CTRL(TXD) = FUNCTION_UART;
    IO_CTRL(RXD) = FUNCTION_UART;
    /* A line that nobody drives is idle. */
    PADS(RXD) |= PAD_INPUT | PAD_PULL_UP;
    uint32_t divisor = (clock_hz * 4 + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD; /* in 64ths */
    UART_IBRD = divisor >> 6;
    UART_FBRD = divisor & 63;
    UART_LCR_H = 3u << 5; /* 8 bits; no FIFO, so that every byte is an interrupt */
    UART_IMSC = UART_INT_RX;
    UART_CR = 1u | 1u << 8 | 1u << 9;
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
    IO_INTR(BUTTON) = EDGE_LOW(BUTTON);
    firmware_button();
}

static void init_pins(void) {
    IO_CTRL(LED) = FUNCTION_SIO;
    SIO_OE_SET = 1u << LED;
    IO_CTRL(BUTTON) = FUNCTION_SIO;
    PADS(BUTTON) |= PAD_INPUT | PAD_PULL_UP;
    IO_INTR(BUTTON) = EDGE_LOW(BUTTON);
    IO_PROC0_INTE(BUTTON) |= EDGE_LOW(BUTTON);
    cortexm_enable(IO_BANK0);
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    if (high)
        SIO_OUT_SET = 1u << LED;
    else
        SIO_OUT_CLR = 1u << LED;
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- the whole ---- */

/* The chip has none; the flash chip's could be read only while nothing runs from it. */
void board_unique_id(uint8_t id[8]) {
    memset(id, 0, 8);
}

void board_init(void) {
    uint32_t hz = start_clocks();
    const uint32_t used = RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_UART0;
    RESETS_RESET &= ~used;
    (void)chip_wait(&RESETS_DONE, used, used);
    init_uart(hz);
    init_pins();
    cortexm_init_soft_interrupt();
    systick_init(hz);
}

CORTEXM_VECTORS(UART0) = {
    CORTEXM_EXCEPTIONS(systick_isr),
    [16 + IO_BANK0] = button_isr,
    [16 + UART0] = uart_isr,
};
