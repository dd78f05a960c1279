/* Switches the LED at each of five ticks of the timer, and leaves it lit. */
#include "wirq_guest.h"

int main(void) {
    if (board_timer_start(WIRQ_SOURCE_TIMER, 20000) != WIRQ_OK) {
        return 1;
    }
    uint32_t ticks = 0;
    while (ticks < 5) {
        wirq_wait(-1);
        if (wirq_take(WIRQ_SOURCE_TIMER) != 0) {
            ticks++;
            board_pin_write(WIRQ_PIN_LED, ticks % 2 == 1);
            wirq_print("tick ");
            wirq_print_number(ticks);
            wirq_print("\n");
        }
    }
    return board_timer_stop(WIRQ_SOURCE_TIMER) == WIRQ_OK && board_pin_read(WIRQ_PIN_LED) == 1 ? 0 : 1;
}
