/* board.c: drivers of the micro:bit V1. Registers: nRF51 Series reference manual. */
#include <string.h>

#include "board.h"
#include "cortexm.h"

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

#define TIMER_START CHIP_REGISTER(0x40008000)
#define TIMER_CAPTURE(n) CHIP_REGISTER(0x40008040 + 4 * (n))
#define TIMER_COMPARE(n) CHIP_REGISTER(0x40008140 + 4 * (n))
#define TIMER_INTENSET CHIP_REGISTER(0x40008304)
#define TIMER_BITMODE CHIP_REGISTER(0x40008508)
#define TIMER_PRESCALER CHIP_REGISTER(0x40008510)
#define TIMER_CC(n) CHIP_REGISTER(0x40008540 + 4 * (n))

#define NVMC_READY CHIP_REGISTER(0x4001E400)
#define NVMC_CONFIG CHIP_REGISTER(0x4001E504)
#define NVMC_ERASEPAGE CHIP_REGISTER(0x4001E508)
enum { NVMC_READ_ONLY = 0, NVMC_WRITE = 1, NVMC_ERASE = 2 };

#define FICR_DEVICEID(n) CHIP_REGISTER(0x10000060 + 4 * (n))

#define GPIO_OUTSET CHIP_REGISTER(0x50000508)
#define GPIO_OUTCLR CHIP_REGISTER(0x5000050C)
#define GPIO_IN CHIP_REGISTER(0x50000510)
#define GPIO_DIRSET CHIP_REGISTER(0x50000518)
#define GPIO_PIN_CNF(n) CHIP_REGISTER(0x50000700 + 4 * (n))
#define PIN_CNF_INPUT 0         /* connected, no pull */
#define PIN_CNF_INPUT_UP (3u << 2) /* connected, pulled up */

enum { UART0 = 2, GPIOTE = 6, TIMER0 = 8 };
enum { LED_ROW = 13, LED_COLUMN = 4, BUTTON_A = 17, TXD = 24, RXD = 25 };

_Static_assert(BOARD_UART_BAUD == 115200, "the baud rate register below is for 115200");
#define BAUDRATE_115200 UINT32_C(0x01D7E000)

/* Alarm and clock of TIMER0. */
enum { ALARM = 0, NOW = 1 };

static bool led, button_was_up;

/* ---- time ---- */

static struct {
    uint32_t high, last_low; /* the counter has 32 bits */
} ticks;

/* Masked. Called at least once in half a turn of the counter, for the alarm is never set further away. */
static uint64_t count(void) {
    TIMER_CAPTURE(NOW) = 1;
    uint32_t low = TIMER_CC(NOW);
    if (low < ticks.last_low)
        ticks.high++;
    ticks.last_low = low;
    return (uint64_t)ticks.high << 32 | low;
}

uint64_t board_ticks(void) {
    uintptr_t before = cortexm_mask();
    uint64_t now = count();
    cortexm_unmask(before);
    return now;
}

uint32_t board_tick_hz(void) {
    return BOARD_TICK_HZ;
}

void board_alarm(uint64_t wanted) {
    uintptr_t before = cortexm_mask();
    uint64_t now = count(), furthest = now + (UINT32_C(1) << 31);
    uint64_t alarm = wanted < furthest ? wanted : furthest;
    TIMER_CC(ALARM) = (uint32_t)alarm;
    if (alarm <= count() + 1) /* too late for the comparison */
        cortexm_pend(TIMER0);
    cortexm_unmask(before);
}

static void timer_isr(void) {
    TIMER_COMPARE(ALARM) = 0;
    (void)TIMER_COMPARE(ALARM); /* so that the interrupt is gone before this returns */
    firmware_alarm();
}

static void init_timer(void) {
    TIMER_BITMODE = 3;   /* 32 bits */
    TIMER_PRESCALER = 4; /* 16 MHz / 16 */
    TIMER_INTENSET = UINT32_C(1) << (16 + ALARM);
    TIMER_START = 1;
    cortexm_enable(TIMER0);
}

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

/* The level is compared with the one seen last, so that this works for the chip's edge detector and for a line that an emulator
 * sets before it raises this interrupt itself. */
bool board_button_pressed(void) {
    return !button_is_up();
}

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

/* ---- flash ---- */

/* An emulator without this controller reads as 0: never ready. */
static bool flash_mode(uint32_t mode) {
    NVMC_CONFIG = mode;
    return chip_wait(&NVMC_CONFIG, 3, mode) && chip_wait(&NVMC_READY, 1, 1);
}

const uint8_t *board_flash(void) {
    bool works = flash_mode(NVMC_WRITE);
    return flash_mode(NVMC_READ_ONLY) && works ? (const uint8_t *)BOARD_STORE_ORIGIN : NULL;
}

/* The processor stands still for 46 us a word: less than a byte's time on the serial line. */
bool board_flash_program(uint32_t offset, const uint32_t *words, uint32_t count) {
    bool written = flash_mode(NVMC_WRITE);
    for (uint32_t i = 0; i < count && written; i++) {
        CHIP_REGISTER(BOARD_STORE_ORIGIN + offset + 4 * i) = words[i];
        written = chip_wait(&NVMC_READY, 1, 1);
    }
    return flash_mode(NVMC_READ_ONLY) && written;
}

bool board_flash_erase(uint32_t offset) {
    bool erased = flash_mode(NVMC_ERASE);
    if (erased) {
        NVMC_ERASEPAGE = BOARD_STORE_ORIGIN + offset;
        erased = chip_wait(&NVMC_READY, 1, 1);
    }
    return flash_mode(NVMC_READ_ONLY) && erased;
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
    init_timer();
    init_uart();
    init_pins();
    cortexm_init_soft_interrupt();
}

CORTEXM_VECTORS(TIMER0) = {
    CORTEXM_EXCEPTIONS(cortexm_fault),
    [16 + UART0] = uart_isr,
    [16 + GPIOTE] = button_isr,
    [16 + TIMER0] = timer_isr,
};
