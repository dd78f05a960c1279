/* nrf_flash.c: the flash controller (NVMC) of the nRF51 and nRF52 for the module store. Registers: nRF51 Series reference manual,
 * nRF52840 product specification. */
#include "board.h"
#include "chip.h"

#ifndef BOARD_NRF_FLASH

typedef int this_board_has_other_flash;

#else

#define NVMC_READY CHIP_REGISTER(0x4001E400)
#define NVMC_CONFIG CHIP_REGISTER(0x4001E504)
#define NVMC_ERASEPAGE CHIP_REGISTER(0x4001E508)
enum { NVMC_READ_ONLY = 0, NVMC_WRITE = 1, NVMC_ERASE = 2 };

/* An emulator without this controller reads as 0: never ready. */
static bool flash_mode(uint32_t mode) {
    NVMC_CONFIG = mode;
    return (NVMC_CONFIG & 3) == mode && chip_wait(&NVMC_READY, 1, 1);
}

const uint8_t *board_flash(void) {
    bool works = flash_mode(NVMC_WRITE);
    return flash_mode(NVMC_READ_ONLY) && works ? (const uint8_t *)BOARD_STORE_ORIGIN : NULL;
}

/* The processor stands still for 46 us a word on the nRF51, 41 us on the nRF52: less than a byte's time on the serial line. */
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

#endif
