/* modmul: modular exponentiation with 64-bit numbers by Montgomery multiplication, as public-key code does it. 64-bit multiply,
 * add with carry, compare and shift. */
#include "kernel.h"

struct wide {
    uint64_t high, low;
};

static struct wide multiply(uint64_t a, uint64_t b) {
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    uint64_t middle = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
    struct wide product = {p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32), middle << 32 | (uint32_t)p00};
    return product;
}

/* a * b / 2^64 modulo the odd modulus m; inverse is -1 / m modulo 2^64. */
KERNEL_CALL static uint64_t montgomery(uint64_t a, uint64_t b, uint64_t m, uint64_t inverse) {
    struct wide t = multiply(a, b);
    struct wide u = multiply(t.low * inverse, m);
    uint64_t carry = t.low != 0; /* t.low + u.low is 0 or 2^64 */
    uint64_t sum = t.high + u.high;
    uint64_t overflow = sum < t.high;
    sum += carry;
    overflow |= sum < carry;
    return overflow || sum >= m ? sum - m : sum;
}

/* base ^ exponent modulo m. */
static uint64_t power(uint64_t base, uint64_t exponent, uint64_t m) {
    uint64_t inverse = 1;
    for (uint32_t i = 0; i < 6; i++) {
        inverse *= 2 - m * inverse; /* Newton: twice as many bits each time */
    }
    inverse = 0 - inverse;
    uint64_t one = (0 - m) % m; /* 2^64 modulo m */
    uint64_t square = one;
    for (uint32_t i = 0; i < 64; i++) { /* 2^128 modulo m */
        uint64_t doubled = square << 1;
        square = square >> 63 || doubled >= m ? doubled - m : doubled;
    }
    uint64_t x = montgomery(base % m, square, m, inverse);
    uint64_t result = one;
    while (exponent != 0) {
        if (exponent & 1) {
            result = montgomery(result, x, m, inverse);
        }
        x = montgomery(x, x, m, inverse);
        exponent >>= 1;
    }
    return montgomery(result, 1, m, inverse);
}

KERNEL_EXPORT int32_t run(void) {
    const uint64_t prime = UINT64_C(0xFFFFFFFFFFFFFFC5); /* the largest below 2^64 */
    uint64_t result = 0;
    for (uint32_t i = 0; i < 24; i++) {
        uint64_t base = ((uint64_t)kernel_opaque(0x9E3779B9u) << 32 | kernel_opaque(i)) + 2;
        if (i == 0 && power(base, prime - 1, prime) != 1) { /* Fermat's little theorem */
            return -1;
        }
        result = result * 31 + power(base, base >> 1, prime);
    }
    return (int32_t)(result >> 32 ^ result);
}
