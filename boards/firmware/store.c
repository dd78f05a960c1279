/* store.c: records in flash, one a file: a header, then the file's bytes, in whole blocks.
 *
 * A record is alive when its header is whole and its last word says "committed", which is written when everything else is there and
 * checked. To remove a file is to write zeros over that word and over the header's check, so that not even an erase that is cut
 * short can bring it back. To replace one is to commit the new record and then to kill the old one: while both are there, the one
 * with the higher number counts. Nothing else is ever changed in place, and all that RAM holds can be found again.
 *
 * Dead records keep their first four words until their sector is erased, so that nothing of their contents is taken for a record.
 * For that a sector is erased together with the one that a dead record begins in.
 *
 * A sector that no record touches may be half erased, whatever it reads as, and is erased before it is used. One that a record
 * touches was erased to the end before that record was written, so what reads as erased in it can be written.
 *
 * Wear is spread by going round: a record is put behind the one that was written last, wherever there is room.
 */
#include "store.h"

#include <string.h>

#include "store_records.h"

static bool is_name(const char *name, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        if (name[i] == '\0')
            return false;
    }
    return length >= 1 && length <= STORE_NAME_SIZE;
}

static uint32_t blocks_for(uint32_t size) {
    return (STORE_HEADER_SIZE + size + store.flash->block_size - 1) / store.flash->block_size;
}

/* ---- opening ---- */

static bool same_name(const struct record_header *a, const struct record_header *b) {
    return a->kind == b->kind && a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

/* Was the record's file written again later? */
static bool is_superseded(uint32_t record) {
    for (uint32_t other = record_next(0); other < store.block_count; other = record_next(record_end(other))) {
        if (record_header(other)->number > record_header(record)->number &&
            same_name(record_header(other), record_header(record)) && record_is_committed(other))
            return true;
    }
    return false;
}

void store_open(const struct store_flash *flash) {
    store.flash = flash;
    store.walked = 0;
    store.block_count = flash->size / flash->block_size;
    store.sector_blocks = flash->sector_size / flash->block_size;
    store.next_number = 1;
    store.next_block = 0;
    store.writing = NOWHERE;
    store.pin_count = 0;
    for (uint32_t record = record_next(0); record < store.block_count; record = record_next(record_end(record))) {
        if (record_header(record)->number >= store.next_number) {
            store.next_number = record_header(record)->number + 1;
            store.next_block = record_end(record) % store.block_count;
        }
    }
    for (uint32_t record = record_next(0); record < store.block_count; record = record_next(record_end(record))) {
        if (!record_is_committed(record) || is_superseded(record))
            (void)record_kill(record);
    }
}

/* ---- files ---- */

static void describe(uint32_t record, struct store_file *file) {
    const struct record_header *header = record_header(record);
    *file = (struct store_file){
        .bytes = (const uint8_t *)(header + 1),
        .size = header->size,
        .name = header->name,
        .name_length = header->name_length,
        .sha256 = header->sha256,
    };
}

static uint32_t find(enum store_kind kind, const char *name, uint32_t length) {
    uint32_t best = NOWHERE;
    for (uint32_t record = record_next(0); record < store.block_count; record = record_next(record_end(record))) {
        const struct record_header *header = record_header(record);
        if (record_is_committed(record) && header->kind == kind && header->name_length == length &&
            memcmp(header->name, name, length) == 0 && (best == NOWHERE || header->number > record_header(best)->number))
            best = record;
    }
    return best;
}

wirq_status store_find(enum store_kind kind, const char *name, uint32_t length, struct store_file *file) {
    uint32_t record = find(kind, name, length);
    if (record == NOWHERE)
        return WIRQ_UNKNOWN_FILE;
    describe(record, file);
    return WIRQ_OK;
}

bool store_next(enum store_kind kind, uint32_t *position, struct store_file *file) {
    for (uint32_t record = record_next(*position); record < store.block_count; record = record_next(record_end(record))) {
        if (record_is_committed(record) && record_header(record)->kind == kind) {
            describe(record, file);
            *position = record_end(record);
            return true;
        }
    }
    return false;
}

wirq_status store_remove(enum store_kind kind, const char *name, uint32_t length) {
    uint32_t record = find(kind, name, length);
    if (record == NOWHERE)
        return WIRQ_UNKNOWN_FILE;
    return record_kill(record) ? WIRQ_OK : WIRQ_FLASH_FAILED;
}

bool store_pin(const struct store_file *file) {
    uint32_t block = (uint32_t)(file->bytes - STORE_HEADER_SIZE - store.flash->bytes) / store.flash->block_size;
    if (record_is_pinned(block))
        return true;
    if (store.pin_count == BOARD_PINS)
        return false;
    store.pins[store.pin_count++] = (uint16_t)block;
    return true;
}

uint32_t store_pin_count(void) {
    return store.pin_count;
}

void store_unpin(uint32_t count) {
    if (count < store.pin_count)
        store.pin_count = count;
}

/* ---- writing ---- */

bool store_is_writing(void) {
    return store.writing != NOWHERE;
}

bool store_is_writing_kind(enum store_kind kind) {
    return store.writing != NOWHERE && record_header(store.writing)->kind == kind;
}

void store_abort(void) {
    if (store.writing != NOWHERE)
        (void)record_kill(store.writing);
    store.writing = NOWHERE;
}

wirq_status store_begin(enum store_kind kind, const char *name, uint32_t length, uint32_t size, const uint8_t *sha256,
                        uint32_t *offset) {
    struct record_header about = {.size = size, .kind = (uint8_t)kind, .name_length = (uint8_t)length, .unused = {0xFF, 0xFF}};
    if (!is_name(name, length))
        return WIRQ_BAD_NAME;
    memcpy(about.name, name, length);
    memcpy(about.sha256, sha256, SHA256_SIZE);
    const struct record_header *begun = store.writing == NOWHERE ? NULL : record_header(store.writing);
    if (begun != NULL && same_name(begun, &about) && begun->size == size && memcmp(begun->sha256, sha256, SHA256_SIZE) == 0) {
        *offset = store.received;
        return WIRQ_OK;
    }
    store_abort();
    uint32_t there = find(kind, name, length);
    if (there != NOWHERE && record_header(there)->size == size && memcmp(record_header(there)->sha256, sha256, SHA256_SIZE) == 0) {
        *offset = size;
        return WIRQ_OK;
    }
    if (size > store.flash->size)
        return WIRQ_STORE_FULL;
    uint32_t count = blocks_for(size), block = room_find_or_make(count);
    if (block == NOWHERE)
        return WIRQ_STORE_FULL;
    if (!room_prepare(block, count) || !record_begin(block, count, &about)) {
        if (record_begins(block))
            (void)record_kill(block);
        return WIRQ_FLASH_FAILED;
    }
    store.writing = block;
    store.received = 0;
    store.word = ERASED;
    *offset = 0;
    return WIRQ_OK;
}

static bool write_word(uint32_t at) {
    uint32_t word = store.word;
    store.word = ERASED;
    return word == ERASED || record_program(store.writing * store.flash->block_size + STORE_HEADER_SIZE + at, &word, 1);
}

wirq_status store_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next) {
    if (store.writing == NOWHERE)
        return WIRQ_NO_UPLOAD;
    if (offset != store.received || length > record_header(store.writing)->size - store.received)
        return WIRQ_BAD_OFFSET;
    for (uint32_t i = 0; i < length; i++) {
        uint32_t at = store.received++;
        ((uint8_t *)&store.word)[at % 4] = bytes[i];
        if (at % 4 == 3 && !write_word(at - 3)) {
            store_abort();
            return WIRQ_FLASH_FAILED;
        }
    }
    *next = store.received;
    return WIRQ_OK;
}

