/* numeric.c: rounding, square roots, minimum and maximum, truncation, from bit patterns. WebAssembly spec 4.3.3. */
#include "numeric.h"

uint64_t wirq_f64_round(uint64_t bits, enum rounding mode) {
    const uint64_t infinity = UINT64_C(0x7FF) << 52, quiet = UINT64_C(1) << 51;
    const double whole = 0x1p52; /* from here on every f64 is integral */
    uint64_t sign = bits >> 63 << 63;
    double magnitude = wirq_f64(bits ^ sign);
    if ((bits ^ sign) > infinity)
        return bits | quiet;
    if (magnitude >= whole)
        return bits;
    double result = magnitude + whole - whole; /* the addition rounds to nearest, ties to even */
    bool away = mode == ROUND_FLOOR ? sign != 0 : mode == ROUND_CEIL && sign == 0;
    if (away && result < magnitude)
        result += 1;
    else if (!away && mode != ROUND_NEAREST && result > magnitude)
        result -= 1;
    return wirq_f64_bits(result) | sign;
}

uint32_t wirq_f32_round(uint32_t bits, enum rounding mode) {
    /* Every f32 is an f64, and an integral f64 that came from an f32 is an f32. */
    return wirq_f32_bits((float)wirq_f64(wirq_f64_round(wirq_f64_bits((double)wirq_f32(bits)), mode)));
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
#if HARDWARE_F32
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(wirq_f32(bits)));
    return wirq_f32_bits(root);
#endif
    /* The f64 root of an f32 rounds to the f32 root: 53 bits are more than twice 24 and two. */
    return wirq_f32_bits((float)wirq_f64(wirq_f64_sqrt(wirq_f64_bits((double)wirq_f32(bits)))));
}

/* |x / y| where that is below the smallest normal number; x and y are positive, in a format with mantissas of `width` bits.
 * Long division, one bit a step. */
static uint64_t subnormal_quotient(uint64_t x, uint64_t y, int32_t width, int32_t bias) {
    const uint64_t hidden = UINT64_C(1) << width;
    int32_t x_exponent = (int32_t)(x >> width), y_exponent = (int32_t)(y >> width);
    uint64_t dividend = x_exponent ? (x & (hidden - 1)) | hidden : x;
    uint64_t divisor = y_exponent ? (y & (hidden - 1)) | hidden : y;
    /* In halves of the smallest subnormal, the quotient is dividend * 2^shift / divisor. */
    int32_t shift = (x_exponent ? x_exponent : 1) - (y_exponent ? y_exponent : 1) + bias + width;
    uint64_t quotient = 0, remainder = 0;
    for (int32_t bit = width; bit >= -shift; bit--) {
        remainder = remainder << 1 | (bit >= 0 ? dividend >> bit & 1 : 0);
        quotient <<= 1;
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1;
        }
    }
    if (shift < 0 && shift >= -width)
        remainder |= dividend << (64 + shift); /* bits of the dividend that were not reached */
    uint64_t rounded = quotient >> 1;
    return rounded + ((quotient & 1) && (remainder != 0 || (rounded & 1)));
}

/* Divisions in software of some compilers cut subnormal quotients off instead of rounding them: those are done again. */
uint64_t wirq_f64_div(uint64_t x, uint64_t y) {
    uint64_t quotient = wirq_f64_bits(wirq_f64(x) / wirq_f64(y));
    if ((quotient >> 52 & 0x7FF) != 0 || x << 1 == 0 || wirq_f64_abs(y) == UINT64_C(0x7FF) << 52)
        return quotient;
    return subnormal_quotient(wirq_f64_abs(x), wirq_f64_abs(y), 52, 1023) | (quotient & UINT64_C(1) << 63);
}

uint32_t wirq_f32_div_again(uint32_t x, uint32_t y, uint32_t quotient) {
    if (x << 1 == 0 || wirq_f32_abs(y) == UINT32_C(0x7F800000))
        return quotient;
    return (uint32_t)subnormal_quotient(wirq_f32_abs(x), wirq_f32_abs(y), 23, 127) | (quotient & UINT32_C(1) << 31);
}

uint32_t wirq_f32_extreme(uint32_t x, uint32_t y, bool greater) {
    const uint32_t infinity = UINT32_C(0x7F800000), quiet = UINT32_C(1) << 22;
    if (wirq_f32_abs(x) > infinity)
        return x | quiet;
    if (wirq_f32_abs(y) > infinity)
        return y | quiet;
    /* Two numbers of one sign order like their bit patterns, negative ones the other way round; -0 is below 0. */
    bool less = (x ^ y) >> 31 ? x >> 31 : (x < y) != (x >> 31);
    return less != greater ? x : y;
}

uint64_t wirq_f64_extreme(uint64_t x, uint64_t y, bool greater) {
    const uint64_t infinity = UINT64_C(0x7FF) << 52, quiet = UINT64_C(1) << 51;
    if (wirq_f64_abs(x) > infinity)
        return x | quiet;
    if (wirq_f64_abs(y) > infinity)
        return y | quiet;
    bool less = (x ^ y) >> 63 ? x >> 63 : (x < y) != (x >> 63);
    return less != greater ? x : y;
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
