/* masking.c: no handler runs in a critical section, and one that was held back runs when the outermost one ends. */
#include "wirq_guest.h"

static struct wirq_block block;
static volatile uint32_t runs, counted;

WIRQ_HANDLER(soft0) {
    runs++;
    counted += (uint32_t)count;
}

#define EXPECT(condition)                          \
    do {                                           \
        if (!(condition)) {                        \
            wirq_print("wrong: " #condition "\n"); \
            return 1;                              \
        }                                          \
    } while (0)

int main(void) {
    EXPECT(wirq_block_open(&block) == WIRQ_OK);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_deliver();
    EXPECT(runs == 1 && counted == 1);

    wirq_mask(&block);
    wirq_mask(&block);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_deliver();
    EXPECT(runs == 1);
    wirq_unmask(&block);
    EXPECT(runs == 1);
    EXPECT(block.depth == 1);
    wirq_unmask(&block);
    EXPECT(runs == 2 && counted == 3);
    EXPECT(block.depth == 0 && block.need == 0);

    wirq_enable(WIRQ_SOURCE_SOFT0, 0);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_deliver();
    EXPECT(runs == 2);
    wirq_enable(WIRQ_SOURCE_SOFT0, 1);
    wirq_deliver();
    EXPECT(runs == 3 && counted == 4);
    wirq_print("ok\n");
    return 0;
}
