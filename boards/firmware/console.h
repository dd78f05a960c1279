/* console.h: the board's command line, for people at a plain terminal and for `wirq repl`. Thread only. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "app.h"

/* The banner and the first prompt. */
void console_begin(void);
void console_prompt(void);
/* Takes what was typed at the serial line, unless a running app is to have it. */
void console_poll(void);
/* Takes typed bytes; echoes them if the typist sees nothing else. */
void console_type(const uint8_t *bytes, uint32_t length, bool echo);
/* Tells that the app ended; for when no host is there to be told. */
void console_app_ended(const struct app_exit *exit);

/* Runs one line, which is changed in the course: console_commands.c. */
void console_run(char *line);

#endif
