/* numeric.c: rounding, square roots, minimum and maximum, truncation, from bit patterns. WebAssembly spec 4.3.3. */
#include "numeric.h"

uint64_t wirq_round(uint64_t bits, unsigned mantissa, enum rounding mode) {
    unsigned width = mantissa == 23 ? 32 : 64;
    unsigned bias = mantissa == 23 ? 127 : 1023;
    uint64_t sign = bits >> (width - 1) & 1;
    uint64_t magnitude = bits & ~(UINT64_C(1) << (width - 1));
    unsigned exponent = (unsigned)(magnitude >> mantissa);
    uint64_t result; /* without sign */

    if (exponent >= bias + mantissa) { /* integral already, infinite or NaN */
        uint64_t infinity = (uint64_t)(2 * bias + 1) << mantissa;
        return magnitude > infinity ? bits | UINT64_C(1) << (mantissa - 1) : bits;
    }
    bool up = mode == ROUND_FLOOR ? sign : mode == ROUND_CEIL ? !sign : false;
    if (exponent < bias) { /* below one */
        uint64_t half = (uint64_t)(bias - 1) << mantissa;
        if (mode == ROUND_NEAREST)
            up = magnitude > half;
        result = up && magnitude != 0 ? (uint64_t)bias << mantissa : 0;
    } else {
        unsigned fraction_bits = bias + mantissa - exponent;
        uint64_t unit = UINT64_C(1) << fraction_bits;
        uint64_t fraction = magnitude & (unit - 1);
        result = magnitude - fraction;
        if (mode == ROUND_NEAREST)
            /* Ties to even: the unit's bit of the number, which is the implied one's (and the exponent's) below two. */
            up = fraction > unit / 2 || (fraction == unit / 2 && (result & unit));
        if (up && fraction != 0)
            result += unit; /* may carry into the exponent, which is right */
    }
    return result | sign << (width - 1);
}

/* The integer square root of value << shift_pairs * 2, one bit a step, with a sticky lowest bit for the remainder. */
static uint64_t root_bits(uint64_t value, unsigned steps) {
    uint64_t root = 0, remainder = 0;
    for (unsigned i = 0; i < steps; i++) {
        remainder = remainder << 2 | value >> 62;
        value <<= 2;
        uint64_t trial = root << 2 | 1;
        root <<= 1;
        if (remainder >= trial) {
            remainder -= trial;
            root |= 1;
        }
    }
    return root << 1 | (remainder != 0);
}

uint64_t wirq_f64_sqrt(uint64_t bits) {
    const uint64_t infinity = UINT64_C(0x7FF) << 52, quiet = UINT64_C(1) << 51;
    uint64_t magnitude = bits & ~(UINT64_C(1) << 63);
    if (magnitude > infinity)
        return bits | quiet;
    if (magnitude == 0)
        return bits;
    if (bits >> 63)
        return infinity | quiet;
    if (magnitude == infinity)
        return bits;
    int32_t exponent = (int32_t)(bits >> 52);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0) { /* subnormal: normalise */
        unsigned shift = (unsigned)wirq_clz64(mantissa) - 11;
        mantissa <<= shift;
        exponent = 1 - (int32_t)shift;
    }
    mantissa |= UINT64_C(1) << 52;
    exponent -= 1023;
    /* 1.m * 2^e with e even: the value starts in the top two bits, so that the first step sees 1, 2 or 3. */
    mantissa <<= exponent & 1 ? 11 : 10;
    exponent = (exponent - (exponent & 1)) / 2;
    uint64_t root = root_bits(mantissa, 54); /* 54 bits: 53 and a guard, then the sticky one */
    uint64_t rounded = (root >> 2) + ((root & 3) > 2 || ((root & 3) == 2 && (root >> 2 & 1)));
    return ((uint64_t)(exponent + 1022) << 52) + rounded;
}

uint32_t wirq_f32_sqrt(uint32_t bits) {
    const uint32_t infinity = UINT32_C(0x7F800000), quiet = UINT32_C(1) << 22;
    if ((bits & 0x7FFFFFFF) > infinity)
        return bits | quiet;
    /* The f64 root of an f32 rounds to the f32 root: 53 bits are more than twice 24 and two. */
    return wirq_f32_bits((float)wirq_f64(wirq_f64_sqrt(wirq_f64_bits((double)wirq_f32(bits)))));
}

uint32_t wirq_f32_min(uint32_t x, uint32_t y) {
    const uint32_t infinity = UINT32_C(0x7F800000), quiet = UINT32_C(1) << 22;
    if ((x & 0x7FFFFFFF) > infinity)
        return x | quiet;
    if ((y & 0x7FFFFFFF) > infinity)
        return y | quiet;
    if (((x | y) & 0x7FFFFFFF) == 0)
        return x | y;
    return wirq_f32(x) < wirq_f32(y) ? x : y;
}

uint32_t wirq_f32_max(uint32_t x, uint32_t y) {
    const uint32_t infinity = UINT32_C(0x7F800000), quiet = UINT32_C(1) << 22;
    if ((x & 0x7FFFFFFF) > infinity)
        return x | quiet;
    if ((y & 0x7FFFFFFF) > infinity)
        return y | quiet;
    if (((x | y) & 0x7FFFFFFF) == 0)
        return x & y;
    return wirq_f32(x) > wirq_f32(y) ? x : y;
}

uint64_t wirq_f64_min(uint64_t x, uint64_t y) {
    const uint64_t infinity = UINT64_C(0x7FF) << 52, quiet = UINT64_C(1) << 51;
    if (wirq_f64_abs(x) > infinity)
        return x | quiet;
    if (wirq_f64_abs(y) > infinity)
        return y | quiet;
    if (wirq_f64_abs(x | y) == 0)
        return x | y;
    return wirq_f64(x) < wirq_f64(y) ? x : y;
}

uint64_t wirq_f64_max(uint64_t x, uint64_t y) {
    const uint64_t infinity = UINT64_C(0x7FF) << 52, quiet = UINT64_C(1) << 51;
    if (wirq_f64_abs(x) > infinity)
        return x | quiet;
    if (wirq_f64_abs(y) > infinity)
        return y | quiet;
    if (wirq_f64_abs(x | y) == 0)
        return x & y;
    return wirq_f64(x) > wirq_f64(y) ? x : y;
}

wirq_status wirq_truncate(uint64_t bits, unsigned width, bool is_signed, uint64_t *result) {
    bool negative = bits >> 63;
    uint64_t limit = is_signed ? (UINT64_C(1) << (width - 1)) - !negative : negative ? 0 : UINT64_MAX >> (64 - width);
    int32_t exponent = (int32_t)(bits >> 52 & 0x7FF) - 1023;
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    uint64_t magnitude;
    wirq_status status = WIRQ_OK;

    if (wirq_f64_abs(bits) > UINT64_C(0x7FF) << 52) {
        *result = 0;
        return WIRQ_TRAP_INVALID_CONVERSION;
    }
    if (exponent < 0) {
        magnitude = 0;
    } else if (exponent > 63) {
        magnitude = limit;
        status = WIRQ_TRAP_INTEGER_OVERFLOW;
    } else {
        magnitude = exponent <= 52 ? mantissa >> (52 - exponent) : mantissa << (exponent - 52);
        if (magnitude > limit) {
            magnitude = limit;
            status = WIRQ_TRAP_INTEGER_OVERFLOW;
        }
    }
    *result = negative ? 0 - magnitude : magnitude;
    return status;
}
