/* harness.c: runs one benchmark kernel natively, bare on a core, and passes wirq_bench_mark as the firmware's bench does.
 *
 * Six marks: load begin, load end (nothing in between here), first call begin, end, second call begin, end. The result goes to the
 * emulator's console by semihosting, which is also the way out.
 */
#include <stdint.h>

int32_t run(void); /* the kernel: benchmarks/kernel.h */
void wirq_bench_mark(void);
int main(void);

/* Watched by address. Never inlined, so that every pass is one execution of its first instruction. */
__attribute__((noinline, used)) void wirq_bench_mark(void) {
    __asm__ volatile("" ::: "memory");
}

/* What a compiler may call for copies and zeroing, on its own account. */
void *memcpy(void *restrict to, const void *restrict from, __SIZE_TYPE__ count);
void *memmove(void *to, const void *from, __SIZE_TYPE__ count);
void *memset(void *to, int value, __SIZE_TYPE__ count);

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, __SIZE_TYPE__ count) {
    uint8_t *destination = to;
    const uint8_t *source = from;
    if ((((uintptr_t)destination | (uintptr_t)source) & 3) == 0)
        for (; count >= 4; count -= 4, destination += 4, source += 4)
            *(uint32_t __attribute__((may_alias)) *)destination = *(const uint32_t __attribute__((may_alias)) *)source;
    while (count--)
        *destination++ = *source++;
    return to;
}

__attribute__((weak)) void *memmove(void *to, const void *from, __SIZE_TYPE__ count) {
    uint8_t *destination = to;
    const uint8_t *source = from;
    if (destination <= source)
        return memcpy(to, from, count);
    while (count--)
        destination[count] = source[count];
    return to;
}

__attribute__((weak)) void *memset(void *to, int value, __SIZE_TYPE__ count) {
    uint8_t *destination = to;
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; count && ((uintptr_t)destination & 3); count--)
        *destination++ = (uint8_t)value;
    for (; count >= 16; count -= 16, destination += 16) {
        uint32_t __attribute__((may_alias)) *words = (void *)destination;
        words[0] = words[1] = words[2] = words[3] = word;
    }
    while (count--)
        *destination++ = (uint8_t)value;
    return to;
}

#ifdef __arm__
/* The same under the names of Arm's run-time ABI, which clang calls. Its own versions go byte by byte. */
#define AEABI(suffix)                                                               \
    void __aeabi_memcpy##suffix(void *to, const void *from, __SIZE_TYPE__ count);   \
    void __aeabi_memcpy##suffix(void *to, const void *from, __SIZE_TYPE__ count) {  \
        memcpy(to, from, count);                                                    \
    }                                                                               \
    void __aeabi_memmove##suffix(void *to, const void *from, __SIZE_TYPE__ count);  \
    void __aeabi_memmove##suffix(void *to, const void *from, __SIZE_TYPE__ count) { \
        memmove(to, from, count);                                                   \
    }                                                                               \
    void __aeabi_memset##suffix(void *to, __SIZE_TYPE__ count, int value);          \
    void __aeabi_memset##suffix(void *to, __SIZE_TYPE__ count, int value) {         \
        memset(to, value, count);                                                   \
    }                                                                               \
    void __aeabi_memclr##suffix(void *to, __SIZE_TYPE__ count);                     \
    void __aeabi_memclr##suffix(void *to, __SIZE_TYPE__ count) {                    \
        memset(to, 0, count);                                                       \
    }
AEABI()
AEABI(4)
AEABI(8)
#endif

/* The emulator as a debugger: operation and argument as Arm's and RISC-V's semihosting define them. */
static void semihosting(uintptr_t operation, uintptr_t argument) {
#ifdef __arm__
    register uintptr_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
#else
    register uintptr_t a0 __asm__("a0") = operation;
    register uintptr_t a1 __asm__("a1") = argument;
    __asm__ volatile(".balign 16\n.option push\n.option norvc\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
#endif
}

static void print_result(uint32_t result) {
    static char text[] = "result 0x00000000\n";
    for (int digit = 0; digit < 8; digit++)
        text[16 - digit] = "0123456789abcdef"[result >> 4 * digit & 15];
    semihosting(0x04, (uintptr_t)text); /* SYS_WRITE0 */
}

int main(void) {
    wirq_bench_mark();
    wirq_bench_mark();
    wirq_bench_mark();
    int32_t first = run();
    wirq_bench_mark();
    wirq_bench_mark();
    int32_t second = run();
    wirq_bench_mark();
    print_result((uint32_t)first);
    print_result((uint32_t)second);
    semihosting(0x18, 0x20026); /* SYS_EXIT, application exit */
    for (;;) {
    }
}
