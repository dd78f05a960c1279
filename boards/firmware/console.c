/* console.c: line editing and the prompt. An empty line prints the prompt again, so that whoever attaches can find where it is. */
#include "console.h"

#include "autostart.h"
#include "board.h"
#include "receive.h"
#include "sizes.h"
#include "text.h"
#include "wirq_build_id.h"

#define BACKSPACE 0x08
#define DELETE 0x7F

static struct {
    char line[BOARD_LINE + 1];
    uint32_t length;
    bool after_return; /* the last byte was CR: an LF right after it is the same key */
} console;

void console_prompt(void) {
    console.length = 0;
    text_put("wirq> ");
}

void console_begin(void) {
    text_put("\nwirq " WIRQ_VERSION " on " BOARD_NAME ", help for help");
    autostart_begin();
    text_put("\n");
    console_prompt();
}

static void end_line(bool echo) {
    if (echo)
        text_put("\n");
    console.line[console.length] = '\0';
    console_run(console.line);
    console_prompt();
}

static void edit(uint8_t byte, bool echo) {
    if (byte == BACKSPACE || byte == DELETE) {
        if (console.length > 0) {
            console.length--;
            if (echo)
                text_put("\b \b");
        }
    } else if (byte >= ' ' && console.length < BOARD_LINE) {
        console.line[console.length++] = (char)byte;
        if (echo)
            text_character((char)byte);
    }
}

void console_type(const uint8_t *bytes, uint32_t length, bool echo) {
    for (uint32_t i = 0; i < length; i++) {
        bool repeats_return = bytes[i] == '\n' && console.after_return;
        console.after_return = bytes[i] == '\r';
        if (repeats_return)
            continue;
        if (bytes[i] == '\r' || bytes[i] == '\n')
            end_line(echo);
        else
            edit(bytes[i], echo);
    }
}

void console_poll(void) {
    uint8_t bytes[16];
    uint32_t length;
    if (app_takes_input())
        return;
    while ((length = receive_text(bytes, sizeof bytes)) > 0)
        console_type(bytes, length, true);
    if (receive_interrupted()) {
        if (app_answer_pending(APP_LINK)) /* its host takes nothing any more: who sits here is to be free to run something */
            app_forget_answer();
        text_put(autostart_cancel() ? "^C\nsafe mode: nothing was started\n" : "^C\n");
        console_prompt();
    }
}

void console_app_ended(const struct app_exit *exit) {
    text_put("\n");
    if (exit->status == WIRQ_OK) {
        text_put("app ended with ");
        text_number(exit->result);
    } else {
        text_put("app stopped: status ");
        text_number(exit->status);
        text_put(" in function ");
        text_number(exit->function);
        text_put(" at ");
        text_number(exit->offset);
    }
    text_put("\n");
    console_prompt();
}
