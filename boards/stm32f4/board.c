/* board.c: drivers of boards with an STM32F4: the Discovery and the Nucleo-F401RE. Which pins and which USART they use, and how fast
 * they run, is in their board.toml. Registers: STM32F4 reference manuals RM0090 and RM0368. */
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "systick.h"

#define RCC_CR CHIP_REGISTER(0x40023800)
#define RCC_PLLCFGR CHIP_REGISTER(0x40023804)
#define RCC_CFGR CHIP_REGISTER(0x40023808)
#define RCC_AHB1ENR CHIP_REGISTER(0x40023830)
#define RCC_APB1ENR CHIP_REGISTER(0x40023840)
#define RCC_APB2ENR CHIP_REGISTER(0x40023844)
#define FLASH_ACR CHIP_REGISTER(0x40023C00)
#define GPIO_IDR(port) CHIP_REGISTER(0x40020010 + 0x400 * (port))
#define GPIO_MODER(port) CHIP_REGISTER(0x40020000 + 0x400 * (port))
#define GPIO_BSRR(port) CHIP_REGISTER(0x40020018 + 0x400 * (port))
#define GPIO_AFRL(port) CHIP_REGISTER(0x40020020 + 0x400 * (port))
#define USART_SR CHIP_REGISTER(BOARD_USART + 0x00)
#define USART_DR CHIP_REGISTER(BOARD_USART + 0x04)
#define USART_BRR CHIP_REGISTER(BOARD_USART + 0x08)
#define USART_CR1 CHIP_REGISTER(BOARD_USART + 0x0C)
#define SYSCFG_EXTICR(line) CHIP_REGISTER(0x40013808 + 4 * ((line) / 4))
#define EXTI_IMR CHIP_REGISTER(0x40013C00)
#define EXTI_RTSR CHIP_REGISTER(0x40013C08)
#define EXTI_FTSR CHIP_REGISTER(0x40013C0C)
#define EXTI_PR CHIP_REGISTER(0x40013C14)
#define UNIQUE_ID 0x1FFF7A10

enum { USART_VECTOR = BOARD_USART_VECTOR, BUTTON_VECTOR = BOARD_BUTTON_VECTOR };
#define BUTTON_BIT (UINT32_C(1) << BOARD_BUTTON_PIN)

#define HSI_HZ 16000000u
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_HSEBYP (1u << 18)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define FLASH_CACHES (7u << 8)
#define USART_RXNE (1u << 5)
#define USART_ORE (1u << 3)
#define USART_TXE (1u << 7)
#define USART_CR1_ENABLE (1u << 13 | 1u << 3 | 1u << 2 | 1u << 5) /* UE, TE, RE, RXNEIE */

static bool led;

/* ---- clock ---- */

/* 8 MHz from outside / 8 * 336 / PLL_P, which is BOARD_TICK_HZ. False, and nothing changed, if a part of it does not answer. */
_Static_assert(BOARD_TICK_HZ == 336000000 / BOARD_PLL_P, "tick_hz of [target.chip] is what the PLL gives");
static bool start_pll(void) {
    RCC_CR |= BOARD_HSE_IS_CLOCK ? RCC_CR_HSEBYP | RCC_CR_HSEON : RCC_CR_HSEON; /* a clock or a crystal */
    if (!chip_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY))
        return false;
    FLASH_ACR = BOARD_FLASH_WAITS | FLASH_CACHES;
    if (!chip_wait(&FLASH_ACR, 15, BOARD_FLASH_WAITS))
        return false;
    RCC_PLLCFGR = 7u << 24 | 1u << 22 | (BOARD_PLL_P / 2 - 1u) << 16 | 336u << 6 | 8u; /* Q, source HSE, P, N, M */
    /* APB2 / 2, APB1 / 4 */
    RCC_CFGR = 4u << 13 | 5u << 10;
    RCC_CR |= RCC_CR_PLLON;
    if (!chip_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY))
        return false;
    RCC_CFGR |= 2u;
    return chip_wait(&RCC_CFGR, 3u << 2, 2u << 2);
}

