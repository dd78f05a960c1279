/* files.c: where the store lies, and what is beside it. */
#include "files.h"

#include <string.h>

#include "board.h"
#include "firmware.h"
#include "frozen_modules.h" /* generated */
#include "kept_code.h"
#include "link_table.h"
#include "sizes.h"
#include "upload.h"

/* The setting that names the module to start at boot; a file of no bytes: none. */
static const char AUTOSTART[] = "autostart";
enum { AUTOSTART_LENGTH = sizeof AUTOSTART - 1 };

/* Positions of frozen modules begin here. */
#define FROZEN UINT32_C(0x80000000)

static struct {
    bool open;    /* the store is: else it is to be one in RAM, and nothing was written to it */
    bool lasting; /* it is not in RAM */
    struct store_flash place;
} files;

/* ---- a store in RAM ---- */

static uint8_t *ram_store(void) {
    const struct board_memory *memory = board_memory();
    return (uint8_t *)memory->arena + (memory->arena_size - BOARD_STORE_RAM);
}

static bool program_ram(uint32_t offset, const uint32_t *words, uint32_t count) {
    uint32_t *at = (uint32_t *)(void *)(ram_store() + offset);
    while (count-- > 0)
        *at++ &= *words++;
    return true;
}

static bool erase_ram(uint32_t offset) {
    memset(ram_store() + offset, 0xFF, BOARD_STORE_RAM_BLOCK);
    return true;
}

static wirq_status open_in_ram(void) {
    static const struct store_flash ram = {
        .size = BOARD_STORE_RAM,
        .sector_size = BOARD_STORE_RAM_BLOCK,
        .block_size = BOARD_STORE_RAM_BLOCK,
        .program = program_ram,
        .erase = erase_ram,
    };
    wirq_status status = wirq_resize_arena(firmware_vm, board_memory()->arena_size - BOARD_STORE_RAM);
    if (status != WIRQ_OK)
        return status;
    upload_forget(); /* it lay where the store is to be */
    files.place = ram;
    files.place.bytes = ram_store();
    memset(ram_store(), 0, BOARD_STORE_RAM);
    store_open(&files.place);
    files.open = true;
    return WIRQ_OK;
}

/* ---- opening ---- */

void files_open(void) {
#if BOARD_STORE_SIZE
    static const struct store_flash flash = {
        .size = BOARD_STORE_SIZE,
        .sector_size = BOARD_STORE_SECTOR,
        .block_size = BOARD_STORE_BLOCK,
        .program = board_flash_program,
        .erase = board_flash_erase,
    };
    uint8_t id[8];
    files.place = flash;
    files.place.bytes = board_flash();
    if (files.place.bytes == NULL)
        return;
    board_unique_id(id);
    memcpy(&files.place.salt, id, sizeof files.place.salt);
    store_open(&files.place);
    files.open = files.lasting = true;
#endif
}

uint8_t files_store_kind(void) {
    return !files.lasting ? LINK_STORE_RAM : __STDC_HOSTED__ ? LINK_STORE_FILE : LINK_STORE_FLASH;
}

uint32_t files_store_size(void) {
    return files.open ? store_size() : BOARD_STORE_RAM;
}

uint32_t files_memory(void) {
    return files.open && !files.lasting ? BOARD_STORE_RAM : 0;
}

void files_space(struct store_space *space) {
    if (files.open)
        store_space(space);
    else
        *space = (struct store_space){.size = BOARD_STORE_RAM, .largest = BOARD_STORE_RAM - STORE_HEADER_SIZE};
}

/* ---- files ---- */

static void describe_frozen(uint32_t i, struct store_file *file) {
    *file = (struct store_file){
        .bytes = frozen_modules[i].bytes,
        .size = frozen_modules[i].size,
        .name = frozen_modules[i].name,
        .name_length = (uint32_t)strlen(frozen_modules[i].name),
        .sha256 = frozen_modules[i].sha256,
    };
}

