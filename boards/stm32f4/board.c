/* board.c: drivers of the STM32F4-Discovery. Registers: STM32F4 reference manual RM0090. */
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "systick.h"

#define RCC_CR CHIP_REGISTER(0x40023800)
#define RCC_PLLCFGR CHIP_REGISTER(0x40023804)
#define RCC_CFGR CHIP_REGISTER(0x40023808)
#define RCC_AHB1ENR CHIP_REGISTER(0x40023830)
#define RCC_APB2ENR CHIP_REGISTER(0x40023844)
#define FLASH_ACR CHIP_REGISTER(0x40023C00)
#define FLASH_KEYR CHIP_REGISTER(0x40023C04)
#define FLASH_SR CHIP_REGISTER(0x40023C0C)
#define FLASH_CR CHIP_REGISTER(0x40023C10)
#define GPIO_IDR(port) CHIP_REGISTER(0x40020010 + 0x400 * (port))
#define GPIO_MODER(port) CHIP_REGISTER(0x40020000 + 0x400 * (port))
#define GPIO_BSRR(port) CHIP_REGISTER(0x40020018 + 0x400 * (port))
#define GPIO_AFRL(port) CHIP_REGISTER(0x40020020 + 0x400 * (port))
#define USART_SR CHIP_REGISTER(0x40011000)
#define USART_DR CHIP_REGISTER(0x40011004)
#define USART_BRR CHIP_REGISTER(0x40011008)
#define USART_CR1 CHIP_REGISTER(0x4001100C)
#define SYSCFG_EXTICR1 CHIP_REGISTER(0x40013808)
#define EXTI_IMR CHIP_REGISTER(0x40013C00)
#define EXTI_RTSR CHIP_REGISTER(0x40013C08)
#define EXTI_PR CHIP_REGISTER(0x40013C14)
#define UNIQUE_ID 0x1FFF7A10

enum { PORT_A = 0, PORT_B = 1, PORT_D = 3, LED = 12, USART1 = 37, EXTI0 = 6 };

#define HSI_HZ 16000000u
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define FLASH_LATENCY_5 5u
#define FLASH_CACHES (7u << 8)
#define FLASH_CACHES_RESET (3u << 11)
#define FLASH_SR_BUSY (1u << 16)
#define FLASH_SR_ERRORS 0xF2u
#define FLASH_CR_PROGRAM (1u << 0)
#define FLASH_CR_ERASE (1u << 1)
#define FLASH_CR_SECTOR(n) ((n) << 3)
#define FLASH_CR_WORDS (2u << 8) /* 32 bits at a time: from 2.7 V on */
#define FLASH_CR_START (1u << 16)
#define FLASH_CR_LOCK (1u << 31)
enum { FIRST_SECTOR = 5 };
#define USART_RXNE (1u << 5)
#define USART_ORE (1u << 3)
#define USART_TXE (1u << 7)
#define USART_CR1_ENABLE (1u << 13 | 1u << 3 | 1u << 2 | 1u << 5) /* UE, TE, RE, RXNEIE */

static bool led;

/* ---- clock ---- */

/* 168 MHz from the 8 MHz crystal: 8 / 8 * 336 / 2. False, and nothing changed, if a part of it does not answer. */
static bool start_pll(void) {
    RCC_CR |= RCC_CR_HSEON;
    if (!chip_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY))
        return false;
    FLASH_ACR = FLASH_LATENCY_5 | FLASH_CACHES;
    if (!chip_wait(&FLASH_ACR, 15, FLASH_LATENCY_5))
        return false;
    RCC_PLLCFGR = 7u << 24 | 1u << 22 | 0u << 16 | 336u << 6 | 8u; /* Q, source HSE, P = 2, N, M */
    RCC_CFGR = 4u << 13 | 5u << 10;                               /* APB2 / 2, APB1 / 4 */
    RCC_CR |= RCC_CR_PLLON;
    if (!chip_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY))
        return false;
    RCC_CFGR |= 2u;
    return chip_wait(&RCC_CFGR, 3u << 2, 2u << 2);
}

/* ---- serial line ---- */

