/* What a 16 KiB board must have room for: a handler, an interrupt block, and a memory of 1 KiB counted in bytes. */
#include "wirq_guest.h"

static struct wirq_block block;
static volatile uint32_t handled;
static volatile uint8_t rest[600];

WIRQ_HANDLER(soft0) {
    handled = handled + (uint32_t)count;
}

int main(void) {
    if (wirq_block_open(&block) != WIRQ_OK || __builtin_wasm_memory_size(0) < 1024) {
        return 1;
    }
    rest[sizeof rest - 1] = 1;
    wirq_print("running\n");
    while (handled == 0 || wirq_block_pending(&block, WIRQ_SOURCE_BUTTON) == 0) {
    }
    return 0;
}
