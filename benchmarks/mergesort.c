/* mergesort: 1,000 words sorted from the bottom up, stable, between two arrays. Compare and branch on loaded values, two moving
 * pointers. */
#include "kernel.h"

enum { COUNT = 1000 };

static uint32_t first[COUNT], second[COUNT];

KERNEL_CALL static void merge(const uint32_t *from, uint32_t *to, uint32_t left, uint32_t middle, uint32_t right) {
    uint32_t i = left, j = middle;
    for (uint32_t k = left; k < right; k++) {
        if (i < middle && (j >= right || from[i] <= from[j])) {
            to[k] = from[i++];
        } else {
            to[k] = from[j++];
        }
    }
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(5);
    uint32_t before = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        first[i] = kernel_random(&state) & 0xFFFF;
        before += first[i] * first[i];
    }
    uint32_t *from = first, *to = second;
    for (uint32_t width = 1; width < COUNT; width *= 2) {
        for (uint32_t left = 0; left < COUNT; left += 2 * width) {
            uint32_t middle = left + width < COUNT ? left + width : COUNT;
            uint32_t right = left + 2 * width < COUNT ? left + 2 * width : COUNT;
            merge(from, to, left, middle, right);
        }
        uint32_t *swapped = from;
        from = to;
        to = swapped;
    }
    uint32_t after = from[0] * from[0];
    uint32_t result = from[0];
    for (uint32_t i = 1; i < COUNT; i++) {
        if (from[i] < from[i - 1]) {
            return -1;
        }
        after += from[i] * from[i];
        result = kernel_fold(result, from[i]);
    }
    return after == before ? (int32_t)result : -1;
}
