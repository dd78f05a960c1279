/* red_zone.c: a leaf function with its locals in the red zone, and a handler with a frame of its own. */
#include "wirq_guest.h"

volatile int32_t result_of_handler;

WIRQ_EXPORT("leaf") __attribute__((noinline)) int32_t leaf(int32_t n);

int32_t leaf(int32_t n) {
    volatile int32_t buffer[16];
    int32_t sum = 0;
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < n; i++) {
        buffer[i & 15] = i * i + 1;
        sum += i < 16 ? i : buffer[(i * 7) & 15];
    }
    return sum;
}

WIRQ_HANDLER(soft0) {
    volatile int32_t frame[24];
    for (int32_t i = 0; i < 24; i++) {
        frame[i] = -1000 - i - count;
    }
    result_of_handler = frame[source] + context;
}