const uint8_t *store_place(void) {
    return (const uint8_t *)(record_header(store.writing) + 1);
}

wirq_status store_commit(void) {
    if (store.writing == NOWHERE)
        return WIRQ_NO_UPLOAD;
    const struct record_header *header = record_header(store.writing);
    if (store.received != header->size)
        return WIRQ_BAD_OFFSET;
    uint8_t hash[SHA256_SIZE];
    bool written = store.received % 4 == 0 || write_word(store.received & ~UINT32_C(3));
    if (header->kind == STORE_CODE)
        memcpy(hash, header->sha256, SHA256_SIZE);
    else
        sha256((const uint8_t *)(header + 1), header->size, hash);
    if (!written || memcmp(hash, header->sha256, SHA256_SIZE) != 0) {
        store_abort();
        return written ? WIRQ_BAD_HASH : WIRQ_FLASH_FAILED;
    }
    uint32_t old = find(header->kind, header->name, header->name_length), block = store.writing;
    store.writing = NOWHERE;
    if (!record_commit(block)) {
        (void)record_kill(block);
        return WIRQ_FLASH_FAILED;
    }
    if (old != NOWHERE)
        (void)record_kill(old);
    return WIRQ_OK;
}

/* ---- figures ---- */

uint32_t store_size(void) {
    return store.flash->size;
}

void store_space(struct store_space *space) {
    uint32_t used = 0, low = 0, high = store.block_count;
    for (uint32_t record = record_next(0); record < store.block_count; record = record_next(record_end(record)))
        used += record_is_in_use(record) ? record_header(record)->blocks : 0;
    /* Room for n blocks is room for less. */
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (room_find(middle) != NOWHERE)
            low = middle;
        else
            high = middle - 1;
    }
    *space = (struct store_space){
        .size = store.flash->size,
        .used = used * store.flash->block_size,
        .largest = low == 0 ? 0 : low * store.flash->block_size - STORE_HEADER_SIZE,
    };
}
