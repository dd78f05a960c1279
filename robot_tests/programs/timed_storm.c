/* As storm.c, but raises soft0 by its own timer, as fast as boards can. Nobody has to raise anything from outside: as a
 * frozen module it needs but a console. */
#include "undisturbed.h"

enum { PERIOD_US = 20 };

int main(void) {
    uint32_t reference = compute(1);
    wirq_print("computing\n");
    if (board_timer_start(WIRQ_SOURCE_SOFT0, PERIOD_US) != WIRQ_OK) {
        return 2;
    }
    uint32_t rounds = compute_until_handled(reference);
    board_timer_stop(WIRQ_SOURCE_SOFT0);
    if (rounds == 0) {
        return 1;
    }
    wirq_print("undisturbed, handled ");
    wirq_print_number(handled);
    wirq_print(" in ");
    wirq_print_number(rounds);
    wirq_print(" rounds\n");
    return 0;
}
