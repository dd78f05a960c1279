/* commands.h: what the host can ask for: one table a channel. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "link.h"

extern const struct link_command control_commands[], files_commands[], app_commands[], irq_commands[], trap_commands[];
extern const uint32_t control_command_count, files_command_count, app_command_count, irq_command_count, trap_command_count;

#ifndef WIRQ_TRACE
#define WIRQ_TRACE 0
#endif
/* Firmware for counting instructions: only it has app.bench, which nothing on the line can stop. */
#ifndef WIRQ_BENCH
#define WIRQ_BENCH 0
#endif

#if WIRQ_TRACE
extern const struct link_command trace_commands[];
extern const uint32_t trace_command_count;
#endif

/* Writes one event that is due and answers its channel; false if none is. */
bool events_write(uint8_t *channel);
bool events_pending(void);

#endif
