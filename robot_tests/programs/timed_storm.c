/* Raises soft0 by its own timer, as fast as boards can, and computes the same thing over and over until 10,000 raises were
 * handled. Nobody has to raise anything from outside: as a frozen module it needs but a console. */
#include "wirq_guest.h"

enum { TOTAL = 10000, STEPS = 500, PERIOD_US = 20 };

static volatile uint32_t handled;

WIRQ_HANDLER(soft0) {
    handled = handled + (uint32_t)count;
}

/* Not inlined, so that every round is computed anew. */
__attribute__((noinline)) static uint32_t compute(uint32_t x) {
    for (uint32_t step = 0; step < STEPS; step++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
    }
    return x;
}

int main(void) {
    uint32_t reference = compute(1), rounds = 0;
    wirq_print("computing\n");
    if (board_timer_start(WIRQ_SOURCE_SOFT0, PERIOD_US) != WIRQ_OK) {
        return 2;
    }
    while (handled < TOTAL) {
        if (compute(1) != reference) {
            wirq_print("disturbed\n");
            return 1;
        }
        rounds++;
    }
    board_timer_stop(WIRQ_SOURCE_SOFT0);
    wirq_print("undisturbed, handled ");
    wirq_print_number(handled);
    wirq_print(" in ");
    wirq_print_number(rounds);
    wirq_print(" rounds\n");
    return 0;
}
