/* polling.c: the interrupt block tells of raises once, counts them all, and is silent otherwise. Prints "ok" or what is wrong. */
#include "wirq_guest.h"

static struct wirq_block block;

#define EXPECT(condition)                          \
    do {                                           \
        if (!(condition)) {                        \
            wirq_print("wrong: " #condition "\n"); \
            return 1;                              \
        }                                          \
    } while (0)

int main(void) {
    wirq_pend(WIRQ_SOURCE_SOFT0); /* before there is a block */
    EXPECT(wirq_block_open(&block) == WIRQ_OK);
    wirq_poll();
    EXPECT(wirq_block_rang(&block));
    EXPECT(wirq_block_take(&block, WIRQ_SOURCE_SOFT0) == 1);
    EXPECT(!wirq_block_rang(&block));

    for (int i = 0; i < 3; i++) {
        EXPECT(wirq_pend(WIRQ_SOURCE_SOFT0) == WIRQ_OK);
    }
    EXPECT(wirq_pend(WIRQ_SOURCE_BUTTON) == WIRQ_OK);
    wirq_poll();
    EXPECT(wirq_block_rang(&block));
    EXPECT(wirq_block_pending(&block, WIRQ_SOURCE_SOFT0) == 3);
    EXPECT(wirq_block_take(&block, WIRQ_SOURCE_SOFT0) == 3);
    EXPECT(wirq_block_take(&block, WIRQ_SOURCE_SOFT0) == 0);
    EXPECT(wirq_block_take(&block, WIRQ_SOURCE_BUTTON) == 1);
    EXPECT(wirq_block_take(&block, WIRQ_SOURCE_TIMER) == 0);
    EXPECT(!wirq_block_rang(&block));

    EXPECT(wirq_pend(99) == WIRQ_UNKNOWN_SOURCE);
    EXPECT(wirq_block_register((char *)&block + 4, sizeof block, WIRQ_BLOCK_VERSION) == WIRQ_BAD_BLOCK);
    wirq_print("ok\n");
    return 0;
}
