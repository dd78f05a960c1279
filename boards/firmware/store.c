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

#include "crc32.h"
#include "sizes.h"

#define MAGIC UINT32_C(0x51524957)
#define COMMITTED UINT32_C(0x600DF11E)
#define ERASED UINT32_C(0xFFFFFFFF)
#define NOWHERE UINT32_C(0xFFFFFFFF)

struct header {
    uint32_t magic, number, blocks;
    uint32_t check_extent; /* of the three words before, the place and the salt */
    uint32_t size;
    uint8_t kind, name_length, unused[2];
    char name[STORE_NAME_SIZE];
    uint8_t sha256[SHA256_SIZE];
    uint32_t check; /* of all before; 0: killed */
    uint32_t state; /* COMMITTED */
};
_Static_assert(sizeof(struct header) == STORE_HEADER_SIZE, "the header has no gaps");
/* What is written when a record is begun: up to its state. */
enum { BEGUN_WORDS = offsetof(struct header, state) / 4 };

static struct {
    const struct store_flash *flash;
    uint32_t block_count, sector_blocks;
    uint32_t next_number;
    uint32_t next_block; /* where to look for room first */

    /* Where a walk over the records from the first one comes by: no record lies across the front of this block. Sectors are mostly
     * looked at one behind the other, and each look goes on from here. */
    uint32_t walked;

    uint32_t writing; /* block of the record that was begun, or NOWHERE */
    uint32_t received;
    uint32_t word; /* bytes that do not fill a word yet */

    uint16_t pins[BOARD_PINS];
    uint8_t pin_count;
} store = {.writing = NOWHERE}; /* a store that was never opened has nothing begun */

/* ---- records ---- */

static const struct header *header_at(uint32_t block) {
    return (const struct header *)(const void *)(store.flash->bytes + block * store.flash->block_size);
}

static uint32_t crc_words(uint32_t crc, const uint32_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8)
            crc = crc32_add(crc, (uint8_t)(words[i] >> shift));
    }
    return crc;
}

static uint32_t extent_check(const struct header *header, uint32_t block) {
    const uint32_t place[2] = {block, store.flash->salt};
    return ~crc_words(crc_words(CRC32_START, &header->magic, 3), place, 2);
}

static bool is_name(const char *name, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        if (name[i] == '\0')
            return false;
    }
    return length >= 1 && length <= STORE_NAME_SIZE;
}

/* Never 0, which means killed. */
static uint32_t header_check(const struct header *header) {
    return ~crc_words(CRC32_START, &header->magic, offsetof(struct header, check) / 4) | 1;
}

/* Does a record begin here, dead or alive? */
static bool is_record(uint32_t block) {
    const struct header *header = header_at(block);
    return header->magic == MAGIC && header->blocks >= 1 && header->blocks <= store.block_count - block &&
           header->check_extent == extent_check(header, block);
}

static bool is_committed(uint32_t block) {
    const struct header *header = header_at(block);
    return header->state == COMMITTED && header->check == header_check(header);
}

static bool is_pinned(uint32_t block) {
    for (uint32_t i = 0; i < store.pin_count; i++) {
        if (store.pins[i] == block)
            return true;
    }
    return false;
}

/* Must the record's blocks be left alone? */
static bool is_in_use(uint32_t block) {
    return block == store.writing || is_pinned(block) || is_committed(block);
}

/* The first record at or behind a block; store.block_count if there is none. */
static uint32_t next_record(uint32_t block) {
    while (block < store.block_count && !is_record(block))
        block++;
    return block;
}

static uint32_t end_of(uint32_t record) {
    return record + header_at(record)->blocks;
}

static uint32_t blocks_for(uint32_t size) {
    return (STORE_HEADER_SIZE + size + store.flash->block_size - 1) / store.flash->block_size;
}

/* ---- flash ---- */

/* Whatever changes the flash may change where records are. */
static bool program(uint32_t offset, const uint32_t *words, uint32_t count) {
    store.walked = 0;
    return store.flash->program(offset, words, count) && memcmp(store.flash->bytes + offset, words, count * 4) == 0;
}

