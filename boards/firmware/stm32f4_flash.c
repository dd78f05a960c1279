/* stm32f4_flash.c: the flash controller of the STM32F4 for the module store. STM32F4_FLASH in board.toml is the first sector of the
 * store; all of them have 128 KiB. Registers: STM32F4 reference manuals RM0090 and RM0368, section 3. */
#include "board.h"
#include "chip.h"

#ifndef BOARD_STM32F4_FLASH

typedef int this_board_has_other_flash;

#else

#define FLASH_ACR CHIP_REGISTER(0x40023C00)
#define FLASH_KEYR CHIP_REGISTER(0x40023C04)
#define FLASH_SR CHIP_REGISTER(0x40023C0C)
#define FLASH_CR CHIP_REGISTER(0x40023C10)

#define ACR_CACHES (7u << 8) /* and prefetching */
#define ACR_CACHES_RESET (3u << 11)
#define SR_BUSY (1u << 16)
#define SR_ERRORS 0xF2u
#define CR_PROGRAM (1u << 0)
#define CR_ERASE (1u << 1)
#define CR_SECTOR(n) ((n) << 3)
#define CR_WORDS (2u << 8) /* 32 bits at a time: from 2.7 V on */
#define CR_START (1u << 16)
#define CR_LOCK (1u << 31)

static bool unlock_flash(void) {
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xCDEF89AB;
    FLASH_SR = SR_ERRORS;
    return !(FLASH_CR & CR_LOCK);
}

/* An erase of 128 KiB takes up to 4 s, in which the processor stands still when it fetches its next instruction. */
static bool end_flash(void) {
    for (uint32_t i = 0; i < 1000 && FLASH_SR & SR_BUSY; i++)
        (void)chip_wait(&FLASH_SR, SR_BUSY, 0);
    bool done = !(FLASH_SR & (SR_BUSY | SR_ERRORS));
    FLASH_CR = CR_LOCK;
    return done;
}

/* The controller is locked after reset; an emulator without one reads 0. */
const uint8_t *board_flash(void) {
    bool was_locked = FLASH_CR & CR_LOCK;
    bool unlocked = was_locked && unlock_flash();
    FLASH_CR = CR_LOCK;
    return unlocked && FLASH_CR & CR_LOCK ? (const uint8_t *)BOARD_STORE_ORIGIN : NULL;
}

/* What the caches hold of it is old. They are emptied while they are off. */
static void empty_caches(void) {
    FLASH_ACR &= ~ACR_CACHES;
    FLASH_ACR |= ACR_CACHES_RESET;
    FLASH_ACR &= ~ACR_CACHES_RESET;
    FLASH_ACR |= ACR_CACHES;
}

bool board_flash_program(uint32_t offset, const uint32_t *words, uint32_t count) {
    bool written = unlock_flash();
    FLASH_CR = CR_PROGRAM | CR_WORDS;
    for (uint32_t i = 0; i < count && written; i++) {
        CHIP_REGISTER(BOARD_STORE_ORIGIN + offset + 4 * i) = words[i];
        written = chip_wait(&FLASH_SR, SR_BUSY, 0);
    }
    written = end_flash() && written;
    empty_caches();
    return written;
}

bool board_flash_erase(uint32_t offset) {
    bool unlocked = unlock_flash();
    if (unlocked)
        FLASH_CR = CR_ERASE | CR_WORDS | CR_SECTOR(BOARD_STM32F4_FLASH + offset / BOARD_STORE_SECTOR) | CR_START;
    bool erased = end_flash() && unlocked;
    empty_caches();
    return erased;
}

#endif
