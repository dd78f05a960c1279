/* commands_app.c: the link's channel app: load, call, run, look at, drop. */
#include "app.h"
#include "bench.h"
#include "board.h"
#include "commands.h"
#include "firmware.h"
#include "link_table.h"
#include "upload.h"

static wirq_status instantiate(const struct request *request) {
    uint8_t flags = request->fields[LINK_APP_INSTANTIATE_REQUEST_FLAGS];
    const char *name = (const char *)request->fields + LINK_APP_INSTANTIATE_REQUEST_FIXED_SIZE;
    wirq_status status = app_instantiate(APP_LINK, name, request->length - LINK_APP_INSTANTIATE_REQUEST_FIXED_SIZE,
                                         flags & LINK_INSTANTIATE_KEEP, flags & LINK_INSTANTIATE_NO_START);
    return status == WIRQ_OK ? LINK_DEFERRED : status;
}

static wirq_status register_(const struct request *request) {
    return app_register(request->fields[LINK_APP_REGISTER_REQUEST_INSTANCE],
                        (const char *)request->fields + LINK_APP_REGISTER_REQUEST_FIXED_SIZE,
                        request->length - LINK_APP_REGISTER_REQUEST_FIXED_SIZE);
}

/* An export's name and the cells of its arguments, which follow it. */
struct call {
    const char *name;
    uint32_t name_length, count;
    uint32_t cells[(BOARD_MAX_FRAME - LINK_HEADER_FIXED_SIZE) / 4];
};

static bool get_call(const uint8_t *bytes, uint32_t length, uint32_t name_length, struct call *call) {
    if (name_length > length || (length - name_length) % 4 != 0)
        return false;
    call->name = (const char *)bytes;
    call->name_length = name_length;
    call->count = (length - name_length) / 4;
    for (uint32_t i = 0; i < call->count; i++)
        call->cells[i] = link_get_u32(bytes + name_length + 4 * i);
    return true;
}

static wirq_status invoke(const struct request *request) {
    const uint8_t *fields = request->fields;
    struct call call;
    if (!get_call(fields + LINK_APP_INVOKE_REQUEST_FIXED_SIZE, request->length - LINK_APP_INVOKE_REQUEST_FIXED_SIZE,
                  fields[LINK_APP_INVOKE_REQUEST_NAME_LENGTH], &call))
        return WIRQ_BAD_REQUEST;
    wirq_status status = app_invoke(fields[LINK_APP_INVOKE_REQUEST_INSTANCE], call.name, call.name_length, call.cells, call.count);
    return status == WIRQ_OK ? LINK_DEFERRED : status;
}

static wirq_status run(const struct request *request) {
    return app_run(request->fields[LINK_APP_RUN_REQUEST_INSTANCE]);
}

static wirq_status find_global(const struct wirq_instance *instance, const char *name, uint32_t length, uint32_t *global) {
    struct wirq_export found;
    if (instance == NULL)
        return WIRQ_UNKNOWN_INSTANCE;
    wirq_status status = wirq_find_export(instance, name, length, &found);
    if (status == WIRQ_OK && found.kind != WIRQ_GLOBAL)
        status = WIRQ_UNKNOWN_EXPORT;
    if (status == WIRQ_OK)
        *global = found.index;
    return status;
}

static wirq_status global_get(const struct request *request) {
    const struct wirq_instance *instance = app_instance(request->fields[LINK_APP_GLOBAL_GET_REQUEST_INSTANCE]);
    uint32_t global, cells[2];
    uint16_t type;
    wirq_status status = find_global(instance, (const char *)request->fields + LINK_APP_GLOBAL_GET_REQUEST_FIXED_SIZE,
                                     request->length - LINK_APP_GLOBAL_GET_REQUEST_FIXED_SIZE, &global);
    if (status == WIRQ_OK)
        status = wirq_global_get(instance, global, &type, cells);
    if (status == WIRQ_OK) {
        link_put_u8((uint8_t)type); /* of a typed reference that is the index's low byte: its cell is what it is */
        link_put_u32(cells[0]);
        if (type == WIRQ_I64 || type == WIRQ_F64)
            link_put_u32(cells[1]);
    }
    return status;
}

static wirq_status memory_read(const struct request *request) {
    const uint8_t *fields = request->fields;
    const struct wirq_instance *instance = app_instance(fields[LINK_APP_MEMORY_READ_REQUEST_INSTANCE]);
    uint32_t size, address = link_get_u32(fields + LINK_APP_MEMORY_READ_REQUEST_ADDRESS);
    uint32_t length = link_get_u16(fields + LINK_APP_MEMORY_READ_REQUEST_LENGTH);
    if (instance == NULL)
        return WIRQ_UNKNOWN_INSTANCE;
    const uint8_t *memory = wirq_memory(instance, &size);
    if (address > size || length > size - address)
        return WIRQ_TRAP_MEMORY;
    if (length > link_room())
        length = link_room(); /* the rest is for another request */
    if (length > 0)           /* without a memory there is no address to add to */
        link_put_bytes(memory + address, length);
    return WIRQ_OK;
}

