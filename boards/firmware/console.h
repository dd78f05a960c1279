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

/* Says what is wrong, and what to do about it. */
void console_complain(const char *what, const char *way_out);

/* Commands about files: console_files.c. They are given the words after their name. */
void console_ls(char **words, uint32_t count);
void console_df(char **words, uint32_t count);
void console_rm(char **words, uint32_t count);
void console_start(char **words, uint32_t count);
void console_boot(char **words, uint32_t count);

/* Runs one line, which is changed in the course: console_commands.c. */
void console_run(char *line);

#endif
