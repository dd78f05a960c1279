/* crc32: the CRC-32 of Ethernet and zip over 4 KiB, once bit by bit over a part, once by a table of 256 words. Shifts, exclusive
 * or, table look-ups. */
#include "kernel.h"

enum { SIZE = 4096, BITWISE_SIZE = 512, REPEAT = 4 };

static const uint32_t POLYNOMIAL = 0xEDB88320u;

static uint8_t data[SIZE];
static uint32_t table[256];

static uint32_t one_byte(uint32_t crc) {
    for (uint32_t bit = 0; bit < 8; bit++) {
        crc = crc >> 1 ^ (POLYNOMIAL & (0u - (crc & 1u)));
    }
    return crc;
}

KERNEL_CALL static uint32_t crc_bitwise(const uint8_t *bytes, uint32_t size) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < size; i++) {
        crc = one_byte(crc ^ bytes[i]);
    }
    return ~crc;
}

KERNEL_CALL static uint32_t crc_by_table(const uint8_t *bytes, uint32_t size) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < size; i++) {
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xFFu];
    }
    return ~crc;
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(1);
    for (uint32_t i = 0; i < SIZE; i++) {
        data[i] = (uint8_t)kernel_random(&state);
    }
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = one_byte(i);
    }
    if (crc_bitwise(data, BITWISE_SIZE) != crc_by_table(data, BITWISE_SIZE)) {
        return -1;
    }
    uint32_t result = 0;
    for (uint32_t round = 0; round < REPEAT; round++) {
        data[round] ^= (uint8_t)result;
        result = crc_by_table(data, SIZE);
    }
    return (int32_t)result;
}
