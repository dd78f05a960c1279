/* A computation that raises of soft0 must not disturb: it is repeated until 10,000 of them were handled, and compared. */
#ifndef UNDISTURBED_H
#define UNDISTURBED_H

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

/* Computes until all raises were handled; how many rounds it took, or 0 if one came to something else than the first. */
static uint32_t compute_until_handled(uint32_t reference) {
    uint32_t rounds = 1;
    for (; handled < TOTAL; rounds++) {
        if (compute(1) != reference) {
            wirq_print("disturbed\n");
            return 0;
        }
    }
    return rounds;
}

#endif