bool files_next(uint32_t *position, struct store_file *file, bool *frozen) {
    *frozen = *position >= FROZEN;
    if (!*frozen && files.open && store_next(STORE_FILE, position, file))
        return true;
    uint32_t from = *frozen ? *position - FROZEN : 0, i = 0;
    while (i < from && frozen_modules[i].name != NULL) /* the host may ask for any position */
        i++;
    *frozen = true;
    if (frozen_modules[i].name == NULL) /* the end */
        return false;
    describe_frozen(i, file);
    *position = FROZEN + i + 1;
    return true;
}

wirq_status files_find(const char *name, uint32_t length, struct store_file *file, bool *frozen) {
    *frozen = false;
    if (files.open && store_find(STORE_FILE, name, length, file) == WIRQ_OK)
        return WIRQ_OK;
    for (uint32_t position = FROZEN; files_next(&position, file, frozen);) {
        if (file->name_length == length && memcmp(file->name, name, length) == 0)
            return WIRQ_OK;
    }
    return WIRQ_UNKNOWN_FILE;
}

wirq_status files_remove(const char *name, uint32_t length) {
    kept_code_remove(name, length);
    return files.open ? store_remove(STORE_FILE, name, length) : WIRQ_UNKNOWN_FILE;
}

static wirq_status open_for_writing(void) {
    return files.open ? WIRQ_OK : open_in_ram();
}

wirq_status files_begin(const char *name, uint32_t length, uint32_t size, const uint8_t *sha256, uint32_t *offset) {
    wirq_status status = open_for_writing();
    if (status != WIRQ_OK)
        return status;
    status = store_begin(STORE_FILE, name, length, size, sha256, offset);
    if (status == WIRQ_STORE_FULL && kept_code_bytes() != 0) {
        kept_code_remove_all();
        status = store_begin(STORE_FILE, name, length, size, sha256, offset);
    }
    return status;
}

/* What is begun may be a record of lowered code, which a load writes. */
wirq_status files_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next) {
    return store_is_writing_kind(STORE_FILE) ? store_write(offset, bytes, length, next) : WIRQ_NO_UPLOAD;
}

wirq_status files_commit(void) {
    return store_is_writing_kind(STORE_FILE) ? store_commit() : WIRQ_NO_UPLOAD;
}

bool files_keep(const struct store_file *file, bool frozen) {
    return frozen || store_pin(file);
}

uint32_t files_kept(void) {
    return store_pin_count();
}

void files_release(uint32_t kept) {
    store_unpin(kept);
}

/* ---- the module that is started at boot ---- */

wirq_status files_set_autostart(const char *name, uint32_t length) {
    uint32_t offset, next;
    uint8_t hash[SHA256_SIZE];
    struct store_file file;
    bool frozen;
    wirq_status status = length == 0 ? WIRQ_OK : files_find(name, length, &file, &frozen);
    if (status == WIRQ_OK)
        status = open_for_writing();
    if (status != WIRQ_OK)
        return status;
    sha256((const uint8_t *)name, length, hash);
    status = store_begin(STORE_SETTING, AUTOSTART, AUTOSTART_LENGTH, length, hash, &offset);
    if (status != WIRQ_OK || !store_is_writing())
        return status;
    status = store_write(offset, (const uint8_t *)name + offset, length - offset, &next);
    return status == WIRQ_OK ? store_commit() : status;
}

wirq_status files_autostart(struct store_file *file, bool *frozen) {
    struct store_file setting;
    *frozen = true;
    if (files.open && store_find(STORE_SETTING, AUTOSTART, AUTOSTART_LENGTH, &setting) == WIRQ_OK)
        return files_find((const char *)setting.bytes, setting.size, file, frozen);
    uint32_t position = FROZEN;
    return files_next(&position, file, frozen) ? WIRQ_OK : WIRQ_UNKNOWN_FILE;
}

bool files_is_autostart(const struct store_file *file) {
    struct store_file autostart;
    bool frozen;
    return files_autostart(&autostart, &frozen) == WIRQ_OK && autostart.bytes == file->bytes;
}
