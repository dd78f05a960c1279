/* clock.h: board time in microseconds, made of the board's ticks. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Never reached: no deadline. */
#define CLOCK_NEVER UINT64_MAX

void clock_init(void);
/* How fast the ticks really are; the host knows the target it talks to. Time goes on from where it is. Thread only. */
void clock_set_tick(uint32_t hz);
/* Microseconds since start. Any context. */
uint64_t clock_us(void);
/* The first tick at which clock_us() has reached a time; for times in the past some tick in the past. Any context. */
uint64_t clock_ticks_at(uint64_t us);

#endif
