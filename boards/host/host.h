/* host.h: the parts of the host board. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- options.c ---- */

enum serial_kind { SERIAL_PIPE, SERIAL_PTY, SERIAL_TCP };

struct options {
    size_t arena_size;
    uint32_t stack_cells, handler_stack_cells;
    enum serial_kind serial;
    uint16_t port;
    const char *store; /* path of the file that is the board's flash; NULL: it has none */
    bool button_held;
    unsigned long power_fails_at; /* the write to flash in which the process ends, counted from 1; 0: none */
};
extern struct options options;

/* Status of a process whose power has failed. */
enum { POWER_FAILED = 3 };

/* Reads the command line; prints what is wrong with it and ends the process if it makes no sense. */
void options_read(int count, char **words);

/* ---- serial.c ---- */

/* Opens the serial line and starts the thread that reads it, which sends SERIAL_SIGNAL to the calling thread. */
void serial_open(void);
/* In the signal's handler: hands the bytes that have come to firmware_received(). */
void serial_isr(void);
/* True when the line was closed for good and all that came of it has been handed over. */
bool serial_ended(void);
void serial_write(const uint8_t *bytes, size_t length);

#define SERIAL_SIGNAL SIGUSR1
#define ALARM_SIGNAL SIGALRM
#define BUTTON_SIGNAL SIGUSR2

/* Prints a message about a system call that failed, and ends the process. */
_Noreturn void host_fail(const char *what);

#endif
