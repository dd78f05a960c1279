/* histories.c: random histories of a module store on a simulated flash whose power fails at every write and erase in turn.
 *
 *   histories SEED COUNT OPERATIONS BLOCK SECTOR SECTORS
 *
 * For each operation of a history and each write of a word and erase of a sector that it makes, the power is cut in that very
 * moment: the word has only some of its bits, the sector is anything between what it was and erased. Then the store is opened, with
 * a second cut at a random moment of that, and opened again: it must hold exactly the files from before the operation or from after
 * it. The history goes on sometimes from there, sometimes from an operation that was let through. The flash refuses what flash does
 * not do: to set bits, to write a word twice but with zeros, to be written where an erase was cut short. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"
#include "store.h"

enum { MOST_BYTES = 1 << 16, NAMES = 5, MOST_SIZE = 700, MOST_SECTORS = 64 };

/* ---- chance ---- */

static uint64_t chance_state;

static uint32_t chance(void) {
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(chance_state >> 33) * UINT32_C(2654435761) ^ (uint32_t)(chance_state >> 32);
}

static uint32_t below(uint32_t limit) {
    return chance() % limit;
}

/* ---- flash ---- */

static struct flash {
    uint32_t words[MOST_BYTES / 4];
    bool half_erased[MOST_SECTORS];
} flash;
static uint32_t erases[MOST_SECTORS];
static struct store_flash geometry;
static uint32_t operations, cut_at; /* operations so far; the one that the power fails in, counted from 1; 0: none */
static jmp_buf power_failed;

static _Noreturn void fail(const char *what) {
    printf("FAILED: %s\n", what);
    exit(1);
}

static bool flash_program(uint32_t offset, const uint32_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *word = &flash.words[offset / 4 + i], wanted = words[i];
        if (flash.half_erased[(offset + 4 * i) / geometry.sector_size])
            fail("a sector whose erase was cut short was written");
        if (*word != UINT32_MAX && wanted != 0 && wanted != *word)
            fail("a word was written twice");
        if (++operations == cut_at) {
            *word &= wanted | (chance() % 4 == 0 ? 0 : chance());
            longjmp(power_failed, 1);
        }
        *word &= wanted;
    }
    return true;
}

static bool flash_erase(uint32_t offset) {
    uint32_t *words = &flash.words[offset / 4], count = geometry.sector_size / 4, sector = offset / geometry.sector_size;
    erases[sector]++;
    if (++operations == cut_at) {
        uint32_t how = below(4);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t of_word = how == 3 ? below(3) : how;
            words[i] = of_word == 0 ? words[i] : of_word == 1 ? UINT32_MAX : words[i] | chance();
        }
        flash.half_erased[sector] = true;
        longjmp(power_failed, 1);
    }
    memset(words, 0xFF, geometry.sector_size);
    flash.half_erased[sector] = false;
    return true;
}

/* ---- what should be there ---- */

struct model {
    struct {
        bool there;
        uint32_t version, size;
    } files[NAMES];
};

static const char *const names[NAMES] = {"a", "blink.wasm", "the-longest-name-that-there-is.wa", "x", "autostart"};

static enum store_kind kind_of(uint32_t name) {
    return name == NAMES - 1 ? STORE_SETTING : STORE_FILE;
}

static uint32_t name_length(uint32_t name) {
    uint32_t length = (uint32_t)strlen(names[name]);
    return length < STORE_NAME_SIZE ? length : STORE_NAME_SIZE;
}

/* Some contents are all ones at the end, as erased flash is, and some look like zeros. */
static void contents(uint32_t version, uint32_t size, uint8_t *bytes) {
    uint32_t x = version * 2654435761u + 1;
    for (uint32_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = version % 7 == 0 && i > size / 2 ? 0xFF : version % 11 == 0 ? 0 : (uint8_t)(x >> 24);
    }
}

static bool holds(const struct model *model) {
    struct store_file file;
    uint32_t there = 0, listed = 0, position = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        wirq_status status = store_find(kind_of(i), names[i], name_length(i), &file);
        if ((status == WIRQ_OK) != model->files[i].there)
            return false;
        if (status != WIRQ_OK)
            continue;
        uint8_t bytes[MOST_SIZE];
        contents(model->files[i].version, model->files[i].size, bytes);
        if (file.size != model->files[i].size || memcmp(file.bytes, bytes, file.size) != 0)
            return false;
        there++;
    }
    while (store_next(STORE_FILE, &position, &file))
        listed++;
    position = 0;
    while (store_next(STORE_SETTING, &position, &file))
        listed++;
    return listed == there;
}

/* ---- operations ---- */

struct operation {
    bool removes;
    uint32_t name, version, size, piece;
};

static struct operation random_operation(uint32_t version) {
    struct operation operation = {.removes = below(4) == 0, .name = below(NAMES), .version = version, .piece = 1 + below(100)};
    operation.size = below(3) == 0 ? below(40) : below(MOST_SIZE);
    return operation;
}

