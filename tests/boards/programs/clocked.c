/* Prints how many microseconds ten periods of a timer took, by the board's clock. */
#include "wirq_guest.h"

int main(void) {
    uint64_t last = board_clock_us();
    if (board_timer_start(WIRQ_SOURCE_TIMER, 10000) != WIRQ_OK) {
        return 1;
    }
    uint64_t start = last;
    for (uint32_t ticks = 0; ticks < 10;) {
        wirq_wait(-1);
        uint64_t now = board_clock_us();
        if (now < last) {
            wirq_print("the clock went back\n");
            return 1;
        }
        last = now;
        ticks += (uint32_t)wirq_take(WIRQ_SOURCE_TIMER);
    }
    wirq_print("took ");
    wirq_print_number((uint32_t)(last - start));
    wirq_print(" us\n");
    return 0;
}
