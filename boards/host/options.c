/* options.c: the command line of the host board. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_facts.h"
#include "host.h"

struct options options = {
    .arena_size = BOARD_ARENA_SIZE,
    .stack_cells = BOARD_STACK_CELLS,
    .handler_stack_cells = BOARD_HANDLER_STACK_CELLS,
    .serial = SERIAL_PIPE,
};

static const char usage[] = "usage: wirq-host [--arena BYTES] [--stack CELLS] [--handler-stack CELLS] [--pty | --tcp PORT]\n"
                            "                 [--store FILE] [--power-fails-at N] [--hold-button]\n"
                            "  The board's serial line is standard input and output, or a pseudo terminal or a TCP port of this\n"
                            "  computer, whose name is printed on standard error. PORT 0 takes a free one.\n"
                            "  FILE is the flash of its module store, made if it is missing; without it the store is in RAM.\n"
                            "  --power-fails-at N: for tests: the power fails in the Nth write of a word or erase of a sector.\n"
                            "  --hold-button: the button is held down at boot.\n"
                            "  BYTES may end in K or M. kill -USR2 presses the button.\n";

static _Noreturn void refuse(const char *word, const char *problem) {
    fprintf(stderr, "wirq-host: %s %s\n%s", word, problem, usage);
    exit(2);
}

static unsigned long number(const char *option, const char *word, unsigned long least, unsigned long most) {
    char *end;
    if (word == NULL)
        refuse(option, "needs a number");
    unsigned long value = strtoul(word, &end, 0);
    unsigned long unit = *end == 'K' ? 1024 : *end == 'M' ? 1024 * 1024 : 1;
    if (unit != 1)
        end++;
    if (end == word || *end != '\0' || *word == '-' || value > most / unit || value * unit < least)
        refuse(option, "has no number that is possible here");
    return value * unit;
}

void options_read(int count, char **words) {
    (void)count;
    while (*++words != NULL) {
        const char *word = *words;
        if (strcmp(word, "--arena") == 0) {
            options.arena_size = number(word, *++words, 4096, 0xFFFFFFF8) & ~7ul;
        } else if (strcmp(word, "--stack") == 0) {
            options.stack_cells = (uint32_t)number(word, *++words, 64, 1ul << 28);
        } else if (strcmp(word, "--handler-stack") == 0) {
            options.handler_stack_cells = (uint32_t)number(word, *++words, 0, 1ul << 28);
        } else if (strcmp(word, "--tcp") == 0) {
            options.serial = SERIAL_TCP;
            options.port = (uint16_t)number(word, *++words, 0, 65535);
        } else if (strcmp(word, "--store") == 0) {
            if (*++words == NULL)
                refuse(word, "needs a file");
            options.store = *words;
        } else if (strcmp(word, "--power-fails-at") == 0) {
            options.power_fails_at = number(word, *++words, 1, 1ul << 31);
        } else if (strcmp(word, "--hold-button") == 0) {
            options.button_held = true;
        } else if (strcmp(word, "--pty") == 0) {
            options.serial = SERIAL_PTY;
        } else if (strcmp(word, "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        } else {
            refuse(word, "is no option");
        }
    }
}