/* ---- serial line ---- */

/* RX is the pin after TX; both have alternate function 7, USART1 to USART3, and lie in one half of the port. */
static void init_uart(uint32_t clock_hz) {
    const uint32_t tx = BOARD_USART_TX;
    GPIO_MODER(BOARD_USART_PORT) = (GPIO_MODER(BOARD_USART_PORT) & ~(15u << 2 * tx)) | 10u << 2 * tx;
    GPIO_AFRL(BOARD_USART_PORT) = (GPIO_AFRL(BOARD_USART_PORT) & ~(255u << 4 * tx)) | 0x77u << 4 * tx;
    USART_BRR = (clock_hz + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD;
    USART_CR1 = USART_CR1_ENABLE;
    cortexm_enable(USART_VECTOR);
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (chip_wait(&USART_SR, USART_TXE, USART_TXE))
            USART_DR = bytes[i];
    }
}

static void uart_isr(void) {
    uint32_t status = USART_SR;
    uint8_t byte = (uint8_t)USART_DR; /* after SR: this clears an overrun, too */
    if (status & USART_RXNE)
        firmware_received(byte);
}

/* ---- button, pins ---- */

static void button_isr(void) {
    if (EXTI_PR & BUTTON_BIT) { /* QEMU pends the interrupt at the other edge, too */
        EXTI_PR = BUTTON_BIT;
        firmware_button();
    }
}

static void init_pins(void) {
    const uint32_t led_pin = BOARD_LED_PIN, exti = 4 * (BOARD_BUTTON_PIN % 4);
    GPIO_MODER(BOARD_LED_PORT) = (GPIO_MODER(BOARD_LED_PORT) & ~(3u << 2 * led_pin)) | 1u << 2 * led_pin;
    /* The button's pin is an input after reset. */
    SYSCFG_EXTICR(BOARD_BUTTON_PIN) = (SYSCFG_EXTICR(BOARD_BUTTON_PIN) & ~(15u << exti)) | (uint32_t)BOARD_BUTTON_PORT << exti;
    if (BOARD_BUTTON_HIGH)
        EXTI_RTSR |= BUTTON_BIT;
    else
        EXTI_FTSR |= BUTTON_BIT;
    EXTI_IMR |= BUTTON_BIT;
    cortexm_enable(BUTTON_VECTOR);
}

bool board_button_pressed(void) {
    return ((GPIO_IDR(BOARD_BUTTON_PORT) & BUTTON_BIT) != 0) == (BOARD_BUTTON_HIGH != 0);
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    GPIO_BSRR(BOARD_LED_PORT) = UINT32_C(1) << (BOARD_LED_PIN + (high ? 0 : 16));
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- the whole ---- */

void board_unique_id(uint8_t id[8]) {
    for (uint32_t i = 0; i < 8; i += 4) {
        uint32_t word;
        if (!cortexm_probe(UNIQUE_ID + i, &word))
            word = 0;
        memcpy(id + i, &word, sizeof word);
    }
}

void board_init(void) {
    bool fast = start_pll();
    RCC_AHB1ENR |= 1u << BOARD_USART_PORT | 1u << BOARD_LED_PORT | 1u << BOARD_BUTTON_PORT;
    RCC_APB1ENR |= BOARD_USART_APB1_ENABLE;
    RCC_APB2ENR |= BOARD_USART_APB2_ENABLE | 1u << 14; /* SYSCFG */
    (void)RCC_APB2ENR;                                 /* a clock takes two cycles to arrive */
    init_uart(fast ? BOARD_TICK_HZ / (BOARD_USART_APB1_ENABLE ? 4 : 2) : HSI_HZ);
    init_pins();
    cortexm_init_soft_interrupt();
    systick_init(fast ? BOARD_TICK_HZ : HSI_HZ);
}

CORTEXM_VECTORS(BOARD_LAST_VECTOR) = {
    CORTEXM_EXCEPTIONS(systick_isr),
    [16 + BUTTON_VECTOR] = button_isr,
    [16 + USART_VECTOR] = uart_isr,
};
