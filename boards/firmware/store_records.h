/* store_records.h: the records that the store consists of, for the files store….c alone.
 *
 * A record is named by the block of flash that it begins at. Those that are committed are files.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "sizes.h"
#include "store.h"

#define NOWHERE UINT32_C(0xFFFFFFFF) /* no block, no sector */
#define ERASED UINT32_C(0xFFFFFFFF)  /* a word */

struct record_header {
    uint32_t magic, number, blocks;
    uint32_t check_extent; /* of the three words before, the place and the salt */
    uint32_t size;
    uint8_t kind, name_length, unused[2];
    char name[STORE_NAME_SIZE];
    uint8_t sha256[SHA256_SIZE];
    uint32_t check; /* of all before; 0: killed */
    uint32_t state; /* COMMITTED */
};
_Static_assert(sizeof(struct record_header) == STORE_HEADER_SIZE, "the header has no gaps");

extern struct store_state {
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
} store;

/* ---- store_records.c ---- */
const struct record_header *record_header(uint32_t block);
/* Does a record begin here, dead or alive? */
bool record_begins(uint32_t block);
bool record_is_committed(uint32_t block);
bool record_is_pinned(uint32_t block);
/* Must the record's blocks be left alone? */
bool record_is_in_use(uint32_t block);
/* The first record at or behind a block; store.block_count if there is none. */
uint32_t record_next(uint32_t block);
/* The block behind the record. */
uint32_t record_end(uint32_t record);
/* Writes words that are erased, and reads them back. The offset is in bytes, from the beginning of the flash. */
bool record_program(uint32_t offset, const uint32_t *words, uint32_t count);
/* Writes zeros over one field of the header, by its offset in there. */
bool record_zero(uint32_t block, uint32_t field);
/* The record is dead from here on, or was. */
bool record_kill(uint32_t block);
/* Writes a header; what `about` says of the file is taken from there. */
bool record_begin(uint32_t block, uint32_t count, const struct record_header *about);
/* The file is there, whole and checked. */
bool record_commit(uint32_t block);

/* ---- store_room.c ---- */
/* Blocks one behind the other that a new record of `count` can have as things are; NOWHERE if there are none. */
uint32_t room_find(uint32_t count);
/* The same, but files are moved together if that helps. */
uint32_t room_find_or_make(uint32_t count);
/* Makes what has been found ready to be written. */
bool room_prepare(uint32_t first, uint32_t count);

#endif
