/* board.c: drivers of boards with an nRF52840 or nRF52833: the nRF52840-DK and the micro:bit V2. Which pins they use is in their
 * board.toml. Registers: nRF52840 product specification. */
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "nrf_timer.h"

#define CLOCK_HFCLKSTART CHIP_REGISTER(0x40000000)
#define CLOCK_HFCLKSTARTED CHIP_REGISTER(0x40000100)

#define UARTE_STARTRX CHIP_REGISTER(0x40002000)
#define UARTE_STARTTX CHIP_REGISTER(0x40002008)
#define UARTE_ENDRX CHIP_REGISTER(0x40002110)
#define UARTE_ENDTX CHIP_REGISTER(0x40002120)
#define UARTE_ERROR CHIP_REGISTER(0x40002124)
#define UARTE_SHORTS CHIP_REGISTER(0x40002200)
#define UARTE_INTENSET CHIP_REGISTER(0x40002304)
#define UARTE_ERRORSRC CHIP_REGISTER(0x40002480)
#define UARTE_ENABLE CHIP_REGISTER(0x40002500)
#define UARTE_PSEL_TXD CHIP_REGISTER(0x4000250C)
#define UARTE_PSEL_RXD CHIP_REGISTER(0x40002514)
#define UARTE_BAUDRATE CHIP_REGISTER(0x40002524)
#define UARTE_RXD_PTR CHIP_REGISTER(0x40002534)
#define UARTE_RXD_MAXCNT CHIP_REGISTER(0x40002538)
#define UARTE_TXD_PTR CHIP_REGISTER(0x40002544)
#define UARTE_TXD_MAXCNT CHIP_REGISTER(0x40002548)

#define GPIOTE_IN CHIP_REGISTER(0x40006100)
#define GPIOTE_INTENSET CHIP_REGISTER(0x40006304)
#define GPIOTE_CONFIG CHIP_REGISTER(0x40006510)

#define FICR_DEVICEID(n) CHIP_REGISTER(0x10000060 + 4 * (n))

/* Pins are numbered through both ports: P1.08 is 40. */
#define GPIO(pin, offset) CHIP_REGISTER(((pin) < 32 ? 0x50000000 : 0x50000300) + (offset))
#define GPIO_OUTSET(pin) GPIO(pin, 0x508)
#define GPIO_OUTCLR(pin) GPIO(pin, 0x50C)
#define GPIO_IN(pin) GPIO(pin, 0x510)
#define GPIO_DIRSET(pin) GPIO(pin, 0x518)
#define GPIO_PIN_CNF(pin) GPIO(pin, 0x700 + 4 * ((pin) % 32))
#define GPIO_BIT(pin) (UINT32_C(1) << (pin) % 32)
#define PIN_CNF_INPUT_PULLUP (3u << 2)

#define UARTE_ENABLED 8u
#define UARTE_SHORT_ENDRX_STARTRX (1u << 5)
#define UARTE_INT_ENDRX (1u << 4)
#define UARTE_INT_ERROR (1u << 9)

enum { UARTE0 = 2, GPIOTE = 6 };

_Static_assert(BOARD_UART_BAUD == 115200, "the baud rate register below is for 115200");
#define BAUDRATE_115200 UINT32_C(0x01D60000)

static bool led, button_was_up;

/* ---- serial line ---- */

/* EasyDMA reads and writes RAM only. Reception goes byte by byte into two places in turn: the pointer is double-buffered, so while
 * one byte is handed on the next one has where to go, and four more fit the receiver's FIFO. */
static volatile uint8_t received[2], sending[16];
static uint8_t receiving; /* index of the place that the next byte goes to */

