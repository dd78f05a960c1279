/* stm32f4_flash.c: the driver of the STM32F4's flash controller against one that is played here, with the store on top.
 *
 * Each access of a register comes through played(): what the last one wrote takes effect when the next one comes. What the reference
 * manual forbids ends the test: to write registers or memory that are locked, to program without PG and 32 bits, to start an
 * erase of another sector than the store's, to empty caches that are on. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "sha256.h"
#include "store.h"

enum { ACR = 0x40023C00, KEYR = 0x40023C04, SR = 0x40023C0C, CR = 0x40023C10 };
#define LOCK (UINT32_C(1) << 31)
#define START (UINT32_C(1) << 16)
#define WRITE_PROTECTED (UINT32_C(1) << 4)
enum { PROGRAM = 1, ERASE = 2, WORDS = 2 << 8, CACHES = 7 << 8, RESET_CACHES = 3 << 11 };

static uint32_t acr = CACHES | 5, keyr, sr, cr = LOCK, memory[BOARD_STORE_SIZE / 4], keys, erases, scratch;
static bool absent, is_protected;

static uint32_t last, before, *there = &scratch;

static _Noreturn void fail(const char *what) {
    printf("FAILED: %s (register 0x%08x, 0x%08x becomes 0x%08x)\n", what, (unsigned)last, (unsigned)before, (unsigned)*there);
    exit(1);
}

static void expect(bool holds, const char *what) {
    if (!holds)
        fail(what);
}

static void control(void) {
    uint32_t written = cr;
    if (before & LOCK) {
        expect((written & ~LOCK) == 0, "a locked control register was written");
        cr = before;
    } else if (written & START && written & ERASE) {
        uint32_t sector = written >> 3 & 15;
        expect((written & 0x300) == WORDS && !(written & PROGRAM), "an erase with other bits");
        expect(sector >= 5 && sector < 5 + BOARD_STORE_SIZE / BOARD_STORE_SECTOR, "a sector of the firmware's is erased");
        if (is_protected)
            sr |= WRITE_PROTECTED;
        else
            memset((uint8_t *)memory + (sector - 5) * BOARD_STORE_SECTOR, 0xFF, BOARD_STORE_SECTOR);
        erases++;
        cr = written & ~START;
    }
    if (written & LOCK)
        cr |= LOCK;
}

/* What was written where the program looked last. */
static void settle(void) {
    uint32_t at = last;
    last = 0;
    if (absent) {
        scratch = 0;
        return;
    }
    switch (at) {
    case 0:
        return;
    case KEYR:
        keys = keyr == 0x45670123 ? 1 : keyr == 0xCDEF89AB && keys == 1 ? 2 : 0;
        if (keys == 2)
            cr &= ~LOCK;
        keyr = 0;
        return;
    case SR:
        if (sr != before)
            sr = before & ~sr;
        return;
    case CR:
        if (cr != before)
            control();
        return;
    case ACR:
        expect(!(acr & RESET_CACHES) || !(acr & CACHES), "caches that are on were emptied");
        expect((acr & 15) == 5, "the wait states are gone");
        return;
    default:
        if (*there == before)
            return;
        expect(!(cr & LOCK) && (cr & PROGRAM) && (cr & 0x300) == WORDS, "memory was written that is not being programmed");
        if (is_protected) {
            *there = before;
            sr |= WRITE_PROTECTED;
        }
        expect((*there & ~before) == 0 || is_protected, "a bit was set without an erase");
    }
}

volatile uint32_t *played(uint32_t address) {
    settle();
    last = address;
    if (absent) {
        there = &scratch;
    } else if (address - BOARD_STORE_ORIGIN < BOARD_STORE_SIZE) {
        there = &memory[(address - BOARD_STORE_ORIGIN) / 4];
    } else {
        switch (address) {
        case ACR:
            there = &acr;
            break;
        case KEYR:
            there = &keyr;
            break;
        case SR:
            there = &sr;
            break;
        case CR:
            there = &cr;
            break;
        default:
            fail("a register that the controller does not have");
        }
    }
    before = *there;
    return there;
}

static void at_rest(void) {
    settle();
    expect(absent || cr == LOCK, "the controller is left open");
    expect((acr & (CACHES | RESET_CACHES)) == CACHES, "the caches are left off");
}

static void contents(uint32_t version, uint32_t size, uint8_t *bytes) {
    uint32_t x = version * 2654435761u + 1;
    for (uint32_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
}

enum { MOST = 60000 };

static wirq_status put(const char *name, uint32_t version, uint32_t size) {
    static uint8_t bytes[MOST], hash[SHA256_SIZE];
    uint32_t offset, next;
    contents(version, size, bytes);
    sha256(bytes, size, hash);
    wirq_status status = store_begin(STORE_FILE, name, (uint32_t)strlen(name), size, hash, &offset);
    for (; status == WIRQ_OK && offset < size; offset = next) {
        uint32_t piece = size - offset < 491 ? size - offset : 491;
        status = store_write(offset, bytes + offset, piece, &next);
    }
    if (status == WIRQ_OK && store_is_writing()) /* it may be there already */
        status = store_commit();
    at_rest();
    return status;
}

static bool holds(const char *name, uint32_t version, uint32_t size) {
    static uint8_t bytes[MOST];
    struct store_file file;
    contents(version, size, bytes);
    return store_find(STORE_FILE, name, (uint32_t)strlen(name), &file) == WIRQ_OK && file.size == size &&
           memcmp(file.bytes, bytes, size) == 0;
}

int main(void) {
    static const struct store_flash geometry = {
        .bytes = (const uint8_t *)memory,
        .size = BOARD_STORE_SIZE,
        .sector_size = BOARD_STORE_SECTOR,
        .block_size = BOARD_STORE_BLOCK,
        .salt = 4711,
        .program = board_flash_program,
        .erase = board_flash_erase,
    };
    memset(memory, 0xFF, sizeof memory);

    absent = true;
    expect(board_flash() == NULL, "a flash controller that is not there was found");
    settle();
    absent = false;
    expect(board_flash() != NULL, "the flash controller was not found");
    at_rest();

    store_open(&geometry);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t size = 1 + i * 577 % MOST;
        expect(put("changes", i, size) == WIRQ_OK, "a file was not taken");
        if (i % 10 == 0)
            expect(put("stays", 1000, 40000) == WIRQ_OK, "a file was not taken");
        if (i % 7 == 0)
            store_open(&geometry);
        expect(holds("changes", i, size) && holds("stays", 1000, 40000), "a file is not what was written");
    }
    expect(store_remove(STORE_FILE, "changes", 7) == WIRQ_OK, "a file was not removed");
    at_rest();
    store_open(&geometry);
    expect(!holds("changes", 99, 1 + 99 * 577 % MOST) && holds("stays", 1000, 40000), "the wrong file was removed");

    is_protected = true;
    expect(!board_flash_erase(0), "an erase that failed was not noticed");
    at_rest();
    expect(put("refused", 1, 100) == WIRQ_FLASH_FAILED, "a write that failed was not noticed");
    is_protected = false;
    expect(put("taken", 1, 100) == WIRQ_OK && holds("taken", 1, 100), "an error is remembered for ever");
    printf("%u sectors erased\n", (unsigned)erases);
    return 0;
}
