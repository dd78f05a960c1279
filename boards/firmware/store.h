/* store.h: files on the board's flash, each in one piece so that a module is run where it lies.
 *
 * Power may fail at any moment, in the middle of a write or an erase: when the store is opened again, every file is as it was before
 * what was being done or as it was to become, never in between. Thread only; the flash's functions may keep the processor for as
 * long as an erase takes. Nothing here allocates.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "sha256.h"
#include "wirq.h"

/* ---- what the store lies in ---- */

/* Memory that is read like any other, written in words, and erased (to ones) in sectors. A word that was written may be written once
 * more with zeros; a sector holds one or several blocks, and files begin at blocks. */
struct store_flash {
    const uint8_t *bytes; /* 4-byte aligned */
    uint32_t size;        /* a multiple of sector_size */
    uint32_t sector_size; /* a multiple of block_size */
    uint32_t block_size;  /* a multiple of 4, at least STORE_HEADER_SIZE */
    uint32_t salt;        /* some number of this board's own: what a file contains is never taken for the store's own records */
    /* False if the flash did not take it. Offsets in bytes from the start; program: words at a multiple of 4. */
    bool (*program)(uint32_t offset, const uint32_t *words, uint32_t count);
    bool (*erase)(uint32_t offset); /* of a sector */
};
enum { STORE_HEADER_SIZE = 96, STORE_NAME_SIZE = 32 };

/* Finishes what a power cut has interrupted. What it does not recognise it treats as free, zeros included. */
void store_open(const struct store_flash *flash);

/* ---- files ---- */

/* What a file is for. Names of different kinds do not meet. The hash of STORE_CODE is not that of its bytes but of what it was made
 * of (kept_code.h). */
enum store_kind { STORE_FILE = 1, STORE_SETTING = 2, STORE_CODE = 3 };

struct store_file {
    const uint8_t *bytes;
    uint32_t size;
    const char *name; /* not terminated */
    uint32_t name_length;
    const uint8_t *sha256;
};

/* WIRQ_UNKNOWN_FILE if there is none. What `file` refers to stays until the file is removed or replaced, and longer if pinned. */
wirq_status store_find(enum store_kind kind, const char *name, uint32_t length, struct store_file *file);
/* The files of a kind one after the other, from *position = 0 on; false behind the last. */
bool store_next(enum store_kind kind, uint32_t *position, struct store_file *file);
wirq_status store_remove(enum store_kind kind, const char *name, uint32_t length);

/* The file's bytes stay where they are, even if it is removed or replaced, until store_unpin. False if too many are pinned. */
bool store_pin(const struct store_file *file);
uint32_t store_pin_count(void);
/* All but the `count` that were pinned first. */
void store_unpin(uint32_t count);

/* ---- writing a file ---- */

/* Begins to write a file, which takes the place of one of the same name when it is committed. The same one again (name, size and
 * hash) goes on: *offset is where. One that is there already needs nothing: *offset is its size. Another one that was begun and not
 * committed is forgotten. WIRQ_STORE_FULL, WIRQ_BAD_NAME, WIRQ_FLASH_FAILED. Erases, which takes its time. */
wirq_status store_begin(enum store_kind kind, const char *name, uint32_t length, uint32_t size, const uint8_t *sha256,
                        uint32_t *offset);
/* The next bytes; *next is where the following ones go. */
wirq_status store_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next);
/* Where the bytes of the file that is being written are, those that have been written so far. */
const uint8_t *store_place(void);
/* Checks the hash of what the flash holds and puts the file in place, in one step. */
wirq_status store_commit(void);
void store_abort(void);
/* Is a file being written? One of that kind? */
bool store_is_writing(void);
bool store_is_writing_kind(enum store_kind kind);

/* ---- room ---- */

struct store_space {
    uint32_t size;    /* of the whole */
    uint32_t used;    /* by files, with what they take beside their bytes */
    uint32_t largest; /* bytes of the largest file that there is room for now */
};
void store_space(struct store_space *space);
uint32_t store_size(void);

#endif
