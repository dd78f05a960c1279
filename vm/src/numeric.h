/* numeric.h: the arithmetic of WebAssembly that C does not have as an operator. WebAssembly spec 4.3.
 *
 * Floats travel as bit patterns: a float variable may not be assumed to keep a signalling NaN. No function of libm is used.
 */
#ifndef WIRQ_NUMERIC_H
#define WIRQ_NUMERIC_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* Division in hardware rounds as IEEE 754 says. */
#if defined(__ARM_FP) && __ARM_FP & 4
#define HARDWARE_F32 1
#else
#define HARDWARE_F32 0
#endif

static inline float wirq_f32(uint32_t bits) {
    union {
        uint32_t bits;
        float value;
    } u = {.bits = bits};
    return u.value;
}

static inline uint32_t wirq_f32_bits(float value) {
    union {
        float value;
        uint32_t bits;
    } u = {.value = value};
    return u.bits;
}

static inline double wirq_f64(uint64_t bits) {
    union {
        uint64_t bits;
        double value;
    } u = {.bits = bits};
    return u.value;
}

static inline uint64_t wirq_f64_bits(double value) {
    union {
        double value;
        uint64_t bits;
    } u = {.value = value};
    return u.bits;
}

/* Arithmetic shift: gcc and clang define >> of a negative number so. */
static inline uint32_t wirq_shr_s32(uint32_t x, uint32_t n) {
    return (uint32_t)((int32_t)x >> (n & 31));
}

static inline uint64_t wirq_shr_s64(uint64_t x, uint64_t n) {
    return (uint64_t)((int64_t)x >> (n & 63));
}

static inline uint32_t wirq_rotr32(uint32_t x, uint32_t n) {
    return x >> (n & 31) | x << (-n & 31);
}

/* By 1 to 31, so that every compiler finds the instruction. */
static inline uint32_t wirq_rotr32_by(uint32_t x, uint32_t n) {
    return x >> n | x << (32 - n);
}

static inline uint32_t wirq_rotl32(uint32_t x, uint32_t n) {
    return wirq_rotr32(x, -n);
}

static inline uint64_t wirq_rotr64(uint64_t x, uint64_t n) {
    return x >> (n & 63) | x << (-n & 63);
}

/* 64 bits by the constants of their operations (SHIFTS64 in vm/ops/internal.py): in halves, for what a shift pushes out of one half
 * into the other is one instruction then, or the high half of a product with a power of two. */
#if UINTPTR_MAX > UINT32_MAX
static inline uint64_t wirq_shl64_by(uint64_t x, uint32_t n) {
    return x << n;
}
static inline uint64_t wirq_shr_s64_by(uint64_t x, uint32_t n) {
    return (uint64_t)((int64_t)x >> n);
}
static inline uint64_t wirq_shr_u64_by(uint64_t x, uint32_t n) {
    return x >> n;
}
static inline uint64_t wirq_rotl64_by(uint64_t x, uint32_t n) {
    return x << n | x >> (64 - n);
}
static inline uint64_t wirq_rotl64_high_by(uint64_t x, uint32_t n) {
    return x << (32 + n) | x >> (32 - n);
}
#else
static inline uint64_t wirq_halves(uint32_t low, uint32_t high) {
    return (uint64_t)high << 32 | low;
}
#if defined(__thumb2__) && !defined(WIRQ_PORTABLE_DISPATCH)
#define SHIFT_COUNT(n) (UINT32_C(1) << (n))
#define SHIFT(x, power, left, out) \
    uint32_t left, out;            \
    __asm__("umull %0, %1, %2, %3" : "=r"(left), "=r"(out) : "r"((uint32_t)(x)), "r"(power))
#define SHIFT_0(x, power, left, out) SHIFT(x, power, left, out)
#define SHIFTED(x, power) ((uint32_t)(x) * (power))
#else
#define SHIFT_COUNT(n) (n)
#define SHIFT(x, n, left, out) uint32_t left = (uint32_t)(x) << (n), out = (uint32_t)(x) >> (32 - (n))
#define SHIFT_0(x, n, left, out) uint32_t left = (uint32_t)(x) << (n), out = (uint32_t)(x) >> 1 >> (31 - (n)) /* n may be 0 */
#define SHIFTED(x, n) ((uint32_t)(x) << (n))
#endif
static inline uint64_t wirq_shl64_by(uint64_t x, uint32_t n) {
    n = SHIFT_COUNT(n);
    SHIFT(x, n, left, out);
    return wirq_halves(left, SHIFTED(x >> 32, n) + out);
}
static inline uint64_t wirq_shr_s64_by(uint64_t x, uint32_t n) {
    uint32_t low = (uint32_t)x, high = (uint32_t)(x >> 32);
    return wirq_halves(low >> n | high << (32 - n), wirq_shr_s32(high, n));
}
static inline uint64_t wirq_shr_u64_by(uint64_t x, uint32_t n) {
    uint32_t low = (uint32_t)x, high = (uint32_t)(x >> 32);
    return wirq_halves(low >> n | high << (32 - n), high >> n);
}
static inline uint64_t wirq_rotl64_by(uint64_t x, uint32_t n) {
    n = SHIFT_COUNT(n);
    SHIFT(x, n, a, b);
    SHIFT(x >> 32, n, c, d);
    return wirq_halves(a | d, c | b);
}
static inline uint64_t wirq_rotl64_high_by(uint64_t x, uint32_t n) {
    n = SHIFT_COUNT(n);
    SHIFT_0(x, n, a, b);
    SHIFT_0(x >> 32, n, c, d);
    return wirq_halves(c | b, a | d);
}
#undef SHIFT_COUNT
#undef SHIFT
#undef SHIFT_0
#undef SHIFTED
#endif
static inline uint64_t wirq_shl64_high_by(uint64_t x, uint32_t n) {
    return (uint64_t)((uint32_t)x << n) << 32;
}