static wirq_status digest(const struct request *request) {
    const struct wirq_instance *instance = app_instance(request->fields[LINK_APP_DIGEST_REQUEST_INSTANCE]);
    struct wirq_digest digest;
    if (instance == NULL)
        return WIRQ_UNKNOWN_INSTANCE;
    wirq_digest(instance, &digest);
    link_put_u32(digest.memory_size);
    link_put_u32(digest.memory);
    link_put_u32(digest.globals);
    link_put_u32(digest.tables);
    return WIRQ_OK;
}

static wirq_status drop(const struct request *request) {
    (void)request;
    if (app_is_busy())
        return WIRQ_BUSY;
    app_drop();
    upload_drop();
    return WIRQ_OK;
}

#if WIRQ_BENCH
static void tell(const struct bench *bench) {
    const struct wirq_trap *trap = wirq_last_trap(firmware_vm);
    const struct wirq_load_error *error = wirq_last_error(firmware_vm);
    link_failure.offset = bench->trapped ? trap->code_offset : error->offset;
    link_failure.function = bench->trapped ? trap->function : error->function;
    link_failure.detail = bench->trapped ? trap->depth : error->detail;
}

static wirq_status bench(const struct request *request) {
    struct call call;
    struct bench result;
    uint32_t size;
    if (!get_call(request->fields + LINK_APP_BENCH_REQUEST_FIXED_SIZE, request->length - LINK_APP_BENCH_REQUEST_FIXED_SIZE,
                  request->fields[LINK_APP_BENCH_REQUEST_NAME_LENGTH], &call))
        return WIRQ_BAD_REQUEST;
    if (app_is_busy())
        return WIRQ_BUSY;
    if (upload_bytes(&size) == NULL)
        return WIRQ_NO_UPLOAD;
    link_acknowledge(); /* for nothing will be heard for a while */
    wirq_status status = bench_run(call.name, call.name_length, call.cells, call.count, &result);
    if (status == WIRQ_OK) {
        link_put_u32(result.module.wasm_code_bytes);
        link_put_u32(result.module.lowered_code_bytes);
        link_put_u32(result.arena_peak_bytes);
        link_put_u32(result.wasm_stack_peak_cells);
        link_put_u32(result.c_stack_peak_bytes);
        for (uint32_t i = 0; i < result.cell_count; i++)
            link_put_u32(result.cells[i]);
    } else {
        tell(&result);
    }
    app_drop(); /* the module refers to the upload */
    return status;
}
#endif

static wirq_status fuel(const struct request *request) {
    uint32_t points = link_get_u32(request->fields + LINK_APP_FUEL_REQUEST_POINTS);
    if (app_is_busy())
        return WIRQ_BUSY;
    wirq_inject(firmware_vm, points != 0 ? UINT32_MAX : 0, points, false);
    return WIRQ_OK;
}

static wirq_status state(const struct request *request) {
    static const uint8_t none[LINK_APP_ID_SIZE];
    const uint8_t *id = app_id(request->fields[LINK_APP_STATE_REQUEST_INSTANCE]);
    struct app_summary summary;
    app_summary(&summary);
    link_put_u8(summary.state);
    link_put_u8(summary.status);
    link_put_u8(summary.instance);
    link_put_u8((uint8_t)app_instance_count());
    link_put_bytes(id != NULL ? id : none, LINK_APP_ID_SIZE);
    return WIRQ_OK;
}

const struct link_command app_commands[] = {
    {LINK_CHANNEL_APP, LINK_APP_INSTANTIATE, LINK_APP_INSTANTIATE_REQUEST_FIXED_SIZE, instantiate},
    {LINK_CHANNEL_APP, LINK_APP_REGISTER, LINK_APP_REGISTER_REQUEST_FIXED_SIZE, register_},
    {LINK_CHANNEL_APP, LINK_APP_INVOKE, LINK_APP_INVOKE_REQUEST_FIXED_SIZE, invoke},
    {LINK_CHANNEL_APP, LINK_APP_RUN, LINK_APP_RUN_REQUEST_FIXED_SIZE, run},
    {LINK_CHANNEL_APP, LINK_APP_GLOBAL_GET, LINK_APP_GLOBAL_GET_REQUEST_FIXED_SIZE, global_get},
    {LINK_CHANNEL_APP, LINK_APP_MEMORY_READ, LINK_APP_MEMORY_READ_REQUEST_FIXED_SIZE, memory_read},
    {LINK_CHANNEL_APP, LINK_APP_DIGEST, LINK_APP_DIGEST_REQUEST_FIXED_SIZE, digest},
    {LINK_CHANNEL_APP, LINK_APP_DROP, LINK_APP_DROP_REQUEST_FIXED_SIZE, drop},
#if WIRQ_BENCH
    {LINK_CHANNEL_APP, LINK_APP_BENCH, LINK_APP_BENCH_REQUEST_FIXED_SIZE, bench},
#endif
    {LINK_CHANNEL_APP, LINK_APP_FUEL, LINK_APP_FUEL_REQUEST_FIXED_SIZE, fuel},
    {LINK_CHANNEL_APP, LINK_APP_STATE, LINK_APP_STATE_REQUEST_FIXED_SIZE, state},
};
const uint32_t app_command_count = sizeof app_commands / sizeof *app_commands;
