/* upload.c: receives a module into the end of the arena's memory. */
#include "upload.h"

#include <string.h>

#include "board.h"
#include "files.h"
#include "firmware.h"
#include "sha256.h"

static struct {
    uint8_t *bytes; /* NULL: none */
    uint32_t size, received;
    uint32_t memory; /* size, rounded up */
    bool committed;
    uint8_t hash[SHA256_SIZE];
} upload;

/* Where the memory ends that arena and upload share. */
static size_t pool_size(void) {
    return board_memory()->arena_size - files_memory();
}

void upload_forget(void) {
    upload.bytes = NULL;
    upload.memory = 0;
    upload.committed = false;
}

/* If the arena cannot have the memory now, for a module is being loaded, it is the upload's until it is dropped again. */
static void give_back(void) {
    if (wirq_resize_arena(firmware_vm, pool_size()) == WIRQ_OK)
        upload_forget();
}

void upload_drop(void) {
    if (upload.bytes != NULL)
        give_back();
}

wirq_status upload_begin(uint32_t size, const uint8_t *hash, uint32_t *offset) {
    if (upload.bytes != NULL && upload.size == size && memcmp(upload.hash, hash, SHA256_SIZE) == 0) {
        *offset = upload.received;
        return WIRQ_OK;
    }
    if (size > pool_size())
        return WIRQ_MODULE_TOO_LARGE;
    uint32_t rounded = (size + 7) & ~UINT32_C(7);
    wirq_status status = wirq_resize_arena(firmware_vm, pool_size() - rounded);
    if (status != WIRQ_OK)
        return status;
    upload.bytes = (uint8_t *)board_memory()->arena + (pool_size() - rounded);
    upload.size = size;
    upload.memory = rounded;
    upload.received = 0;
    upload.committed = false;
    memcpy(upload.hash, hash, SHA256_SIZE);
    *offset = 0;
    return WIRQ_OK;
}

wirq_status upload_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next) {
    if (upload.bytes == NULL)
        return WIRQ_NO_UPLOAD;
    if (offset != upload.received || length > upload.size - upload.received)
        return WIRQ_BAD_OFFSET;
    memcpy(upload.bytes + offset, bytes, length);
    upload.received += length;
    *next = upload.received;
    return WIRQ_OK;
}

wirq_status upload_commit(void) {
    if (upload.bytes == NULL)
        return WIRQ_NO_UPLOAD;
    if (upload.received != upload.size)
        return WIRQ_BAD_OFFSET;
    uint8_t hash[SHA256_SIZE];
    sha256(upload.bytes, upload.size, hash);
    if (memcmp(hash, upload.hash, SHA256_SIZE) != 0) {
        give_back();
        return WIRQ_BAD_HASH;
    }
    upload.committed = true;
    return WIRQ_OK;
}

const uint8_t *upload_bytes(uint32_t *size) {
    *size = upload.size;
    return upload.committed ? upload.bytes : NULL;
}

const uint8_t *upload_hash(void) {
    return upload.hash;
}

uint32_t upload_memory(void) {
    return upload.memory;
}
