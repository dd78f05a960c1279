/* app.c: loads modules and runs them, a turn at a time, between turns of the link and the console. */
#include "app.h"

#include <string.h>

#include "autostart.h"
#include "board.h"
#include "console.h"
#include "files.h"
#include "firmware.h"
#include "kept_code.h"
#include "link.h"
#include "link_table.h"
#include "receive.h"
#include "sizes.h"
#include "timers.h"
#include "upload.h"

/* Bytes of a module that are loaded in one turn. */
#define LOAD_PIECE 128

enum job { IDLE, LOAD, START, INVOKE, INITIALIZE, MAIN, REACT };
enum answer { NO_ANSWER, INSTANCE_MADE, CALL_DONE };

static struct {
    uint8_t job; /* enum job */
    bool stays;  /* the module stays where it is and is used from there */
    bool no_start;
    uint8_t asker;  /* enum app_asker: who is given the answer to what runs */
    uint8_t answer; /* enum answer: the one that waits for its asker */
    wirq_status answer_status;
    bool answer_is_trap; /* the status is a trap of code that ran, not a refusal */
    bool exit_pending;
    bool has_ended;                 /* the app has run: app.exit tells how it ended */
    struct wirq_instance *instance; /* what the job is about */

    struct wirq_instance *instances[BOARD_INSTANCES];
    uint8_t ids[BOARD_INSTANCES][LINK_APP_ID_SIZE]; /* of the next one, too, while it is loaded */
    uint32_t instance_count;
    char names[BOARD_NAMES];
    uint32_t names_used;

    struct wirq_module *module;
    const uint8_t *bytes;  /* of the module that is loaded */
    uint32_t kept_before;  /* files_kept() when its load began */
    uint32_t size, loaded; /* loaded: those that were fed */

    const struct wirq_functype *type; /* of the function that was called */
    struct app_exit exit;
} app;

/* ---- jobs ---- */

static void begin_run(enum job job, struct wirq_instance *instance) {
    app.job = (uint8_t)job;
    app.instance = instance;
    firmware_guest_runs = true;
}

static void end_job(void) {
    firmware_guest_runs = false;
    app.job = IDLE;
}

bool app_is_busy(void) {
    return app.job != IDLE || app.answer != NO_ANSWER;
}

bool app_is_loading(void) {
    return app.job == LOAD;
}

bool app_takes_input(void) {
    return app.job >= INITIALIZE;
}

bool app_has_not_started(void) {
    return !firmware_guest_runs && app.instance_count > 0;
}

const char *app_state(void) {
    static const char *const names[] = {"idle",
                                        "loading",
                                        "running its start function",
                                        "running a call",
                                        "running _initialize",
                                        "running",
                                        "waiting for interrupts"};
    return names[app.job];
}

uint8_t app_handle(const struct wirq_instance *instance) {
    for (uint32_t i = 0; i < app.instance_count && i < LINK_NONE_INSTANCE; i++)
        if (app.instances[i] == instance)
            return (uint8_t)i;
    return LINK_NONE_INSTANCE;
}

const uint8_t *app_id(uint32_t handle) {
    return handle < app.instance_count ? app.ids[handle] : NULL;
}

void app_summary(struct app_summary *summary) {
    bool is_over = app.job == IDLE && app.instance_count > 0 && app.has_ended;
    *summary = (struct app_summary){.instance = app_handle(app.instance)};
    if (is_over)
        summary->status = app.exit.status;
    if (app.job == LOAD)
        summary->state = LINK_APP_STATE_LOADING;
    else if (app.job != IDLE)
        summary->state = app.job == REACT ? LINK_APP_STATE_WAITING : LINK_APP_STATE_RUNNING;
    else if (is_over)
        summary->state = summary->status == WIRQ_OK ? LINK_APP_STATE_ENDED : LINK_APP_STATE_TRAPPED;
    else
        summary->state = app.instance_count > 0 ? LINK_APP_STATE_IDLE : LINK_APP_STATE_NONE;
}

static void answer(enum answer kind, wirq_status status, bool is_trap) {
    end_job();
    app.answer = (uint8_t)(app.asker == APP_NOBODY ? NO_ANSWER : kind);
    app.answer_status = status;
    app.answer_is_trap = is_trap;
}

/* ---- loading ---- */

