/* timers.h: what raises sources by time: timers of the guest (board.timer_start) and raises that the host scheduled (irq raise).
 *
 * They share the board's one alarm. Nothing here is lost: what falls due while the alarm is held off is raised afterwards. */
#ifndef TIMERS_H
#define TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* Raises a source every period_us from now on, instead of what a former call for it asked. */
wirq_status timers_start(uint32_t source, uint32_t period_us);
wirq_status timers_stop(uint32_t source);

/* Raises a source `count` times, the first time after_us from now and then every every_us; held: from timers_release() on. */
wirq_status timers_schedule(uint32_t source, uint32_t count, uint32_t after_us, uint32_t every_us, bool held);
/* The guest starts: so does the time of what was held. */
void timers_release(void);

/* Forgets them all. */
void timers_clear(void);

#endif
