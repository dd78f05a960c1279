/* commands_files.c: the link's channel files: what is sent to the board, into its RAM or its store, and what is there. */
#include "files.h"

#include <string.h>

#include "app.h"
#include "commands.h"
#include "kept_code.h"
#include "link_table.h"
#include "upload.h"

/* What files.write goes to: the file that was begun last. */
static bool to_store;

/* The name at the end of a request. */
static const char *name_of(const struct request *request, uint32_t before, uint32_t *length) {
    *length = request->length - before;
    return (const char *)request->fields + before;
}

static wirq_status begin(const struct request *request) {
    uint32_t offset, length, size = link_get_u32(request->fields + LINK_FILES_BEGIN_REQUEST_SIZE);
    const uint8_t *hash = request->fields + LINK_FILES_BEGIN_REQUEST_SHA256;
    const char *name = name_of(request, LINK_FILES_BEGIN_REQUEST_FIXED_SIZE, &length);
    if (app_is_loading())
        return WIRQ_BUSY;
    to_store = length != 0;
    link_acknowledge(); /* an erase takes its time, and the board hears nothing meanwhile */
    wirq_status status = to_store ? files_begin(name, length, size, hash, &offset) : upload_begin(size, hash, &offset);
    link_failure.detail = size;
    link_put_u32(offset);
    return status;
}

static wirq_status write(const struct request *request) {
    uint32_t next = 0, offset = link_get_u32(request->fields + LINK_FILES_WRITE_REQUEST_OFFSET);
    const uint8_t *bytes = request->fields + LINK_FILES_WRITE_REQUEST_FIXED_SIZE;
    uint32_t length = request->length - LINK_FILES_WRITE_REQUEST_FIXED_SIZE;
    wirq_status status = to_store ? files_write(offset, bytes, length, &next) : upload_write(offset, bytes, length, &next);
    link_put_u32(next);
    return status;
}

static wirq_status commit(const struct request *request) {
    (void)request;
    link_acknowledge(); /* for the same reason */
    return to_store ? files_commit() : upload_commit();
}

static wirq_status abort_(const struct request *request) {
    (void)request;
    if (app_is_loading())
        return WIRQ_BUSY;
    store_abort();
    upload_drop();
    return WIRQ_OK;
}

static wirq_status list(const struct request *request) {
    uint32_t position = link_get_u32(request->fields + LINK_FILES_LIST_REQUEST_POSITION);
    struct store_file file;
    bool frozen;
    if (!files_next(&position, &file, &frozen))
        return WIRQ_UNKNOWN_FILE;
    link_put_u32(position);
    link_put_u8((uint8_t)(frozen * LINK_FILE_FROZEN | files_is_autostart(&file) * LINK_FILE_AUTOSTART));
    link_put_u32(file.size);
    link_put_bytes(file.sha256, SHA256_SIZE);
    link_put_bytes(file.name, file.name_length);
    return WIRQ_OK;
}

static wirq_status remove_(const struct request *request) {
    return files_remove((const char *)request->fields, request->length);
}

static wirq_status read(const struct request *request) {
    uint32_t length, offset = link_get_u32(request->fields + LINK_FILES_READ_REQUEST_OFFSET);
    const char *name = name_of(request, LINK_FILES_READ_REQUEST_FIXED_SIZE, &length);
    struct store_file file;
    bool frozen;
    wirq_status status = files_find(name, length, &file, &frozen);
    if (status != WIRQ_OK)
        return status;
    if (offset > file.size)
        return WIRQ_BAD_OFFSET;
    uint32_t rest = file.size - offset;
    link_put_bytes(file.bytes + offset, rest < link_room() ? rest : link_room());
    return WIRQ_OK;
}

static wirq_status space(const struct request *request) {
    (void)request;
    struct store_space space;
    files_space(&space);
    link_put_u8(files_store_kind());
    link_put_u32(space.size);
    link_put_u32(space.used);
    link_put_u32(space.largest);
    link_put_u32(kept_code_bytes());
    return WIRQ_OK;
}

static wirq_status set_autostart(const struct request *request) {
    if (app_is_loading()) /* it would end the record of lowered code that is being written */
        return WIRQ_BUSY;
    return files_set_autostart((const char *)request->fields, request->length);
}

const struct link_command files_commands[] = {
    {LINK_CHANNEL_FILES, LINK_FILES_BEGIN, LINK_FILES_BEGIN_REQUEST_FIXED_SIZE, begin},
    {LINK_CHANNEL_FILES, LINK_FILES_WRITE, LINK_FILES_WRITE_REQUEST_FIXED_SIZE, write},
    {LINK_CHANNEL_FILES, LINK_FILES_COMMIT, LINK_FILES_COMMIT_REQUEST_FIXED_SIZE, commit},
    {LINK_CHANNEL_FILES, LINK_FILES_ABORT, LINK_FILES_ABORT_REQUEST_FIXED_SIZE, abort_},
    {LINK_CHANNEL_FILES, LINK_FILES_LIST, LINK_FILES_LIST_REQUEST_FIXED_SIZE, list},
    {LINK_CHANNEL_FILES, LINK_FILES_REMOVE, LINK_FILES_REMOVE_REQUEST_FIXED_SIZE, remove_},
    {LINK_CHANNEL_FILES, LINK_FILES_READ, LINK_FILES_READ_REQUEST_FIXED_SIZE, read},
    {LINK_CHANNEL_FILES, LINK_FILES_SPACE, LINK_FILES_SPACE_REQUEST_FIXED_SIZE, space},
    {LINK_CHANNEL_FILES, LINK_FILES_SET_AUTOSTART, LINK_FILES_SET_AUTOSTART_REQUEST_FIXED_SIZE, set_autostart},
};
const uint32_t files_command_count = sizeof files_commands / sizeof *files_commands;
