/* clock.c: converts ticks to microseconds without a division, for it is done at every raise. */
#include "clock.h"

#include "board.h"

#define US_PER_S UINT64_C(1000000)
#define ONE (UINT64_C(1) << 32) /* 1.0 */

static struct {
    uint64_t base_us, base_ticks; /* where the present tick rate began */
    uint64_t us_per_tick;         /* 32.32 fixed point */
    uint64_t ticks_per_us;        /* the same */
} rate;

/* Read twice in every interrupt's way: one piece of code. */
#define INLINE static inline __attribute__((always_inline))

/* x times a 32.32 fixed-point factor. */
INLINE uint64_t scale(uint64_t x, uint64_t factor) {
    uint32_t x_low = (uint32_t)x, x_high = (uint32_t)(x >> 32), f_low = (uint32_t)factor, f_high = (uint32_t)(factor >> 32);
    return ((uint64_t)x_low * f_low >> 32) + (uint64_t)x_low * f_high + (uint64_t)x_high * f_low +
           ((uint64_t)x_high * f_high << 32);
}

INLINE uint64_t us_at(uint64_t ticks) {
    uint64_t passed = ticks - rate.base_ticks;
    if (rate.us_per_tick == ONE)
        return rate.base_us + passed;
    return rate.base_us + scale(passed, rate.us_per_tick);
}

void clock_set_tick(uint32_t hz) {
    if (hz == 0)
        return;
    uintptr_t before = board_mask();
    uint64_t now = board_ticks();
    rate.base_us = us_at(now);
    rate.base_ticks = now;
    rate.us_per_tick = (US_PER_S << 32) / hz;
    rate.ticks_per_us = ((uint64_t)hz << 32) / US_PER_S;
    board_unmask(before);
}

void clock_init(void) {
    clock_set_tick(board_tick_hz());
}

uint64_t clock_us(void) {
    return us_at(board_ticks());
}

uint64_t clock_ticks_at(uint64_t us) {
    if (us <= rate.base_us)
        return rate.base_ticks;
    if (rate.us_per_tick == ONE)
        return rate.base_ticks + (us - rate.base_us);
    return rate.base_ticks + scale(us - rate.base_us, rate.ticks_per_us) + 1; /* both factors are rounded down */
}