static bool zero(uint32_t block, uint32_t field) {
    static const uint32_t zero_word = 0;
    uint32_t offset = block * store.flash->block_size + field, word;
    memcpy(&word, store.flash->bytes + offset, 4);
    return word == 0 || program(offset, &zero_word, 1);
}

static bool kill(uint32_t block) {
    bool state = zero(block, offsetof(struct header, state));
    return zero(block, offsetof(struct header, check)) && state;
}

static bool is_erased(uint32_t block) {
    const uint32_t *words = (const uint32_t *)(const void *)(store.flash->bytes + block * store.flash->block_size);
    for (uint32_t i = 0; i < store.flash->block_size / 4; i++) {
        if (words[i] != ERASED)
            return false;
    }
    return true;
}

/* ---- room ---- */

static uint32_t sector_of(uint32_t block) {
    return block / store.sector_blocks;
}

/* The first record that ends behind the front of a block; store.block_count if there is none. */
static uint32_t record_behind(uint32_t block) {
    uint32_t sector_start = sector_of(block) * store.sector_blocks;
    uint32_t record = next_record(store.walked <= sector_start ? store.walked : 0);
    while (record < store.block_count && end_of(record) <= sector_start)
        record = next_record(end_of(record));
    store.walked = record < sector_start ? record : sector_start;
    while (record < store.block_count && end_of(record) <= block)
        record = next_record(end_of(record));
    return record;
}

/* What is known of a sector. */
struct sector {
    bool has_record;     /* one touches it */
    bool in_use;         /* one that must be left alone does */
    uint32_t erase_from; /* sector that the first record in it begins in */
};

static struct sector look_at(uint32_t sector) {
    uint32_t first = sector * store.sector_blocks, end = first + store.sector_blocks;
    struct sector found = {.erase_from = sector};
    for (uint32_t record = record_behind(first); record < end; record = next_record(end_of(record))) {
        found.has_record = true;
        found.in_use |= is_in_use(record);
        if (sector_of(record) < found.erase_from)
            found.erase_from = sector_of(record);
    }
    return found;
}

/* May the sector be erased, together with those before it that its records begin in? What lies between it and the first of these
 * is that one record's. */
static bool may_erase(uint32_t sector, uint32_t *from) {
    for (*from = sector;; sector = *from) {
        struct sector found = look_at(sector);
        if (found.in_use)
            return false;
        *from = found.erase_from;
        if (*from == sector)
            return true;
    }
}

/* Are the blocks [first, end) of one sector free and erased for certain? */
static bool are_clean(uint32_t first, uint32_t end) {
    if (record_behind(first) < end)
        return false;
    while (first < end && is_erased(first))
        first++;
    return first == end;
}

/* Can the part of [first, end) that lies in the sector be written, perhaps after an erase? */
static bool is_usable(uint32_t sector, uint32_t first, uint32_t end, bool *must_erase) {
    uint32_t from, start = sector * store.sector_blocks, stop = start + store.sector_blocks;
    *must_erase = !look_at(sector).has_record;
    if (*must_erase)
        return true;
    if (are_clean(first > start ? first : start, end < stop ? end : stop))
        return true;
    *must_erase = true;
    return may_erase(sector, &from);
}

/* A record that is moved must leave its own sectors, which are to be erased. */
struct forbidden {
    uint32_t first, end; /* sectors */
};
static const struct forbidden nothing_forbidden = {NOWHERE, NOWHERE}; /* for a new record */

