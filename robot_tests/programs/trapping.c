/* Its handlers go wrong: soft0's executes unreachable, button's reads beyond the memory. */
#include "wirq_guest.h"

static volatile uint32_t rounds;

WIRQ_HANDLER(soft0) {
    __builtin_trap();
}

WIRQ_HANDLER(button) {
    *(volatile uint32_t *)0xFFFFFFF0 = 1;
}

int main(void) {
    wirq_print("computing\n");
    for (;;) {
        rounds = rounds + 1;
    }
}
