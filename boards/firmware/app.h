/* app.h: what is loaded and what runs. One thing runs at a time: a load, a start function, a call or the app. Thread only. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* Who is given the outcome of what was begun. */
enum app_asker { APP_NOBODY, APP_LINK, APP_AUTOSTART };

/* ---- what is loaded ---- */

/* Loads a file of the board where it lies, or without a name the committed upload, instantiates it, and runs its start function
 * unless no_start; what is loaded already is dropped first unless keep. Begins it: the outcome is for the asker. */
wirq_status app_instantiate(enum app_asker asker, const char *name, uint32_t length, bool keep, bool no_start);
/* An instance by its handle; NULL if there is none. */
struct wirq_instance *app_instance(uint32_t handle);
uint32_t app_instance_count(void);
/* Its handle; LINK_NONE_INSTANCE if it is none of those that are loaded. */
uint8_t app_handle(const struct wirq_instance *instance);
/* Imports of later instances find it under this name. */
wirq_status app_register(uint32_t handle, const char *name, uint32_t length);
/* Releases all that is loaded, but not the upload. Nothing may run. */
void app_drop(void);

/* ---- running ---- */

/* Calls an exported function; its results are for the link. */
wirq_status app_invoke(uint32_t handle, const char *name, uint32_t name_length, const uint32_t *cells, uint32_t count);
/* Calls the entry point: _start; else _initialize and then main; else it stays for its handlers. Its end is the event `exit`. */
wirq_status app_run(uint32_t handle);
/* Stops what runs, at its next safe point. */
wirq_status app_stop(void);

/* Does something run, or does an outcome wait for its asker? It refers to what is loaded, so nothing else can be begun before. */
bool app_is_busy(void);
/* Is a module being read? */
bool app_is_loading(void);
/* Does the app (not a single call) run? Then what is typed is its input. */
bool app_takes_input(void);
/* Is something loaded that nobody has started, or that has ended? */
bool app_has_not_started(void);
/* What the console shows: "idle", "loading" … */
const char *app_state(void);
/* What the host is told of it: a LINK_APP_STATE, how the app has ended, and which instance runs or ran last. */
struct app_summary {
    uint8_t state;
    wirq_status status;
    uint8_t instance;
};
void app_summary(struct app_summary *summary);
/* The first LINK_APP_ID_SIZE bytes of the SHA-256 of an instance's module; NULL if there is no such instance. */
const uint8_t *app_id(uint32_t handle);

/* Runs what runs for a while: until it ends, waits, or an ISR wants the main loop. Sleeps if it waits. False if nothing runs. */
bool app_turn(void);

/* ---- outcomes ---- */

/* Is the outcome of what this asker has begun there? */
bool app_answer_pending(enum app_asker asker);
/* Takes it and writes its fields into the response: for the link. */
wirq_status app_answer(void);
/* Takes the status alone, for who is no host. */
wirq_status app_take_status(void);
/* The link does not want the outcome any more, be it there or to come. */
void app_forget_answer(void);

/* How the app ended; taken once. */
struct app_exit {
    wirq_status status;
    uint32_t result;
    uint32_t function, offset, depth, source;
};
bool app_exit_pending(void);
void app_take_exit(struct app_exit *exit);

#endif
