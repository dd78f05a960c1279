/* store_records.c: what a record is, and how it is begun, committed and killed. store.c tells the rules. */
#include "store_records.h"

#include <stddef.h>
#include <string.h>

#include "crc32.h"

#define MAGIC UINT32_C(0x51524957)
#define COMMITTED UINT32_C(0x600DF11E)

/* What is written when a record is begun: up to its state. */
enum { BEGUN_WORDS = offsetof(struct record_header, state) / 4 };

struct store_state store = {.writing = NOWHERE}; /* a store that was never opened has nothing begun */

const struct record_header *record_header(uint32_t block) {
    return (const struct record_header *)(const void *)(store.flash->bytes + block * store.flash->block_size);
}

static uint32_t crc_words(uint32_t crc, const uint32_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8)
            crc = crc32_add(crc, (uint8_t)(words[i] >> shift));
    }
    return crc;
}

static uint32_t extent_check(const struct record_header *header, uint32_t block) {
    const uint32_t place[2] = {block, store.flash->salt};
    return ~crc_words(crc_words(CRC32_START, &header->magic, 3), place, 2);
}

/* Never 0, which means killed. */
static uint32_t header_check(const struct record_header *header) {
    return ~crc_words(CRC32_START, &header->magic, offsetof(struct record_header, check) / 4) | 1;
}

bool record_begins(uint32_t block) {
    const struct record_header *header = record_header(block);
    return header->magic == MAGIC && header->blocks >= 1 && header->blocks <= store.block_count - block &&
           header->check_extent == extent_check(header, block);
}

bool record_is_committed(uint32_t block) {
    const struct record_header *header = record_header(block);
    return header->state == COMMITTED && header->check == header_check(header);
}

bool record_is_pinned(uint32_t block) {
    for (uint32_t i = 0; i < store.pin_count; i++) {
        if (store.pins[i] == block)
            return true;
    }
    return false;
}

bool record_is_in_use(uint32_t block) {
    return block == store.writing || record_is_pinned(block) || record_is_committed(block);
}

uint32_t record_next(uint32_t block) {
    while (block < store.block_count && !record_begins(block))
        block++;
    return block;
}

uint32_t record_end(uint32_t record) {
    return record + record_header(record)->blocks;
}

/* ---- flash ---- */

/* Whatever changes the flash may change where records are. */
bool record_program(uint32_t offset, const uint32_t *words, uint32_t count) {
    store.walked = 0;
    return store.flash->program(offset, words, count) && memcmp(store.flash->bytes + offset, words, count * 4) == 0;
}

bool record_zero(uint32_t block, uint32_t field) {
    static const uint32_t zero_word = 0;
    uint32_t offset = block * store.flash->block_size + field, word;
    memcpy(&word, store.flash->bytes + offset, 4);
    return word == 0 || record_program(offset, &zero_word, 1);
}

bool record_kill(uint32_t block) {
    bool state = record_zero(block, offsetof(struct record_header, state));
    return record_zero(block, offsetof(struct record_header, check)) && state;
}

bool record_begin(uint32_t block, uint32_t count, const struct record_header *about) {
    struct record_header header = *about;
    header.magic = MAGIC;
    header.number = store.next_number++;
    header.blocks = count;
    header.check_extent = extent_check(&header, block);
    header.check = header_check(&header);
    store.next_block = (block + count) % store.block_count;
    return record_program(block * store.flash->block_size, &header.magic, BEGUN_WORDS);
}

bool record_commit(uint32_t block) {
    static const uint32_t committed = COMMITTED;
    return record_program(block * store.flash->block_size + offsetof(struct record_header, state), &committed, 1);
}
