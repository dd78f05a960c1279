/* freestanding.c: the few functions of string.h that the VM and the firmware use and that compilers call by themselves. Only in
 * firmware for chips, which has no C library. */
#include <stdint.h>
#include <string.h>

#if __STDC_HOSTED__

typedef int freestanding_functions_come_from_the_c_library;

#else

/* Words where both ends allow it: a byte loop would be most of the time that loading a module takes. Cores that take words from any
 * address copy these wherever they lie. */
#ifdef __ARM_FEATURE_UNALIGNED
typedef uint32_t __attribute__((may_alias, aligned(1))) word;
#define ANY_ALIGNMENT 1
#else
typedef uint32_t __attribute__((may_alias)) word;
#define ANY_ALIGNMENT 0
#endif

static int aligned(const void *a, const void *b) {
    return ANY_ALIGNMENT || (((uintptr_t)a | (uintptr_t)b) & (sizeof(word) - 1)) == 0;
}

/* From the lowest byte up: right for ranges that overlap, too, if `to` is the lower one. */
static void *copy_up(void *to, const void *from, size_t size) {
    unsigned char *t = to;
    const unsigned char *f = from;
    if (aligned(t, f)) {
        for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word), f += sizeof(word))
            *(word *)t = *(const word *)f;
    }
    while (size-- > 0)
        *t++ = *f++;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    return copy_up(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= size) /* the end of what is written does not overlap what is still to be read */
        return copy_up(to, from, size);
    while (size-- > 0)
        t[size] = f[size];
    return to;
}

void *memset(void *to, int value, size_t size) {
    unsigned char *t = to;
    word pattern = (unsigned char)value * UINT32_C(0x01010101);
    if (aligned(t, t)) {
        for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word))
            *(word *)t = pattern;
    }
    while (size-- > 0)
        *t++ = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *x = a, *y = b;
    for (; size > 0; size--, x++, y++) {
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b) {
    for (; *a != '\0' && *a == *b; a++, b++) {
    }
    return (unsigned char)*a - (unsigned char)*b;
}

void *memchr(const void *bytes, int value, size_t size) {
    for (const unsigned char *p = bytes; size > 0; p++, size--)
        if (*p == (unsigned char)value)
            return (void *)(uintptr_t)p;
    return NULL;
}

#endif
