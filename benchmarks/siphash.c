/* siphash: the keyed hash SipHash-2-4 over messages of 0 to 63 bytes, as hash tables and boot loaders use it. 64-bit additions,
 * rotations and exclusive or. */
#include "kernel.h"

static uint8_t message[64];

static uint64_t rotate(uint64_t x, uint32_t by) {
    return x << by | x >> (64 - by);
}

struct state {
    uint64_t v0, v1, v2, v3;
};

KERNEL_CALL static void rounds(struct state *s, uint32_t n) {
    uint64_t v0 = s->v0, v1 = s->v1, v2 = s->v2, v3 = s->v3;
    while (n-- > 0) {
        v0 += v1, v1 = rotate(v1, 13) ^ v0, v0 = rotate(v0, 32);
        v2 += v3, v3 = rotate(v3, 16) ^ v2;
        v0 += v3, v3 = rotate(v3, 21) ^ v0;
        v2 += v1, v1 = rotate(v1, 17) ^ v2, v2 = rotate(v2, 32);
    }
    s->v0 = v0, s->v1 = v1, s->v2 = v2, s->v3 = v3;
}

static uint64_t siphash(const uint8_t *bytes, uint32_t size, uint64_t k0, uint64_t k1) {
    struct state s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d), k0 ^ UINT64_C(0x6c7967656e657261),
                      k1 ^ UINT64_C(0x7465646279746573)};
    uint64_t word = 0;
    for (uint32_t i = 0; i < size; i++) {
        word |= (uint64_t)bytes[i] << 8 * (i & 7);
        if ((i & 7) == 7) {
            s.v3 ^= word;
            rounds(&s, 2);
            s.v0 ^= word;
            word = 0;
        }
    }
    word |= (uint64_t)size << 56;
    s.v3 ^= word;
    rounds(&s, 2);
    s.v0 ^= word;
    s.v2 ^= 0xFF;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

KERNEL_EXPORT int32_t run(void) {
    const uint64_t k0 = UINT64_C(0x0706050403020100), k1 = UINT64_C(0x0f0e0d0c0b0a0908);
    uint64_t result = 0;
    for (uint32_t i = 0; i < 64; i++) {
        message[i] = (uint8_t)kernel_opaque(i);
    }
    if (siphash(message, 15, k0, k1) != UINT64_C(0xa129ca6149be45e5)) { /* the example of the paper */
        return -1;
    }
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t size = 0; size < 64; size++) {
            result = rotate(result, 7) + siphash(message, size, k0 + round, k1);
        }
    }
    return (int32_t)(result >> 32 ^ result);
}
