/* board.c: drivers of the micro:bit V1. Registers: nRF51 Series reference manual. */
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "nrf_timer.h"

#define CLOCK_HFCLKSTART CHIP_REGISTER(0x40000000)
#define CLOCK_HFCLKSTARTED CHIP_REGISTER(0x40000100)

#define UART_STARTRX CHIP_REGISTER(0x40002000)
#define UART_STARTTX CHIP_REGISTER(0x40002008)
#define UART_RXDRDY CHIP_REGISTER(0x40002108)
#define UART_TXDRDY CHIP_REGISTER(0x4000211C)
#define UART_ERROR CHIP_REGISTER(0x40002124)
#define UART_INTENSET CHIP_REGISTER(0x40002304)
#define UART_ERRORSRC CHIP_REGISTER(0x40002480)
#define UART_ENABLE CHIP_REGISTER(0x40002500)
#define UART_PSELTXD CHIP_REGISTER(0x4000250C)
#define UART_PSELRXD CHIP_REGISTER(0x40002514)
#define UART_RXD CHIP_REGISTER(0x40002518)
#define UART_TXD CHIP_REGISTER(0x4000251C)
#define UART_BAUDRATE CHIP_REGISTER(0x40002524)

#define GPIOTE_IN CHIP_REGISTER(0x40006100)
#define GPIOTE_INTENSET CHIP_REGISTER(0x40006304)
#define GPIOTE_CONFIG CHIP_REGISTER(0x40006510)

#define FICR_DEVICEID(n) CHIP_REGISTER(0x10000060 + 4 * (n))

#define GPIO_OUTSET CHIP_REGISTER(0x50000508)
#define GPIO_OUTCLR CHIP_REGISTER(0x5000050C)
#define GPIO_IN CHIP_REGISTER(0x50000510)
#define GPIO_DIRSET CHIP_REGISTER(0x50000518)
#define GPIO_PIN_CNF(n) CHIP_REGISTER(0x50000700 + 4 * (n))
#define PIN_CNF_INPUT 0            /* connected, no pull */
#define PIN_CNF_INPUT_UP (3u << 2) /* connected, pulled up */

enum { UART0 = 2, GPIOTE = 6 };
enum { LED_ROW = 13, LED_COLUMN = 4, BUTTON_A = 17, TXD = 24, RXD = 25 };

_Static_assert(BOARD_UART_BAUD == 115200, "the baud rate register below is for 115200");
#define BAUDRATE_115200 UINT32_C(0x01D7E000)

static bool led, button_was_up;

/* ---- serial line ---- */

static void init_uart(void) {
    GPIO_OUTSET = UINT32_C(1) << TXD;
    GPIO_DIRSET = UINT32_C(1) << TXD;
    GPIO_PIN_CNF(RXD) = PIN_CNF_INPUT;
    UART_PSELTXD = TXD;
    UART_PSELRXD = RXD;
    UART_BAUDRATE = BAUDRATE_115200;
    UART_ENABLE = 4;
    UART_STARTRX = 1;
    UART_STARTTX = 1;
    UART_INTENSET = UINT32_C(1) << 2 | UINT32_C(1) << 9; /* RXDRDY, ERROR */
    cortexm_enable(UART0);
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        UART_TXDRDY = 0;
        UART_TXD = bytes[i];
        (void)chip_wait(&UART_TXDRDY, 1, 1);
    }
}

static void uart_isr(void) {
    if (UART_ERROR != 0) {
        UART_ERROR = 0;
        UART_ERRORSRC = UART_ERRORSRC; /* writing ones clears them */
    }
    if (UART_RXDRDY != 0) {
        UART_RXDRDY = 0; /* before the byte is taken: the next one in the FIFO sets it again */
        firmware_received((uint8_t)UART_RXD);
    }
}

/* ---- button, pins ---- */

static bool button_is_up(void) {
    return GPIO_IN >> BUTTON_A & 1;
}

bool board_button_pressed(void) {
    return !button_is_up();
}

/* The level is compared with the one seen last, so that this works for the chip's edge detector and for a line that an emulator
 * sets before it raises this interrupt itself. */
static void button_isr(void) {
    GPIOTE_IN = 0;
    bool is_up = button_is_up();
    if (button_was_up && !is_up)
        firmware_button();
    button_was_up = is_up;
}

static void init_pins(void) {
    GPIO_OUTCLR = UINT32_C(1) << LED_ROW | UINT32_C(1) << LED_COLUMN;
    GPIO_DIRSET = UINT32_C(1) << LED_ROW | UINT32_C(1) << LED_COLUMN;
    GPIO_PIN_CNF(BUTTON_A) = PIN_CNF_INPUT_UP;     /* as the board does, too */
    GPIOTE_CONFIG = 1u | BUTTON_A << 8 | 3u << 16; /* an event at every change of the pin */
    GPIOTE_INTENSET = 1;
    button_was_up = button_is_up();
    cortexm_enable(GPIOTE);
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    if (high)
        GPIO_OUTSET = UINT32_C(1) << LED_ROW;
    else
        GPIO_OUTCLR = UINT32_C(1) << LED_ROW;
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- the whole ---- */

void board_unique_id(uint8_t id[8]) {
    uint32_t words[2] = {FICR_DEVICEID(0), FICR_DEVICEID(1)};
    memcpy(id, words, sizeof words);
}

void board_init(void) {
    /* The crystal, for a baud rate that is right; without it the RC oscillator goes on. */
    CLOCK_HFCLKSTARTED = 0;
    CLOCK_HFCLKSTART = 1;
    (void)chip_wait(&CLOCK_HFCLKSTARTED, 1, 1);
    nrf_timer_init();
    init_uart();
    init_pins();
    cortexm_init_soft_interrupt();
}

CORTEXM_VECTORS(NRF_TIMER0) = {
    CORTEXM_EXCEPTIONS(cortexm_fault),
    [16 + UART0] = uart_isr,
    [16 + GPIOTE] = button_isr,
    [16 + NRF_TIMER0] = nrf_timer_isr,
};
