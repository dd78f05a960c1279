/* autostart.c: a module of the store, or a frozen one, is loaded and run as the tool would do it. */
#include "autostart.h"

#include "app.h"
#include "board.h"
#include "clock.h"
#include "console.h"
#include "files.h"
#include "sizes.h"
#include "text.h"

enum state { NOTHING, WAITS, LOADS };

static struct {
    uint8_t state; /* enum state */
    uint64_t when_us;
} autostart;

static bool is_button_pressed(void) {
#if BOARD_HAS_BUTTON
    return board_button_pressed();
#else
    return false;
#endif
}

static bool find(struct store_file *file) {
    bool frozen;
    return files_autostart(file, &frozen) == WIRQ_OK;
}

void autostart_begin(void) {
    struct store_file file;
    if (!find(&file))
        return;
    if (is_button_pressed()) {
        text_put("\nsafe mode, for the button is held: not started: ");
    } else {
        text_put("\nCtrl-C now for safe mode; else this starts: ");
        autostart.state = WAITS;
        autostart.when_us = clock_us() + BOARD_AUTOSTART_US;
    }
    text_write(file.name, file.name_length);
}

bool autostart_pending(void) {
    return autostart.state == LOADS || (autostart.state == WAITS && clock_us() >= autostart.when_us);
}

uint64_t autostart_when(void) {
    return autostart.state == WAITS ? autostart.when_us : CLOCK_NEVER;
}

bool autostart_cancel(void) {
    bool was_waiting = autostart.state == WAITS;
    if (was_waiting)
        autostart.state = NOTHING;
    return was_waiting;
}

static void fail(wirq_status status) {
    text_put("\nerror: the module was not started: status ");
    text_number(status);
    text_put("\n");
    console_prompt();
    autostart.state = NOTHING;
}

wirq_status autostart_run(const char *name, uint32_t length) {
    wirq_status status = app_instantiate(APP_AUTOSTART, name, length, false, false);
    if (status == WIRQ_OK)
        autostart.state = LOADS;
    return status;
}

void autostart_poll(void) {
    struct store_file file;
    wirq_status status = WIRQ_OK;
    if (!autostart_pending())
        return;
    if (autostart.state == WAITS) {
        if (app_is_busy())
            return;
        status = find(&file) ? autostart_run(file.name, file.name_length) : WIRQ_UNKNOWN_FILE;
    } else if (app_answer_pending(APP_AUTOSTART)) {
        status = app_take_status();
        if (status == WIRQ_OK)
            status = app_run(0);
        if (status == WIRQ_OK)
            autostart.state = NOTHING;
    }
    if (status != WIRQ_OK)
        fail(status);
}