static void init_uart(uint32_t clock_hz) {
    GPIO_MODER(PORT_B) = (GPIO_MODER(PORT_B) & ~(15u << 12)) | 10u << 12; /* PB6, PB7: alternate function */
    GPIO_AFRL(PORT_B) = (GPIO_AFRL(PORT_B) & ~(255u << 24)) | 0x77u << 24;
    USART_BRR = (clock_hz + BOARD_UART_BAUD / 2) / BOARD_UART_BAUD;
    USART_CR1 = USART_CR1_ENABLE;
    cortexm_enable(USART1);
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
    if (EXTI_PR & 1) { /* QEMU pends the interrupt at the other edge, too */
        EXTI_PR = 1;
        firmware_button();
    }
}

static void init_pins(void) {
    GPIO_MODER(PORT_D) = (GPIO_MODER(PORT_D) & ~(3u << 2 * LED)) | 1u << 2 * LED;
    SYSCFG_EXTICR1 &= ~15u; /* line 0 is PA0, which is an input after reset */
    EXTI_RTSR |= 1;
    EXTI_IMR |= 1;
    cortexm_enable(EXTI0);
}

bool board_button_pressed(void) {
    return GPIO_IDR(PORT_A) & 1;
}

void board_pin_drive(uint32_t pin, bool high) {
    (void)pin; /* the LED is the only one */
    led = high;
    GPIO_BSRR(PORT_D) = 1u << (LED + (high ? 0 : 16));
}

bool board_pin_level(uint32_t pin) {
    (void)pin;
    return led;
}

/* ---- flash ---- */

static bool unlock_flash(void) {
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xCDEF89AB;
    FLASH_SR = FLASH_SR_ERRORS;
    return !(FLASH_CR & FLASH_CR_LOCK);
}

/* An erase of 128 KiB takes up to 4 s, in which the processor stands still when it fetches its next instruction. */
static bool end_flash(void) {
    for (uint32_t i = 0; i < 1000 && FLASH_SR & FLASH_SR_BUSY; i++)
        (void)chip_wait(&FLASH_SR, FLASH_SR_BUSY, 0);
    bool done = !(FLASH_SR & (FLASH_SR_BUSY | FLASH_SR_ERRORS));
    FLASH_CR = FLASH_CR_LOCK;
    return done;
}

/* The controller is locked after reset; an emulator without one reads 0. */
const uint8_t *board_flash(void) {
    bool was_locked = FLASH_CR & FLASH_CR_LOCK;
    bool unlocked = was_locked && unlock_flash();
    FLASH_CR = FLASH_CR_LOCK;
    return unlocked && FLASH_CR & FLASH_CR_LOCK ? (const uint8_t *)BOARD_STORE_ORIGIN : NULL;
}

/* What the caches hold of it is old. */
static void empty_caches(void) {
    FLASH_ACR &= ~FLASH_CACHES;
    FLASH_ACR |= FLASH_CACHES_RESET;
    FLASH_ACR &= ~FLASH_CACHES_RESET;
    FLASH_ACR |= FLASH_CACHES;
}

bool board_flash_program(uint32_t offset, const uint32_t *words, uint32_t count) {
    bool written = unlock_flash();
    FLASH_CR = FLASH_CR_PROGRAM | FLASH_CR_WORDS;
    for (uint32_t i = 0; i < count && written; i++) {
        CHIP_REGISTER(BOARD_STORE_ORIGIN + offset + 4 * i) = words[i];
        written = chip_wait(&FLASH_SR, FLASH_SR_BUSY, 0);
    }
    written = end_flash() && written;
    empty_caches();
    return written;
}

bool board_flash_erase(uint32_t offset) {
    bool unlocked = unlock_flash();
    if (unlocked)
        FLASH_CR = FLASH_CR_ERASE | FLASH_CR_WORDS | FLASH_CR_SECTOR(FIRST_SECTOR + offset / BOARD_STORE_SECTOR) | FLASH_CR_START;
    bool erased = end_flash() && unlocked;
    empty_caches();
    return erased;
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
    RCC_AHB1ENR |= 1u << PORT_A | 1u << PORT_B | 1u << PORT_D;
    RCC_APB2ENR |= 1u << 4 | 1u << 14; /* USART1, SYSCFG */
    (void)RCC_APB2ENR;                 /* a clock takes two cycles to arrive */
    init_uart(fast ? BOARD_TICK_HZ / 2 : HSI_HZ);
    init_pins();
    cortexm_init_soft_interrupt();
    systick_init(fast ? BOARD_TICK_HZ : HSI_HZ);
}

CORTEXM_VECTORS(USART1) = {
    CORTEXM_EXCEPTIONS(systick_isr),
    [16 + EXTI0] = button_isr,
    [16 + USART1] = uart_isr,
};