/* Where the next attempt may be if `count` blocks cannot be put at `first`; `first` itself if they can. */
static uint32_t attempt(uint32_t first, uint32_t count, const struct forbidden *forbidden) {
    bool must_erase;
    /* Only what lies within one sector can be moved: so nothing smaller lies across the boundary of two, and nothing larger begins
     * in the middle of one. */
    uint32_t within = first % store.sector_blocks;
    if (within != 0 && within + count > store.sector_blocks)
        return first - within + store.sector_blocks;
    for (uint32_t sector = sector_of(first); sector <= sector_of(first + count - 1); sector++) {
        uint32_t start = sector * store.sector_blocks;
        if (sector >= forbidden->first && sector < forbidden->end)
            return forbidden->end * store.sector_blocks;
        if (!is_usable(sector, first, first + count, &must_erase))
            return start > first ? start : first + 1;
    }
    return first;
}

/* The first and the last sector that can be erased as they are; NOWHERE if there is none. */
struct spares {
    uint32_t first, last;
};

static struct spares find_spares(void) {
    struct spares spares = {NOWHERE, NOWHERE};
    uint32_t from;
    for (uint32_t sector = 0; sector < store.block_count / store.sector_blocks; sector++) {
        if (!may_erase(sector, &from))
            continue;
        if (spares.first == NOWHERE)
            spares.first = sector;
        spares.last = sector;
    }
    return spares;
}

/* Where files have to be moved to get room back, one spare sector is kept for that, if `spares` tells which there are: so what was
 * removed can always be used again. */
static uint32_t find_between(uint32_t first, uint32_t last, uint32_t count, const struct forbidden *forbidden,
                             const struct spares *spares) {
    while (first <= last && first + count <= store.block_count) {
        uint32_t next = attempt(first, count, forbidden);
        if (next == first) {
            if (spares == NULL)
                return first;
            if (spares->first == NOWHERE)
                return NOWHERE;
            if (spares->first < sector_of(first) || spares->last > sector_of(first + count - 1))
                return first;
            next = (spares->first + 1) * store.sector_blocks; /* all are needed, until the first of them is left out */
        }
        first = next;
    }
    return NOWHERE;
}

/* Blocks one behind the other that a record of `count` can have, looked for from where the last record ended. */
static uint32_t find_room(uint32_t count, const struct forbidden *forbidden) {
    struct spares spares, *reserve = NULL;
    if (store.sector_blocks > 1 && forbidden == &nothing_forbidden) {
        spares = find_spares();
        reserve = &spares;
    }
    uint32_t found = find_between(store.next_block, store.block_count, count, forbidden, reserve);
    return found != NOWHERE || store.next_block == 0 ? found
                                                     : find_between(0, store.next_block - 1, count, forbidden, reserve);
}

/* Erases sectors. The records that begin in them are forgotten first: one that survived an erase that was cut short would vouch for
 * a sector that is not erased. */
static bool erase(uint32_t first, uint32_t last) {
    uint32_t end, stop = (last + 1) * store.sector_blocks;
    for (uint32_t record = next_record(first * store.sector_blocks); record < stop; record = next_record(end)) {
        end = end_of(record);
        if (!zero(record, offsetof(struct header, magic)))
            return false;
    }
    store.walked = 0;
    for (uint32_t sector = first; sector <= last; sector++) {
        if (!store.flash->erase(sector * store.flash->sector_size))
            return false;
    }
    return true;
}

/* Makes what find_room has found ready to be written. */
static bool prepare(uint32_t first, uint32_t count) {
    bool must_erase;
    uint32_t from;
    for (uint32_t sector = sector_of(first); sector <= sector_of(first + count - 1); sector++) {
        if (!is_usable(sector, first, first + count, &must_erase))
            return false;
        if (!must_erase)
            continue;
        (void)may_erase(sector, &from);
        if (!erase(from, sector))
            return false;
    }
    return true;
}

/* ---- moving files together ---- */

static uint32_t used_blocks(uint32_t sector) {
    uint32_t first = sector * store.sector_blocks, end = first + store.sector_blocks, used = 0;
    for (uint32_t record = record_behind(first); record < end; record = next_record(end_of(record))) {
        if (is_in_use(record))
            used += (end_of(record) < end ? end_of(record) : end) - (record > first ? record : first);
    }
    return used;
}