static inline uint32_t wirq_clz32(uint32_t x) {
    return x ? (uint32_t)__builtin_clz(x) : 32;
}

static inline uint32_t wirq_ctz32(uint32_t x) {
#ifdef __thumb2__ /* which can turn a word round */
    return x ? (uint32_t)__builtin_ctz(x) : 32;
#endif
    return x ? 31 - (uint32_t)__builtin_clz(x & -x) : 32;
}

/* A NaN that an operation answers is quiet; the software conversion of some compilers keeps a signalling one as it was. */
static inline uint64_t wirq_quiet_f64(uint64_t bits) {
    return bits << 1 > UINT64_C(0xFFE0000000000000) ? bits | UINT64_C(0x0008000000000000) : bits;
}

/* Bits counted in parallel; the compilers' own is a call with a table on most chips. */
static inline uint32_t wirq_popcnt32(uint32_t x) {
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0F0F0F0F;
    return x * 0x01010101 >> 24;
}

static inline uint64_t wirq_clz64(uint64_t x) {
    return x >> 32 ? wirq_clz32((uint32_t)(x >> 32)) : 32 + wirq_clz32((uint32_t)x);
}

static inline uint64_t wirq_ctz64(uint64_t x) {
    return (uint32_t)x ? wirq_ctz32((uint32_t)x) : 32 + wirq_ctz32((uint32_t)(x >> 32));
}

static inline uint64_t wirq_popcnt64(uint64_t x) {
    return wirq_popcnt32((uint32_t)x) + wirq_popcnt32((uint32_t)(x >> 32));
}

enum rounding { ROUND_TRUNC, ROUND_FLOOR, ROUND_CEIL, ROUND_NEAREST };

/* Rounds to an integral value. */
uint32_t wirq_f32_round(uint32_t bits, enum rounding mode);
uint64_t wirq_f64_round(uint64_t bits, enum rounding mode);
uint32_t wirq_f32_sqrt(uint32_t bits);
uint64_t wirq_f64_sqrt(uint64_t bits);
uint64_t wirq_f64_div(uint64_t x, uint64_t y);
uint32_t wirq_f32_div_again(uint32_t x, uint32_t y, uint32_t quotient);
/* `greater`: max, else min. */
uint32_t wirq_f32_extreme(uint32_t x, uint32_t y, bool greater);
uint64_t wirq_f64_extreme(uint64_t x, uint64_t y, bool greater);

/* Truncates an f64 to an integer of `width` bits. Out of range or NaN: a trap code, and *result is the saturated value. */
wirq_status wirq_truncate(uint64_t bits, unsigned width, bool is_signed, uint64_t *result);

#define WIRQ_ROUNDING(name, mode)                        \
    static inline uint32_t wirq_f32_##name(uint32_t x) { \
        return wirq_f32_round(x, mode);                  \
    }                                                    \
    static inline uint64_t wirq_f64_##name(uint64_t x) { \
        return wirq_f64_round(x, mode);                  \
    }
WIRQ_ROUNDING(trunc, ROUND_TRUNC)
WIRQ_ROUNDING(floor, ROUND_FLOOR)
WIRQ_ROUNDING(ceil, ROUND_CEIL)
WIRQ_ROUNDING(nearest, ROUND_NEAREST)
#undef WIRQ_ROUNDING

static inline uint32_t wirq_f32_abs(uint32_t x) {
    return x & 0x7FFFFFFF;
}

static inline uint32_t wirq_f32_add(uint32_t x, uint32_t y) {
    return wirq_f32_bits(wirq_f32(x) + wirq_f32(y));
}

static inline uint32_t wirq_f32_sub(uint32_t x, uint32_t y) {
    return wirq_f32_bits(wirq_f32(x) - wirq_f32(y));
}

static inline uint32_t wirq_f32_mul(uint32_t x, uint32_t y) {
    return wirq_f32_bits(wirq_f32(x) * wirq_f32(y));
}

/* See wirq_f64_div. */
static inline uint32_t wirq_f32_div(uint32_t x, uint32_t y) {
    uint32_t quotient = wirq_f32_bits(wirq_f32(x) / wirq_f32(y));
    if (HARDWARE_F32)
        return quotient;
    return quotient >> 23 & 0xFF ? quotient : wirq_f32_div_again(x, y, quotient);
}

static inline uint32_t wirq_f32_copysign(uint32_t x, uint32_t y) {
    return (x & 0x7FFFFFFF) | (y & 0x80000000);
}

static inline uint64_t wirq_f64_abs(uint64_t x) {
    return x & ~(UINT64_C(1) << 63);
}

static inline uint64_t wirq_f64_neg(uint64_t x) {
    return x ^ UINT64_C(1) << 63;
}

static inline uint64_t wirq_f64_copysign(uint64_t x, uint64_t y) {
    return wirq_f64_abs(x) | (y & UINT64_C(1) << 63);
}

static inline uint32_t wirq_f32_min(uint32_t x, uint32_t y) {
    return wirq_f32_extreme(x, y, false);
}

static inline uint32_t wirq_f32_max(uint32_t x, uint32_t y) {
    return wirq_f32_extreme(x, y, true);
}

static inline uint64_t wirq_f64_min(uint64_t x, uint64_t y) {
    return wirq_f64_extreme(x, y, false);
}

static inline uint64_t wirq_f64_max(uint64_t x, uint64_t y) {
    return wirq_f64_extreme(x, y, true);
}

#endif
