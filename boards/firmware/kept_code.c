/* kept_code.c: where the lowered code of a module goes, and whether it is there already. */
#include "kept_code.h"

#include <string.h>

#include "board.h"
#include "crc32.h"
#include "files.h"
#include "firmware.h"
#include "link.h"
#include "link_table.h"
#include "wirq_build_id.h"

enum phase {
    IN_RAM, /* the code goes to the arena, or there is no load */
    FIND,   /* it is there, and used */
    COUNT,  /* it is counted */
    WRITE,  /* it is written */
};

/* What stands behind the code. */
struct tail {
    uint8_t build_id[8];
    uint32_t check; /* CRC-32 of the code and all that the VM has put behind it */
};
enum { TAIL_SIZE = sizeof(struct tail) };

static const uint8_t build_id[8] = WIRQ_BUILD_ID_BYTES;

static struct {
    uint8_t phase; /* enum phase */
    uint8_t outcome;
    bool failed;         /* the flash, or somebody else writes to the store: what was written is not whole */
    uint8_t name_length; /* of the module */
    const char *name;
    const uint8_t *sha256;
    struct wirq_code_memory memory;
    uint32_t size; /* bytes that were counted or written */
} kept;

bool kept_code_possible(void) {
    return files_store_kind() != LINK_STORE_RAM && wirq_load_code_memory(firmware_vm, NULL) != WIRQ_NOT_SUPPORTED;
}

/* ---- what is there ---- */

static uint32_t check_of(const uint8_t *bytes, uint32_t size) {
    uint32_t crc = CRC32_START;
    while (size-- > 0)
        crc = crc32_add(crc, *bytes++);
    return ~crc;
}

static bool is_whole(const struct store_file *code) {
    struct tail tail;
    if (code->size < TAIL_SIZE)
        return false;
    uint32_t size = code->size - TAIL_SIZE;
    memcpy(&tail, code->bytes + size, TAIL_SIZE);
    return memcmp(tail.build_id, build_id, sizeof build_id) == 0 && tail.check == check_of(code->bytes, size);
}

static bool find(struct store_file *code) {
    return store_find(STORE_CODE, kept.name, kept.name_length, code) == WIRQ_OK &&
           memcmp(code->sha256, kept.sha256, SHA256_SIZE) == 0 && is_whole(code);
}

void kept_code_remove(const char *name, uint32_t length) {
    if (kept_code_possible())
        (void)store_remove(STORE_CODE, name, length);
}

static void remove_some(bool all) {
    struct store_file code, module;
    bool frozen;
    if (!kept_code_possible())
        return;
    for (uint32_t position = 0; store_next(STORE_CODE, &position, &code);) {
        if (all || files_find(code.name, code.name_length, &module, &frozen) != WIRQ_OK ||
            memcmp(code.sha256, module.sha256, SHA256_SIZE) != 0)
            (void)store_remove(STORE_CODE, code.name, code.name_length);
    }
}

void kept_code_remove_stale(void) {
    remove_some(false);
}

void kept_code_remove_all(void) {
    remove_some(true);
}

uint32_t kept_code_bytes(void) {
    struct store_file code;
    uint32_t bytes = 0;
    if (kept_code_possible()) {
        for (uint32_t position = 0; store_next(STORE_CODE, &position, &code);)
            bytes += STORE_HEADER_SIZE + code.size;
    }
    return bytes;
}

/* ---- loading ---- */

static void count(void *user, const void *bytes, uint32_t size) {
    (void)user;
    (void)bytes;
    kept.size += size;
}

static void write(void *user, const void *bytes, uint32_t size) {
    (void)user;
    uint32_t next;
    kept.failed = kept.failed || store_write(kept.size, bytes, size, &next) != WIRQ_OK;
    kept.size += size;
}

/* Uses what is there, which must stay for as long as the module does. */
static bool use(void) {
    struct store_file code;
    if (!find(&code) || !store_pin(&code))
        return false;
    kept.memory = (struct wirq_code_memory){.base = code.bytes, .size = code.size - TAIL_SIZE};
    return true;
}

static void begin_count(void) {
    kept.phase = COUNT;
    kept.size = 0;
    /* Anywhere: where it will be is not known yet. */
    kept.memory = (struct wirq_code_memory){.base = board_memory()->arena, .append = count};
}

uint8_t kept_code_outcome(void) {
    return kept.outcome;
}

void kept_code_none(void) {
    kept.phase = IN_RAM;
    kept.outcome = LINK_CODE_RAM;
}

void kept_code_begin(const struct store_file *module) {
    kept_code_none();
    kept.name = module->name;
    kept.name_length = (uint8_t)module->name_length;
    kept.sha256 = module->sha256;
    if (!kept_code_possible())
        return;
    if (use())
        kept.phase = FIND;
    else if (!store_is_writing()) /* a file on its way is not disturbed */
        begin_count();
}

void kept_code_load_begun(void) {
    if (kept.phase != IN_RAM)
        (void)wirq_load_code_memory(firmware_vm, &kept.memory);
}

/* Makes room for what was counted, and begins to write it. */
static void begin_write(void) {
    uint32_t offset, size = kept.size + TAIL_SIZE;
    kept.phase = IN_RAM;
    if (kept.size == 0 || store_is_writing()) /* no code; or the host has begun to write a file meanwhile */
        return;
    if (link_is_open())
        link_acknowledge(); /* an erase takes its time, and the board says nothing meanwhile */
    kept_code_remove_stale();
    kept_code_remove(kept.name, kept.name_length); /* it was of no use */
    if (store_begin(STORE_CODE, kept.name, kept.name_length, size, kept.sha256, &offset) != WIRQ_OK)
        return;
    kept.phase = WRITE;
    kept.size = 0;
    kept.failed = false;
    kept.memory = (struct wirq_code_memory){.base = store_place(), .append = write};
}

/* Commits what was written, if it is whole. */
static bool end_write(void) {
    struct tail tail;
    uint32_t next;
    if (kept.failed || !store_is_writing())
        return false;
    memcpy(tail.build_id, build_id, sizeof build_id);
    tail.check = check_of(store_place(), kept.size);
    return store_write(kept.size, (const uint8_t *)&tail, TAIL_SIZE, &next) == WIRQ_OK && store_commit() == WIRQ_OK && use();
}

bool kept_code_load_ended(wirq_status status, struct wirq_module *module) {
    switch (kept.phase) {
    case FIND:
        if (status == WIRQ_OK) {
            kept.outcome = LINK_CODE_FOUND;
        } else if (status == WIRQ_BAD_REQUEST) { /* it was made for another address */
            begin_count();
            return true;
        }
        break;
    case COUNT:
        if (status == WIRQ_OK) {
            wirq_unload(firmware_vm, module);
            begin_write();
            return true;
        }
        break;
    case WRITE:
        if (status == WIRQ_OK && end_write()) {
            kept.outcome = LINK_CODE_WRITTEN;
            break;
        }
        if (status == WIRQ_OK)
            wirq_unload(firmware_vm, module);
        kept_code_abort();
        return status == WIRQ_OK;
    default:
        break;
    }
    kept.phase = IN_RAM;
    return false;
}

void kept_code_abort(void) {
    if (kept.phase == WRITE)
        store_abort();
    kept.phase = IN_RAM;
}
