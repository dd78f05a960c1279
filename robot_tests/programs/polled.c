/* Takes 20 raises of soft0 out of its interrupt block, looking for them by itself. */
#include "wirq_guest.h"

static struct wirq_block block;

int main(void) {
    if (wirq_block_open(&block) != WIRQ_OK) {
        return 1;
    }
    uint32_t taken = 0;
    while (taken < 20) {
        if (wirq_block_rang(&block)) {
            taken += wirq_block_take(&block, WIRQ_SOURCE_SOFT0);
        }
    }
    wirq_print("taken: ");
    wirq_print_number(taken);
    wirq_print("\n");
    return 0;
}
