/* board.c: drivers of the HiFive1 Rev B. Registers: SiFive FE310-G002 manual. */
#include "board.h"

#include <string.h>

#include "riscv.h"

#define PRCI_HFXOSCCFG CHIP_REGISTER(0x10008004)
#define PRCI_PLLCFG CHIP_REGISTER(0x10008008)

#define GPIO_INPUT_EN CHIP_REGISTER(0x10012004)
#define GPIO_OUTPUT_EN CHIP_REGISTER(0x10012008)
#define GPIO_OUTPUT_VAL CHIP_REGISTER(0x1001200C)
#define GPIO_PUE CHIP_REGISTER(0x10012010)
#define GPIO_FALL_IE CHIP_REGISTER(0x10012020)
#define GPIO_FALL_IP CHIP_REGISTER(0x10012024)
#define GPIO_IOF_EN CHIP_REGISTER(0x10012038)
#define GPIO_IOF_SEL CHIP_REGISTER(0x1001203C)

#define UART_TXDATA CHIP_REGISTER(0x10013000)
#define UART_RXDATA CHIP_REGISTER(0x10013004)
#define UART_TXCTRL CHIP_REGISTER(0x10013008)
#define UART_RXCTRL CHIP_REGISTER(0x1001300C)
#define UART_IE CHIP_REGISTER(0x10013010)
#define UART_DIV CHIP_REGISTER(0x10013018)

enum { UART0 = 3, GPIO_FIRST = 8 };
enum { BUTTON = 18, LED_GREEN = 19, RX_PIN = 16, TX_PIN = 17 };

#define BIT(n) (UINT32_C(1) << (n))
#define FULL_OR_EMPTY BIT(31) /* of UART_TXDATA and UART_RXDATA */

/* With the 16 MHz crystal; what the ring oscillator is trimmed to after reset without it. */
#define CRYSTAL_HZ 16000000
#define RING_HZ 14400000

static bool led;

/* ---- serial line ---- */

static void init_uart(uint32_t clock_hz) {
    GPIO_IOF_SEL &= ~(BIT(RX_PIN) | BIT(TX_PIN));
    GPIO_IOF_EN |= BIT(RX_PIN) | BIT(TX_PIN);
    UART_DIV = clock_hz / BOARD_UART_BAUD - 1;
    UART_TXCTRL = 1;
    UART_RXCTRL = 1; /* an interrupt as soon as there is one byte */
    UART_IE = 2;
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (chip_wait(&UART_TXDATA, FULL_OR_EMPTY, 0))
            UART_TXDATA = bytes[i];
    }
}

static void uart_isr(void) {
    for (;;) {
        uint32_t data = UART_RXDATA;
        if (data & FULL_OR_EMPTY)
            return;
        firmware_received((uint8_t)data);
    }
}

/* ---- button, pins ---- */

static void init_pins(void) {
    GPIO_OUTPUT_VAL |= BIT(LED_GREEN); /* dark */
    GPIO_OUTPUT_EN |= BIT(LED_GREEN);
    GPIO_INPUT_EN |= BIT(BUTTON);
    GPIO_PUE |= BIT(BUTTON);
    GPIO_FALL_IP = BIT(BUTTON);
    GPIO_FALL_IE |= BIT(BUTTON);
}

static void button_isr(void) {
    GPIO_FALL_IP = BIT(BUTTON);
    firmware_button();
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one, and it is lit when its line is low */
    led = high;
    if (high)
        GPIO_OUTPUT_VAL &= ~BIT(LED_GREEN);
    else
        GPIO_OUTPUT_VAL |= BIT(LED_GREEN);
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- interrupts ---- */

void riscv_line(uint32_t line) {
    if (line == UART0)
        uart_isr();
    else if (line == GPIO_FIRST + BUTTON)
        button_isr();
}

/* The chip has no reset register: what start-up relies on is brought back, and the rest initialises itself. */
_Noreturn void board_reset(void) {
    (void)riscv_mask();
    riscv_quiet();
    riscv_start();
}

void board_unique_id(uint8_t id[8]) {
    memset(id, 0, 8);
}

/* ---- start ---- */

/* The crystal, through the bypassed PLL; false if it does not start. */
static bool start_crystal(void) {
    PRCI_HFXOSCCFG |= BIT(30);
    if (!chip_wait(&PRCI_HFXOSCCFG, BIT(31), BIT(31)))
        return false;
    PRCI_PLLCFG |= BIT(18) | BIT(17); /* bypass, source crystal */
    PRCI_PLLCFG |= BIT(16);           /* and select it */
    return true;
}

void board_init(void) {
    init_uart(start_crystal() ? CRYSTAL_HZ : RING_HZ);
    init_pins();
    riscv_init_interrupts();
    riscv_enable_line(UART0);
    riscv_enable_line(GPIO_FIRST + BUTTON);
}