struct wirq_instance *app_instance(uint32_t handle) {
    return handle < app.instance_count ? app.instances[handle] : NULL;
}

uint32_t app_instance_count(void) {
    return app.instance_count;
}

void app_drop(void) {
    timers_clear();
    wirq_reset(firmware_vm);
    files_release(0);
    app.has_ended = false;
    app.instance_count = 0;
    app.names_used = 0;
}

/* Begins to read the module, for the first time or once more. */
static wirq_status begin_load(void) {
    wirq_status status = wirq_load_begin(firmware_vm, app.stays ? app.bytes : NULL);
    app.loaded = 0;
    if (status == WIRQ_OK)
        kept_code_load_begun();
    return status;
}

wirq_status app_instantiate(enum app_asker asker, const char *name, uint32_t length, bool keep, bool no_start) {
    struct store_file file = {0};
    bool frozen = false;
    wirq_status status = WIRQ_OK;
    if (app_is_busy())
        return WIRQ_BUSY;
    if (length != 0)
        status = files_find(name, length, &file, &frozen);
    else if ((file.bytes = upload_bytes(&file.size)) == NULL)
        status = WIRQ_NO_UPLOAD;
    if (status != WIRQ_OK)
        return status;
    if (!keep)
        app_drop();
    app.stays = length != 0;
    app.kept_before = files_kept();
    if (app.instance_count == BOARD_INSTANCES || (app.stays && !files_keep(&file, frozen)))
        return WIRQ_NO_MEMORY;
    memcpy(app.ids[app.instance_count], app.stays ? file.sha256 : upload_hash(), LINK_APP_ID_SIZE);
    if (app.stays)
        kept_code_begin(&file);
    else
        kept_code_none();
    app.bytes = file.bytes;
    app.size = file.size;
    status = begin_load();
    if (status != WIRQ_OK) {
        files_release(app.kept_before);
        return status;
    }
    app.job = LOAD;
    app.asker = (uint8_t)asker;
    app.no_start = no_start;
    return WIRQ_OK;
}

/* Nothing of the module is loaded any more. */
static void load_failed(wirq_status status) {
    files_release(app.kept_before);
    answer(INSTANCE_MADE, status, false);
}

static void instantiate(void) {
    struct wirq_instance *instance;
    bool needed = false;
    wirq_status status = wirq_instantiate(firmware_vm, app.module, &instance);
    if (status != WIRQ_OK) {
        if (app.instance_count == 0) {
            app_drop();
        } else if (status == WIRQ_TRAP_MEMORY || status == WIRQ_TRAP_TABLE) {
            /* A segment was out of bounds; those before it may have written functions of this module into tables of others. */
            app.kept_before = files_kept();
        } else {
            wirq_unload(firmware_vm, app.module);
        }
        load_failed(status);
        return;
    }
    app.instances[app.instance_count++] = instance;
    app.instance = instance;
    if (!app.no_start)
        status = wirq_call_start(instance, &needed);
    if (status == WIRQ_OK && needed)
        begin_run(START, instance);
    else
        answer(INSTANCE_MADE, status, false);
}

static void load_piece(void) {
    uint32_t piece = app.size - app.loaded < LOAD_PIECE ? app.size - app.loaded : LOAD_PIECE;
    wirq_status status = wirq_load_feed(firmware_vm, app.bytes + app.loaded, piece);
    app.loaded += piece;
    if (status == WIRQ_OK && app.loaded < app.size)
        return;
    if (status == WIRQ_OK)
        status = wirq_load_end(firmware_vm, &app.module);
    if (kept_code_load_ended(status, app.module)) {
        status = begin_load();
        if (status == WIRQ_OK)
            return;
    }
    if (status != WIRQ_OK) {
        load_failed(status);
        return;
    }
    if (!BOARD_KEEP_UPLOAD && !app.stays)
        upload_drop(); /* the module has copied what it keeps of it */
    instantiate();
}

wirq_status app_register(uint32_t handle, const char *name, uint32_t length) {
    struct wirq_instance *instance = app_instance(handle);
    if (instance == NULL)
        return WIRQ_UNKNOWN_INSTANCE;
    if (length > BOARD_NAMES - app.names_used)
        return WIRQ_NO_MEMORY;
    char *kept = app.names + app.names_used;
    memcpy(kept, name, length);
    wirq_status status = wirq_register(firmware_vm, kept, length, instance);
    if (status == WIRQ_OK)
        app.names_used += length;
    return status;
}

