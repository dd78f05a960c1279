/* polled: a computation that looks for interrupts by itself, where it suits it.
 *
 *     wirq run examples/polled/polled.c --raise button@200us --raise soft0@400us
 *
 * The board notes interrupts in a block of memory that belongs to this program. Looking costs one load and one branch as long as
 * nothing has happened, nothing ever runs in the middle of anything, and the same program works on any WebAssembly engine (which
 * needs a call of wirq_poll() before the look; wirq does not).
 */
#include "wirq_guest.h"

enum { STEPS = 100000 };

static struct wirq_block block;

/* Takes what was raised since the last look and says so. */
static void look(void) {
    uint32_t presses = wirq_block_take(&block, WIRQ_SOURCE_BUTTON);
    uint32_t softs = wirq_block_take(&block, WIRQ_SOURCE_SOFT0);

    if (presses != 0) {
        wirq_print("  button, times: ");
        wirq_print_number(presses);
        wirq_print("\n");
    }
    if (softs != 0) {
        wirq_print("  soft0, times: ");
        wirq_print_number(softs);
        wirq_print("\n");
    }
}

int main(void) {
    if (wirq_block_open(&block) != WIRQ_OK) {
        wirq_print("the board refused the interrupt block\n");
        return 1;
    }
    wirq_print("walking\n");

    uint32_t x = 1; /* a xorshift generator: full period, easily checked */
    for (uint32_t step = 0; step < STEPS; step++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        if (wirq_block_rang(&block)) {
            look();
        }
    }
    look(); /* what came after the last step */

    wirq_print("walked to ");
    wirq_print_number(x);
    wirq_print("\n");
    return 0;
}
