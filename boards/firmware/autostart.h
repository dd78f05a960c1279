/* autostart.h: the module that is started at boot, and safe mode: a board whose button is held or that gets a Ctrl-C while it boots
 * starts none. Thread only. */
#ifndef AUTOSTART_H
#define AUTOSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* At boot: tells what will be started, and when. */
void autostart_begin(void);
/* Starts it when it is time. */
void autostart_poll(void);
/* Not this time; false if there was nothing to prevent. */
bool autostart_cancel(void);
/* Would autostart_poll() do anything now? */
bool autostart_pending(void);
/* When it is to be started; CLOCK_NEVER if it is not. */
uint64_t autostart_when(void);

/* Loads a file and runs it now, as at boot. WIRQ_BUSY if something runs. */
wirq_status autostart_run(const char *name, uint32_t length);

#endif