/* ---- calls ---- */

wirq_status app_invoke(uint32_t handle, const char *name, uint32_t name_length, const uint32_t *cells, uint32_t count) {
    struct wirq_instance *instance = app_instance(handle);
    struct wirq_export found;
    if (app_is_busy())
        return WIRQ_BUSY;
    if (instance == NULL)
        return WIRQ_UNKNOWN_INSTANCE;
    wirq_status status = wirq_find_export(instance, name, name_length, &found);
    if (status != WIRQ_OK)
        return status;
    if (found.kind != WIRQ_FUNCTION)
        return WIRQ_UNKNOWN_EXPORT;
    status = wirq_call(instance, found.index, cells, count);
    if (status != WIRQ_OK)
        return status;
    app.type = wirq_function_type(instance, found.index);
    app.asker = APP_LINK;
    begin_run(INVOKE, instance);
    timers_release();
    return WIRQ_OK;
}

/* An exported function that takes nothing and returns nothing, or perhaps an i32. WIRQ_UNKNOWN_EXPORT if there is none of that
 * name, WIRQ_ENTRY_TYPE if it is something else. */
static wirq_status find_entry(const struct wirq_instance *instance, const char *name, bool may_return, uint32_t *function) {
    struct wirq_export found;
    wirq_status status = wirq_find_export(instance, name, strlen(name), &found);
    if (status != WIRQ_OK)
        return status;
    const struct wirq_functype *type = found.kind == WIRQ_FUNCTION ? wirq_function_type(instance, found.index) : NULL;
    bool fits = type != NULL && type->parameter_count == 0 &&
                (type->result_count == 0 || (may_return && type->result_count == 1 && type->types[0] == WIRQ_I32));
    *function = found.index;
    if (!fits)
        link_failure.text = name;
    return fits ? WIRQ_OK : WIRQ_ENTRY_TYPE;
}

static bool has_handlers(void) {
    struct wirq_source_info info;
    for (uint32_t i = 0; i < BOARD_SOURCE_COUNT; i++) {
        if (wirq_source(firmware_vm, i, &info) == WIRQ_OK && info.attached)
            return true;
    }
    return false;
}

static wirq_status call(enum job job, struct wirq_instance *instance, uint32_t function) {
    wirq_status status = wirq_call(instance, function, NULL, 0);
    if (status != WIRQ_OK)
        return status;
    app.type = wirq_function_type(instance, function);
    begin_run(job, instance);
    return WIRQ_OK;
}

/* What comes after _initialize, if there was one. */
static wirq_status call_main(struct wirq_instance *instance) {
    uint32_t function;
    wirq_status status = find_entry(instance, "main", true, &function);
    if (status == WIRQ_OK)
        return call(MAIN, instance, function);
    if (status != WIRQ_UNKNOWN_EXPORT)
        return status;
    if (!has_handlers())
        return WIRQ_NO_ENTRY;
    status = wirq_react(instance);
    app.type = NULL;
    if (status == WIRQ_OK)
        begin_run(REACT, instance);
    return status;
}

static wirq_status call_entry(struct wirq_instance *instance) {
    uint32_t start, initialize, main;
    wirq_status status = find_entry(instance, "_start", false, &start);
    if (status == WIRQ_OK)
        return call(MAIN, instance, start);
    if (status != WIRQ_UNKNOWN_EXPORT)
        return status;
    status = find_entry(instance, "main", true, &main); /* its type is checked before anything runs */
    if (status != WIRQ_OK && status != WIRQ_UNKNOWN_EXPORT)
        return status;
    status = find_entry(instance, "_initialize", false, &initialize);
    if (status == WIRQ_UNKNOWN_EXPORT)
        return call_main(instance);
    return status == WIRQ_OK ? call(INITIALIZE, instance, initialize) : status;
}

wirq_status app_run(uint32_t handle) {
    struct wirq_instance *instance = app_instance(handle);
    if (app_is_busy())
        return WIRQ_BUSY;
    if (instance == NULL)
        return WIRQ_UNKNOWN_INSTANCE;
    wirq_status status = call_entry(instance);
    if (status == WIRQ_OK) {
        app.exit_pending = app.has_ended = false;
        receive_forget_text();
        timers_release();
    }
    return status;
}

