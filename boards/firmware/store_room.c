/* store_room.c: where in the flash a new record can be, and how room is made for it. store.c tells the rules. */
#include <stddef.h>

#include "store_records.h"

static bool is_erased(uint32_t block) {
    const uint32_t *words = (const uint32_t *)(const void *)(store.flash->bytes + block * store.flash->block_size);
    for (uint32_t i = 0; i < store.flash->block_size / 4; i++) {
        if (words[i] != ERASED)
            return false;
    }
    return true;
}

static uint32_t sector_of(uint32_t block) {
    return block / store.sector_blocks;
}

/* The first record that ends behind the front of a block; store.block_count if there is none. */
static uint32_t record_behind(uint32_t block) {
    uint32_t sector_start = sector_of(block) * store.sector_blocks;
    uint32_t record = record_next(store.walked <= sector_start ? store.walked : 0);
    while (record < store.block_count && record_end(record) <= sector_start)
        record = record_next(record_end(record));
    store.walked = record < sector_start ? record : sector_start;
    while (record < store.block_count && record_end(record) <= block)
        record = record_next(record_end(record));
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
    for (uint32_t record = record_behind(first); record < end; record = record_next(record_end(record))) {
        found.has_record = true;
        found.in_use |= record_is_in_use(record);
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
    return found != NOWHERE || store.next_block == 0 ? found : find_between(0, store.next_block - 1, count, forbidden, reserve);
}

/* Erases sectors. The records that begin in them are forgotten first: one that survived an erase that was cut short would vouch for
 * a sector that is not erased. */
static bool erase(uint32_t first, uint32_t last) {
    uint32_t end, stop = (last + 1) * store.sector_blocks;
    for (uint32_t record = record_next(first * store.sector_blocks); record < stop; record = record_next(end)) {
        end = record_end(record);
        if (!record_zero(record, offsetof(struct record_header, magic)))
            return false;
    }
    store.walked = 0;
    for (uint32_t sector = first; sector <= last; sector++) {
        if (!store.flash->erase(sector * store.flash->sector_size))
            return false;
    }
    return true;
}

bool room_prepare(uint32_t first, uint32_t count) {
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
    for (uint32_t record = record_behind(first); record < end; record = record_next(record_end(record))) {
        if (record_is_in_use(record))
            used += (record_end(record) < end ? record_end(record) : end) - (record > first ? record : first);
    }
    return used;
}

/* Copies a live record to other sectors and kills it: as if the same file had been written again. */
static bool move(uint32_t record) {
    const struct record_header *old = record_header(record);
    const struct forbidden own = {sector_of(record), sector_of(record_end(record) - 1) + 1};
    uint32_t count = old->blocks, to = find_room(count, &own);
    if (to == NOWHERE || !room_prepare(to, count))
        return false;
    uint32_t offset = to * store.flash->block_size + STORE_HEADER_SIZE;
    const uint32_t *from = (const uint32_t *)(const void *)(old + 1);
    if (!record_begin(to, count, old) || !record_program(offset, from, (old->size + 3) / 4) || !record_commit(to)) {
        (void)record_kill(to);
        return false;
    }
    return record_kill(record);
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
    for (uint32_t record = record_next(0); record < end; record = record_next(record_end(record))) {
        if (record_end(record) <= first || !record_is_in_use(record))
            continue;
        if (record == store.writing || record_is_pinned(record) || sector_of(record) != sector_of(record_end(record) - 1) ||
            !move(record))
            return false;
        moved++;
    }
    return moved > 0;
}

uint32_t room_find(uint32_t count) {
    return find_room(count, &nothing_forbidden);
}

uint32_t room_find_or_make(uint32_t count) {
    for (uint32_t tries = 0; tries <= store.block_count / store.sector_blocks; tries++) {
        uint32_t found = room_find(count);
        if (found != NOWHERE || store.sector_blocks == 1 || !make_room())
            return found;
    }
    return NOWHERE;
}
