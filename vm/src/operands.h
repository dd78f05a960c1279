/* operands.h: how handlers and extended operations read their operand units. ip points at the operation, fp at the frame. */
#ifndef WIRQ_OPERANDS_H
#define WIRQ_OPERANDS_H

#include "config.h"

#if WIRQ_SCALED_UNITS
#define OPERATION_UNIT(operation) ((uint16_t)((operation) * sizeof(void *)))
#define UNIT_OPERATION(unit) ((uint32_t)(unit) / sizeof(void *))
#define HANDLER_AT(unit) (*(const void *volatile *)(void *)((uint8_t *)vm + (unit)))
#define CELL(unit) ((uint32_t *)(void *)((uint8_t *)fp + (unit)))
#define UNIT_CELL(unit) ((uint32_t)(unit) / sizeof(uint32_t))
#define HIGHEST_BYTE_SLOT (UINT8_MAX / sizeof(uint32_t)) /* of those that a byte can name */
#else
#define OPERATION_UNIT(operation) ((uint16_t)(operation))
#define UNIT_OPERATION(unit) ((uint32_t)(unit))
#define HANDLER_AT(unit) (VM_HANDLERS(vm)[unit])
#define CELL(unit) (&fp[unit])
#define UNIT_CELL(unit) ((uint32_t)(unit))
#define HIGHEST_BYTE_SLOT UINT8_MAX
#endif

/* The two bytes of a unit; the machine is little-endian. */
#define U8L(n) ((uint32_t)((const uint8_t *)ip)[2 * (n)])
#define U8H(n) ((uint32_t)((const uint8_t *)ip)[2 * (n) + 1])
#define S32L(n) (*CELL(U8L(n)))
#define S32H(n) (*CELL(U8H(n)))
#define U16(n) ((uint32_t)ip[n])
#define C16(n) ((uint32_t)(int32_t)(int16_t)ip[n])
/* Two units at once, which lie at a multiple of 2. */
#if defined(__ARM_FEATURE_UNALIGNED) || defined(__x86_64__)
struct units {
    uint32_t value;
} __attribute__((packed, may_alias));
#define K32(n) (((const struct units *)(const void *)(ip + (n)))->value)
#else
#define K32(n) ((uint32_t)ip[n] | (uint32_t)ip[(n) + 1] << 16)
#endif
#define S32(n) (*CELL(ip[n]))
#define GET64(p) get_cells(p)
#define SET64(p, v) set_cells(p, v)
#define S64(n) GET64(CELL(ip[n]))
#define PUT64(n, v) SET64(CELL(ip[n]), v)

/* Two cells at a multiple of 4, which is all that LDRD and STRD want; compilers make two instructions with two addresses of it. */
struct cells {
    uint32_t low, high;
} __attribute__((may_alias));

/* In C: an address of which nothing is known is the same for both cells. */
#ifdef __thumb2__
#define ONE_ADDRESS(p) __asm__("" : "+r"(p))
#else
#define ONE_ADDRESS(p) ((void)0)
#endif

static inline void load_cells(const uint32_t *p, uint32_t *low, uint32_t *high) {
    const struct cells *cells = (const struct cells *)(const void *)p;
#if defined(__thumb2__) && !defined(WIRQ_PORTABLE_DISPATCH)
    __asm__("ldrd %0, %1, %2" : "=r"(*low), "=r"(*high) : "Q"(*cells));
#else
    ONE_ADDRESS(cells);
    *low = cells->low;
    *high = cells->high;
#endif
}

static inline void store_cells(uint32_t *p, uint32_t low, uint32_t high) {
    struct cells *cells = (struct cells *)(void *)p;
#if defined(__thumb2__) && !defined(WIRQ_PORTABLE_DISPATCH)
    __asm__("strd %1, %2, %0" : "=Q"(*cells) : "r"(low), "r"(high));
#else
    ONE_ADDRESS(cells);
    *cells = (struct cells){low, high};
#endif
}

static inline uint64_t get_cells(const uint32_t *p) {
#if UINTPTR_MAX > UINT32_MAX
    uint64_t value;
    __builtin_memcpy(&value, p, sizeof value);
    return value;
#else
    uint32_t low, high;
    load_cells(p, &low, &high);
    return (uint64_t)high << 32 | low;
#endif
}

static inline void set_cells(uint32_t *p, uint64_t value) {
#if UINTPTR_MAX > UINT32_MAX
    __builtin_memcpy(p, &value, sizeof value);
#else
    store_cells(p, (uint32_t)value, (uint32_t)(value >> 32));
#endif
}

#endif