static void init_uart(void) {
    GPIO_OUTSET(BOARD_PIN_TXD) = GPIO_BIT(BOARD_PIN_TXD);
    GPIO_DIRSET(BOARD_PIN_TXD) = GPIO_BIT(BOARD_PIN_TXD);
    GPIO_PIN_CNF(BOARD_PIN_RXD) = PIN_CNF_INPUT_PULLUP; /* a line that nobody drives is idle */
    UARTE_PSEL_TXD = BOARD_PIN_TXD;
    UARTE_PSEL_RXD = BOARD_PIN_RXD;
    UARTE_BAUDRATE = BAUDRATE_115200;
    UARTE_ENABLE = UARTE_ENABLED;
    UARTE_SHORTS = UARTE_SHORT_ENDRX_STARTRX;
    UARTE_RXD_PTR = (uint32_t)(uintptr_t)&received[0];
    UARTE_RXD_MAXCNT = 1;
    UARTE_INTENSET = UARTE_INT_ENDRX | UARTE_INT_ERROR;
    UARTE_STARTRX = 1;
    UARTE_RXD_PTR = (uint32_t)(uintptr_t)&received[1]; /* taken at the next start, which ENDRX causes */
    cortexm_enable(UARTE0);
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    while (length != 0) {
        size_t piece = length < sizeof sending ? length : sizeof sending;
        for (size_t i = 0; i < piece; i++)
            sending[i] = bytes[i];
        UARTE_ENDTX = 0;
        UARTE_TXD_PTR = (uint32_t)(uintptr_t)sending;
        UARTE_TXD_MAXCNT = (uint32_t)piece;
        UARTE_STARTTX = 1;
        (void)chip_wait(&UARTE_ENDTX, 1, 1);
        bytes += piece;
        length -= piece;
    }
}

static void uart_isr(void) {
    if (UARTE_ERROR != 0) {
        UARTE_ERROR = 0;
        UARTE_ERRORSRC = UARTE_ERRORSRC; /* writing ones clears them */
    }
    if (UARTE_ENDRX != 0) {
        UARTE_ENDRX = 0;
        uint8_t byte = received[receiving];
        UARTE_RXD_PTR = (uint32_t)(uintptr_t)&received[receiving]; /* free again, for the start after the one under way */
        receiving ^= 1;
        firmware_received(byte);
    }
}

/* ---- button, pins ---- */

static bool button_is_up(void) {
    return (GPIO_IN(BOARD_PIN_BUTTON) & GPIO_BIT(BOARD_PIN_BUTTON)) != 0;
}

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

/* LEDs are lit by the level that board.toml says: the row of a matrix high, an LED to the supply low. */
static void drive_led(bool lit) {
    if (lit == (BOARD_LED_LIT_HIGH != 0))
        GPIO_OUTSET(BOARD_PIN_LED_DRIVE) = GPIO_BIT(BOARD_PIN_LED_DRIVE);
    else
        GPIO_OUTCLR(BOARD_PIN_LED_DRIVE) = GPIO_BIT(BOARD_PIN_LED_DRIVE);
}

static void init_pins(void) {
    drive_led(false);
    GPIO_DIRSET(BOARD_PIN_LED_DRIVE) = GPIO_BIT(BOARD_PIN_LED_DRIVE);
#ifdef BOARD_PIN_LED_COLUMN
    GPIO_OUTCLR(BOARD_PIN_LED_COLUMN) = GPIO_BIT(BOARD_PIN_LED_COLUMN);
    GPIO_DIRSET(BOARD_PIN_LED_COLUMN) = GPIO_BIT(BOARD_PIN_LED_COLUMN);
#endif
    GPIO_PIN_CNF(BOARD_PIN_BUTTON) = PIN_CNF_INPUT_PULLUP;
    GPIOTE_CONFIG = 1u | BOARD_PIN_BUTTON << 8 | 3u << 16; /* an event at every change of the pin */
    GPIOTE_INTENSET = 1;
    button_was_up = button_is_up();
    cortexm_enable(GPIOTE);
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    drive_led(high);
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
    [16 + UARTE0] = uart_isr,
    [16 + GPIOTE] = button_isr,
    [16 + NRF_TIMER0] = nrf_timer_isr,
};