wirq_status app_stop(void) {
    if (app.job == IDLE)
        return autostart_cancel() ? WIRQ_OK : WIRQ_NOT_RUNNING;
    if (app.job == LOAD) {
        wirq_load_abort(firmware_vm);
        kept_code_abort();
        load_failed(WIRQ_TRAP_STOPPED);
    } else {
        wirq_stop(firmware_vm);
    }
    return WIRQ_OK;
}

/* ---- ends ---- */

static void app_ended(wirq_status status) {
    const struct wirq_trap *trap = wirq_last_trap(firmware_vm);
    bool trapped = status != WIRQ_OK;
    end_job();
    timers_clear();
    receive_forget_text();
    app.exit = (struct app_exit){.status = status, .source = UINT32_MAX};
    if (trapped && status == trap->status) {
        app.exit.function = trap->function;
        app.exit.offset = trap->code_offset;
        app.exit.depth = trap->depth;
        app.exit.source = trap->source;
    } else if (!trapped && app.type != NULL && app.type->result_count != 0) {
        app.exit.result = wirq_results(firmware_vm)[0];
    }
    app.has_ended = true;
    app.exit_pending = link_is_open();
    if (!link_is_open())
        console_app_ended(&app.exit);
}

static void run_ended(enum wirq_run run) {
    wirq_status status = run == WIRQ_RUN_DONE ? WIRQ_OK : wirq_last_trap(firmware_vm)->status;
    switch (app.job) {
    case START:
        if (status != WIRQ_OK && --app.instance_count == 0)
            app_drop(); /* else others may call what its segments put into their tables, so it stays, out of reach */
        answer(INSTANCE_MADE, status, true);
        break;
    case INVOKE:
        answer(CALL_DONE, status, true);
        break;
    case INITIALIZE:
        if (status == WIRQ_OK)
            status = call_main(app.instance);
        if (status != WIRQ_OK)
            app_ended(status);
        break;
    default:
        app_ended(status);
    }
}

bool app_turn(void) {
    if (app.job == IDLE)
        return false;
    if (app.job == LOAD) {
        load_piece();
        return true;
    }
    enum wirq_run run = wirq_run(firmware_vm);
    if (run == WIRQ_RUN_WAITING)
        wirq_idle(firmware_vm, UINT64_MAX);
    else if (run != WIRQ_RUN_SUSPENDED)
        run_ended(run);
    return true;
}

/* ---- outcomes ---- */

bool app_answer_pending(enum app_asker asker) {
    return app.answer != NO_ANSWER && app.asker == asker;
}

wirq_status app_take_status(void) {
    app.answer = NO_ANSWER;
    return app.answer_status;
}

void app_forget_answer(void) {
    if (app.asker != APP_LINK)
        return;
    app.asker = APP_NOBODY;
    app.answer = NO_ANSWER;
}

static void tell_trap(void) {
    const struct wirq_trap *trap = wirq_last_trap(firmware_vm);
    link_failure.offset = trap->code_offset;
    link_failure.function = trap->function;
    link_failure.detail = trap->depth;
}

static void tell_refusal(void) {
    const struct wirq_load_error *error = wirq_last_error(firmware_vm);
    link_failure.offset = error->offset;
    link_failure.function = error->function;
    link_failure.detail = error->detail;
}

static void write_instance(void) {
    struct wirq_module_info info;
    wirq_module_info(app.module, &info);
    link_put_u8((uint8_t)(app.instance_count - 1));
    link_put_u32(info.lowered_code_bytes);
    link_put_u32(info.wasm_code_bytes);
    link_put_u32(info.module_bytes);
    link_put_u8(kept_code_outcome());
}

wirq_status app_answer(void) {
    enum answer kind = app.answer;
    wirq_status status = app.answer_status;
    app.answer = NO_ANSWER;
    if (status != WIRQ_OK) {
        if (app.answer_is_trap)
            tell_trap();
        else
            tell_refusal();
    } else if (kind == INSTANCE_MADE) {
        write_instance();
    } else {
        const uint32_t *cells = wirq_results(firmware_vm);
        for (uint32_t i = 0; i < app.type->result_cells; i++)
            link_put_u32(cells[i]);
    }
    return status;
}

bool app_exit_pending(void) {
    return app.exit_pending;
}

void app_take_exit(struct app_exit *exit) {
    *exit = app.exit;
    app.exit_pending = false;
}