/* Does it, and tells in `model` what came of it. */
static void perform(const struct operation *operation, struct model *model) {
    enum store_kind kind = kind_of(operation->name);
    const char *name = names[operation->name];
    uint32_t length = name_length(operation->name), offset, next;
    if (operation->removes) {
        if (store_remove(kind, name, length) == WIRQ_OK)
            model->files[operation->name].there = false;
        return;
    }
    uint8_t bytes[MOST_SIZE], hash[SHA256_SIZE];
    contents(operation->version, operation->size, bytes);
    sha256(bytes, operation->size, hash);
    wirq_status status = store_begin(kind, name, length, operation->size, hash, &offset);
    if (status == WIRQ_STORE_FULL)
        return;
    if (status != WIRQ_OK || offset != 0)
        fail("a file could not be begun");
    while (offset < operation->size) {
        uint32_t piece = operation->size - offset < operation->piece ? operation->size - offset : operation->piece;
        if (store_write(offset, bytes + offset, piece, &next) != WIRQ_OK || next != offset + piece)
            fail("a piece was not taken");
        offset = next;
    }
    if (store_is_writing() && store_commit() != WIRQ_OK) /* an empty file may be there already */
        fail("a file was not committed");
    model->files[operation->name].there = true;
    model->files[operation->name].version = operation->version;
    model->files[operation->name].size = operation->size;
}

/* Opens the store, with the power failing once more on the way, if `cut` says so. */
static void reopen(uint32_t cut) {
    operations = 0;
    cut_at = cut;
    if (setjmp(power_failed) == 0)
        store_open(&geometry);
    operations = cut_at = 0;
    store_open(&geometry);
}

static uint64_t cuts, refused;

/* The history's next operation, cut at every moment, then let through or left at one of the cuts. */
static void step(struct model *model, uint32_t version) {
    static struct flash before, kept;
    static struct model after, kept_model;
    static struct operation operation;
    static uint32_t total, at, keep;
    operation = random_operation(version);
    before = flash;
    after = *model;
    operations = cut_at = 0;
    perform(&operation, &after);
    total = operations;
    refused += !operation.removes && total == 0;
    if (!holds(&after))
        fail("an operation that nothing disturbed went wrong");
    kept = flash;
    kept_model = after;
    keep = total > 0 && below(3) == 0 ? 1 + below(total) : 0;
    for (at = 1; at <= total; at++) {
        flash = before;
        operations = cut_at = 0;
        store_open(&geometry);
        if (operations != 0)
            fail("opening a store that was closed in order wrote to it");
        struct model scratch = *model;
        cut_at = at;
        if (setjmp(power_failed) == 0) {
            perform(&operation, &scratch);
            fail("the same operation wrote less");
        }
        cuts++;
        reopen(below(6));
        bool is_before = holds(model), is_after = holds(&after);
        if (!is_before && !is_after)
            fail("a cut left neither what was nor what was to be");
        if (at == keep) {
            kept = flash;
            kept_model = is_after ? after : *model;
        }
    }
    flash = kept;
    *model = kept_model;
    operations = cut_at = 0;
    store_open(&geometry);
    if (!holds(model))
        fail("the store changed when it was opened again");
}

int main(int argc, char **argv) {
    if (argc != 7)
        return 2;
    uint32_t seed = (uint32_t)atoi(argv[1]), count = (uint32_t)atoi(argv[2]), length = (uint32_t)atoi(argv[3]);
    geometry = (struct store_flash){
        .bytes = (const uint8_t *)flash.words,
        .block_size = (uint32_t)atoi(argv[4]),
        .sector_size = (uint32_t)atoi(argv[5]),
        .size = (uint32_t)atoi(argv[5]) * (uint32_t)atoi(argv[6]),
        .salt = 12345,
        .program = flash_program,
        .erase = flash_erase,
    };
    for (uint32_t history = 0; history < count; history++) {
        struct model model = {0};
        chance_state = (uint64_t)(seed + history) * 1000003 + 17;
        for (uint32_t i = 0; i < MOST_BYTES / 4; i++) /* a store that was never used: zeros, ones or anything */
            flash.words[i] = history % 3 == 0 ? 0 : history % 3 == 1 ? UINT32_MAX : chance();
        memset(flash.half_erased, history % 3 == 2, sizeof flash.half_erased);
        operations = cut_at = 0;
        store_open(&geometry);
        if (!holds(&model))
            fail("an unused store holds something");
        for (uint32_t i = 0; i < length; i++)
            step(&model, history * 1000 + i + 1);
    }
    uint32_t most = 0, total = 0;
    for (uint32_t i = 0; i < geometry.size / geometry.sector_size; i++) {
        most = erases[i] > most ? erases[i] : most;
        total += erases[i];
    }
    printf("%u histories of %u operations, %llu cuts, %llu refused for want of room, erases of a sector: mean %u, most %u\n", count,
           length, (unsigned long long)cuts, (unsigned long long)refused, total / (geometry.size / geometry.sector_size), most);
    return 0;
}