/* Writes a record's header. */
static bool begin_record(uint32_t block, uint32_t count, const struct header *about) {
    struct header header = *about;
    header.magic = MAGIC;
    header.number = store.next_number++;
    header.blocks = count;
    header.check_extent = extent_check(&header, block);
    header.check = header_check(&header);
    store.next_block = (block + count) % store.block_count;
    return program(block * store.flash->block_size, &header.magic, BEGUN_WORDS);
}

static bool commit_record(uint32_t block) {
    static const uint32_t committed = COMMITTED;
    return program(block * store.flash->block_size + offsetof(struct header, state), &committed, 1);
}

/* Copies a live record to other sectors and kills it: as if the same file had been written again. */
static bool move(uint32_t record) {
    const struct header *old = header_at(record);
    const struct forbidden own = {sector_of(record), sector_of(end_of(record) - 1) + 1};
    uint32_t count = old->blocks, to = find_room(count, &own);
    if (to == NOWHERE || !prepare(to, count))
        return false;
    uint32_t offset = to * store.flash->block_size + STORE_HEADER_SIZE;
    const uint32_t *from = (const uint32_t *)(const void *)(old + 1);
    if (!begin_record(to, count, old) || !program(offset, from, (old->size + 3) / 4) || !commit_record(to)) {
        (void)kill(to);
        return false;
    }
    return kill(record);
}

/* Empties the sector with the fewest blocks in use, so that it can be erased. False if none can be. Only where sectors hold several
 * blocks: else every dead block can be erased as it is. */
static bool make_room(void) {
    uint32_t best = NOWHERE, least = store.sector_blocks;
    for (uint32_t sector = 0; sector < store.block_count / store.sector_blocks; sector++) {
        uint32_t used = used_blocks(sector);
        if (used > 0 && used < least) {
            least = used;
            best = sector;
        }
    }
    if (best == NOWHERE)
        return false;
    uint32_t first = best * store.sector_blocks, end = first + store.sector_blocks, moved = 0;
    for (uint32_t record = next_record(0); record < end; record = next_record(end_of(record))) {
        if (end_of(record) <= first || !is_in_use(record))
            continue;
        if (record == store.writing || is_pinned(record) || sector_of(record) != sector_of(end_of(record) - 1) || !move(record))
            return false;
        moved++;
    }
    return moved > 0;
}

/* Room for a new record. */
static uint32_t find_or_make_room(uint32_t count) {
    for (uint32_t tries = 0; tries <= store.block_count / store.sector_blocks; tries++) {
        uint32_t found = find_room(count, &nothing_forbidden);
        if (found != NOWHERE || store.sector_blocks == 1 || !make_room())
            return found;
    }
    return NOWHERE;
}

/* ---- opening ---- */

