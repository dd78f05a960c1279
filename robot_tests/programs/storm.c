/* Computes the same thing over and over until 10,000 raises of soft0 were handled, and compares. */
#include "wirq_guest.h"

enum { TOTAL = 10000, STEPS = 500 };

static volatile uint32_t handled;

WIRQ_HANDLER(soft0) {
    handled = handled + (uint32_t)count;
}

/* Not inlined, so that every round is computed anew. */
__attribute__((noinline)) static uint32_t compute(uint32_t x) {
    for (uint32_t step = 0; step < STEPS; step++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
    }
    return x;
}

int main(void) {
    uint32_t reference = compute(1);
    wirq_print("computing\n");
    while (handled < TOTAL) {
        if (compute(1) != reference) {
            wirq_print("disturbed\n");
            return 1;
        }
    }
    wirq_print("undisturbed, handled ");
    wirq_print_number(handled);
    wirq_print("\n");
    return 0;
}
