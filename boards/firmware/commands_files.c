/* commands_files.c: the link's channel files: one upload at a time, into RAM. */
#include "app.h"
#include "commands.h"
#include "link_table.h"
#include "upload.h"

static wirq_status begin(const struct request *request) {
    uint32_t offset, size = link_get_u32(request->fields + LINK_FILES_BEGIN_REQUEST_SIZE);
    if (app_is_loading())
        return WIRQ_BUSY;
    wirq_status status = upload_begin(size, request->fields + LINK_FILES_BEGIN_REQUEST_SHA256, &offset);
    link_failure.detail = size;
    link_put_u32(offset);
    return status;
}

static wirq_status write(const struct request *request) {
    uint32_t next = 0;
    wirq_status status = upload_write(link_get_u32(request->fields + LINK_FILES_WRITE_REQUEST_OFFSET),
                                      request->fields + LINK_FILES_WRITE_REQUEST_FIXED_SIZE,
                                      request->length - LINK_FILES_WRITE_REQUEST_FIXED_SIZE, &next);
    link_put_u32(next);
    return status;
}

static wirq_status commit(const struct request *request) {
    (void)request;
    return upload_commit();
}

static wirq_status abort_(const struct request *request) {
    (void)request;
    if (app_is_loading())
        return WIRQ_BUSY;
    upload_drop();
    return WIRQ_OK;
}

const struct link_command files_commands[] = {
    {LINK_CHANNEL_FILES, LINK_FILES_BEGIN, LINK_FILES_BEGIN_REQUEST_FIXED_SIZE, begin},
    {LINK_CHANNEL_FILES, LINK_FILES_WRITE, LINK_FILES_WRITE_REQUEST_FIXED_SIZE, write},
    {LINK_CHANNEL_FILES, LINK_FILES_COMMIT, LINK_FILES_COMMIT_REQUEST_FIXED_SIZE, commit},
    {LINK_CHANNEL_FILES, LINK_FILES_ABORT, LINK_FILES_ABORT_REQUEST_FIXED_SIZE, abort_},
};
const uint32_t files_command_count = sizeof files_commands / sizeof *files_commands;
