/* everything.c: mentions all that the header offers, so that each compiler sees all of it. */
#include "wirq_guest.h"

static struct wirq_block block;
static volatile uint32_t seen;

WIRQ_HANDLER(uart) {
    seen += (uint32_t)count;
}

WIRQ_HANDLER(timer) {
    seen += (uint32_t)(source + count + context);
}

WIRQ_HANDLER_FUNCTION(on_button) {
    seen += (uint32_t)context;
}

int main(void) {
    char text[8];
    int32_t errors = wirq_block_open(&block);
    errors |= wirq_attach(WIRQ_SOURCE_BUTTON, on_button, 1, 0);
    errors |= wirq_enable(WIRQ_SOURCE_SOFT0, 1) | wirq_pend(WIRQ_SOURCE_SOFT0) | wirq_detach(WIRQ_SOURCE_BUTTON);
    errors |= board_timer_start(WIRQ_SOURCE_TIMER, 1000) | board_timer_stop(WIRQ_SOURCE_TIMER);
    wirq_poll();
    seen += (uint32_t)wirq_take(WIRQ_SOURCE_SOFT0) + wirq_wait(0) + (uint32_t)wirq_query(WIRQ_QUERY_VERSION);
    seen += wirq_block_rang(&block) ? wirq_block_pending(&block, 3) + wirq_block_take(&block, 3) : 0;
    wirq_mask(&block);
    board_pin_write(WIRQ_PIN_LED, board_pin_read(WIRQ_PIN_LED) ^ 1);
    wirq_unmask(&block);
    seen += (uint32_t)board_read(text, sizeof text) + (uint32_t)board_clock_us();
    wirq_print("seen ");
    wirq_print_number(seen);
    return errors | (wirq_budget(0, 0, 0) != WIRQ_NOT_SUPPORTED);
}
