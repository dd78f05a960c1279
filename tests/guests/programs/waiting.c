/* waiting.c: wait ends for raises and for its timeout, tells which source it was, and lets handlers run meanwhile. */
#include "wirq_guest.h"

static volatile uint32_t handled;

WIRQ_HANDLER(soft0) {
    handled += (uint32_t)count;
}

#define EXPECT(condition)                          \
    do {                                           \
        if (!(condition)) {                        \
            wirq_print("wrong: " #condition "\n"); \
            return 1;                              \
        }                                          \
    } while (0)

int main(void) {
    EXPECT(wirq_wait(0) == 0);

    uint64_t before = board_clock_us();
    EXPECT(wirq_wait(20000) == 0);
    EXPECT(board_clock_us() - before >= 20000);

    wirq_pend(WIRQ_SOURCE_BUTTON); /* raised before the wait: it must not sleep */
    EXPECT(wirq_wait(-1) == 1u << WIRQ_SOURCE_BUTTON);
    EXPECT(wirq_take(WIRQ_SOURCE_BUTTON) == 1);
    EXPECT(wirq_take(WIRQ_SOURCE_BUTTON) == 0);

    wirq_print("waiting\n");
    while (handled == 0) {
        wirq_wait(-1); /* the test raises soft0 from outside */
    }

    EXPECT(board_timer_start(WIRQ_SOURCE_TIMER, 5000) == WIRQ_OK);
    uint32_t ticks = 0;
    before = board_clock_us();
    while (ticks < 4) {
        EXPECT(wirq_wait(1000000) & 1u << WIRQ_SOURCE_TIMER);
        ticks += (uint32_t)wirq_take(WIRQ_SOURCE_TIMER);
    }
    EXPECT(board_clock_us() - before >= 15000);
    EXPECT(board_timer_stop(WIRQ_SOURCE_TIMER) == WIRQ_OK);
    wirq_take(WIRQ_SOURCE_TIMER);
    (void)wirq_wait(0);
    EXPECT(wirq_wait(20000) == 0);
    EXPECT(board_timer_start(99, 5000) == WIRQ_UNKNOWN_SOURCE);
    wirq_print("ok\n");
    return 0;
}
