/* copy: the copying loops of embedded programs that no library call stands for: byte order reversed, run-length packed and
 * unpacked, zero-terminated, interleaved, through a ring buffer. Loads and stores of all widths. */
#include "kernel.h"

enum { SIZE = 2048, RING = 64 };

static uint8_t source[SIZE], packed[2 * SIZE], unpacked[SIZE];
static uint16_t stereo[SIZE];
static uint8_t ring[RING];

KERNEL_CALL static uint32_t pack(const uint8_t *from, uint32_t size, uint8_t *to) {
    uint32_t out = 0;
    for (uint32_t i = 0; i < size;) {
        uint32_t length = 1;
        while (length < 255 && i + length < size && from[i + length] == from[i]) {
            length++;
        }
        to[out++] = (uint8_t)length;
        to[out++] = from[i];
        i += length;
    }
    return out;
}

KERNEL_CALL static uint32_t unpack(const uint8_t *from, uint32_t size, uint8_t *to) {
    uint32_t out = 0;
    for (uint32_t i = 0; i < size; i += 2) {
        for (uint32_t n = from[i]; n > 0; n--) {
            to[out++] = from[i + 1];
        }
    }
    return out;
}

/* Words with their bytes in the other order, in place. */
KERNEL_CALL static void reverse_words(uint8_t *bytes, uint32_t size) {
    for (uint32_t i = 0; i + 4 <= size; i += 4) {
        uint8_t b0 = bytes[i], b1 = bytes[i + 1];
        bytes[i] = bytes[i + 3];
        bytes[i + 1] = bytes[i + 2];
        bytes[i + 2] = b1;
        bytes[i + 3] = b0;
    }
}

/* Two halves of a buffer as left and right samples of 16 bits. */
KERNEL_CALL static void interleave(const uint8_t *from, uint32_t count, uint16_t *to) {
    for (uint32_t i = 0; i < count; i++) {
        to[2 * i] = (uint16_t)(from[i] << 8 | from[i + count]);
        to[2 * i + 1] = (uint16_t)(from[i + count] << 8 | from[i]);
    }
}

/* Everything through a small ring, in bursts of uneven length. */
KERNEL_CALL static uint32_t through_ring(const uint8_t *from, uint32_t size) {
    uint32_t head = 0, tail = 0, in = 0, sum = 0, burst = 1;
    while (tail < size) {
        for (uint32_t n = 0; n < burst && in < size && head - tail < RING; n++) {
            ring[head++ % RING] = from[in++];
        }
        for (uint32_t n = 0; n < burst + 1 && tail != head; n++) {
            sum = sum * 5 + ring[tail++ % RING];
        }
        burst = burst % 13 + 3;
    }
    return sum;
}

KERNEL_CALL static uint32_t copy_string(uint8_t *to, const uint8_t *from) {
    uint32_t n = 0;
    while ((to[n] = from[n]) != 0) {
        n++;
    }
    return n;
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(10);
    for (uint32_t i = 0; i < SIZE;) {
        uint8_t value = (uint8_t)(kernel_random(&state) | 1);
        for (uint32_t n = kernel_random(&state) % 9; n > 0 && i < SIZE; n--) {
            source[i++] = value;
        }
    }
    source[SIZE - 1] = 0;
    uint32_t result = pack(source, SIZE, packed);
    if (unpack(packed, result, unpacked) != SIZE || copy_string(packed, unpacked) != SIZE - 1) {
        return -1;
    }
    reverse_words(unpacked, SIZE);
    interleave(unpacked, SIZE / 2, stereo);
    for (uint32_t i = 0; i < SIZE; i++) {
        result = kernel_fold(result, stereo[i]);
    }
    reverse_words(unpacked, SIZE);
    for (uint32_t i = 0; i < SIZE; i++) {
        if (unpacked[i] != source[i]) {
            return -1;
        }
    }
    return (int32_t)(result ^ through_ring(unpacked, SIZE));
}