static bool same_name(const struct header *a, const struct header *b) {
    return a->kind == b->kind && a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

/* Was the record's file written again later? */
static bool is_superseded(uint32_t record) {
    for (uint32_t other = next_record(0); other < store.block_count; other = next_record(end_of(other))) {
        if (header_at(other)->number > header_at(record)->number && same_name(header_at(other), header_at(record)) &&
            is_committed(other))
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
    for (uint32_t record = next_record(0); record < store.block_count; record = next_record(end_of(record))) {
        if (header_at(record)->number >= store.next_number) {
            store.next_number = header_at(record)->number + 1;
            store.next_block = end_of(record) % store.block_count;
        }
    }
    for (uint32_t record = next_record(0); record < store.block_count; record = next_record(end_of(record))) {
        if (!is_committed(record) || is_superseded(record))
            (void)kill(record);
    }
}

/* ---- files ---- */

static void describe(uint32_t record, struct store_file *file) {
    const struct header *header = header_at(record);
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
    for (uint32_t record = next_record(0); record < store.block_count; record = next_record(end_of(record))) {
        const struct header *header = header_at(record);
        if (is_committed(record) && header->kind == kind && header->name_length == length &&
            memcmp(header->name, name, length) == 0 && (best == NOWHERE || header->number > header_at(best)->number))
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
    for (uint32_t record = next_record(*position); record < store.block_count; record = next_record(end_of(record))) {
        if (is_committed(record) && header_at(record)->kind == kind) {
            describe(record, file);
            *position = end_of(record);
            return true;
        }
    }
    return false;
}

wirq_status store_remove(enum store_kind kind, const char *name, uint32_t length) {
    uint32_t record = find(kind, name, length);
    if (record == NOWHERE)
        return WIRQ_UNKNOWN_FILE;
    return kill(record) ? WIRQ_OK : WIRQ_FLASH_FAILED;
}

bool store_pin(const struct store_file *file) {
    uint32_t block = (uint32_t)(file->bytes - STORE_HEADER_SIZE - store.flash->bytes) / store.flash->block_size;
    if (is_pinned(block))
        return true;
    if (store.pin_count == BOARD_PINS)
        return false;
    store.pins[store.pin_count++] = (uint16_t)block;
    return true;
}

void store_unpin(void) {
    store.pin_count = 0;
}

/* ---- writing ---- */

bool store_is_writing(void) {
    return store.writing != NOWHERE;
}

void store_abort(void) {
    if (store.writing != NOWHERE)
        (void)kill(store.writing);
    store.writing = NOWHERE;
}

wirq_status store_begin(enum store_kind kind, const char *name, uint32_t length, uint32_t size, const uint8_t *sha256,
                        uint32_t *offset) {
    struct header about = {.size = size, .kind = (uint8_t)kind, .name_length = (uint8_t)length, .unused = {0xFF, 0xFF}};
    if (!is_name(name, length))
        return WIRQ_BAD_NAME;
    memcpy(about.name, name, length);
    memcpy(about.sha256, sha256, SHA256_SIZE);
    const struct header *begun = store.writing == NOWHERE ? NULL : header_at(store.writing);
    if (begun != NULL && same_name(begun, &about) && begun->size == size && memcmp(begun->sha256, sha256, SHA256_SIZE) == 0) {
        *offset = store.received;
        return WIRQ_OK;
    }
    store_abort();
    uint32_t there = find(kind, name, length);
    if (there != NOWHERE && header_at(there)->size == size && memcmp(header_at(there)->sha256, sha256, SHA256_SIZE) == 0) {
        *offset = size;
        return WIRQ_OK;
    }
    if (size > store.flash->size)
        return WIRQ_STORE_FULL;
    uint32_t count = blocks_for(size), block = find_or_make_room(count);
    if (block == NOWHERE)
        return WIRQ_STORE_FULL;
    if (!prepare(block, count) || !begin_record(block, count, &about)) {
        if (is_record(block))
            (void)kill(block);
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
    return word == ERASED || program(store.writing * store.flash->block_size + STORE_HEADER_SIZE + at, &word, 1);
}

wirq_status store_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next) {
    if (store.writing == NOWHERE)
        return WIRQ_NO_UPLOAD;
    if (offset != store.received || length > header_at(store.writing)->size - store.received)
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
    return (const uint8_t *)(header_at(store.writing) + 1);
}

wirq_status store_commit(void) {
    if (store.writing == NOWHERE)
        return WIRQ_NO_UPLOAD;
    const struct header *header = header_at(store.writing);
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
    if (!commit_record(block)) {
        (void)kill(block);
        return WIRQ_FLASH_FAILED;
    }
    if (old != NOWHERE)
        (void)kill(old);
    return WIRQ_OK;
}

/* ---- figures ---- */

uint32_t store_size(void) {
    return store.flash->size;
}

void store_space(struct store_space *space) {
    uint32_t used = 0, low = 0, high = store.block_count;
    for (uint32_t record = next_record(0); record < store.block_count; record = next_record(end_of(record)))
        used += is_in_use(record) ? header_at(record)->blocks : 0;
    /* Room for n blocks is room for less. */
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (find_room(middle, &nothing_forbidden) != NOWHERE)
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
