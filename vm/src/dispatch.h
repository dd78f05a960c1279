/* dispatch.h: how the dispatch function keeps its registers and goes on to the next operation, per instruction set.
 *
 * The portable form is a computed goto. On Armv7-M compilers make four to six instructions of it (load the handler, set the Thumb
 * bit, branch, and copies of registers), where two do: a load of the unit and a load into the program counter. gcc can be brought
 * to that: the registers are pinned, the last instruction is an asm that takes all of them as inputs and is not come back from, and
 * the computed goto at the entry is where the compiler sees the handlers reached from. clang does not pin variables to registers;
 * it gets the portable form, and so does every other instruction set. The suites run in both forms.
 */
#ifndef WIRQ_DISPATCH_H
#define WIRQ_DISPATCH_H

#if defined(__thumb2__) && !defined(__clang__) && !defined(WIRQ_PORTABLE_DISPATCH)

/* Low registers for what short encodings profit from: ip, the accumulator and the memory base. */
#define STATE                                                                                                                \
    register const uint16_t *ip __asm__("r4");                                                                                \
    register uint32_t A __asm__("r5");                                                                                        \
    register uint8_t *memory __asm__("r6");                                                                                   \
    register uint32_t *fp __asm__("r8");                                                                                      \
    register struct wirq_vm *vm __asm__("r9") = vm_argument;                                                                  \
    register uint32_t limit __asm__("r10");                                                                                   \
    register struct record *rs __asm__("r11")

/* An address of a handler as the table holds it: loading it into the program counter needs the Thumb bit. */
#define TABLE_ENTRY(label) ((const void *)((uintptr_t)(label) | 1))

#define DISPATCH_TEXT(line) #line
/* The number in the comment makes every dispatch different: merging two of them would cost a branch. */
#define DISPATCH_NUMBERED(number)                                                                                            \
    do {                                                                                                                     \
        __asm__ volatile("ldr pc, [%0, %1, lsl #2] @ " DISPATCH_TEXT(number)                                                 \
                         :                                                                                                   \
                         : "r"(vm), "r"(operation), "r"(ip), "r"(fp), "r"(memory), "r"(limit), "r"(A), "r"(rs)               \
                         : "memory");                                                                                        \
        __builtin_unreachable();                                                                                             \
    } while (0)
#define DISPATCH_COUNTED(number) DISPATCH_NUMBERED(number)
#define DISPATCH()                                                                                                           \
    do {                                                                                                                     \
        uint32_t operation = *ip;                                                                                            \
        DISPATCH_COUNTED(__COUNTER__);                                                                                       \
    } while (0)
/* Steps and loads in one instruction, which gcc does not find by itself. */
#define NEXT(n)                                                                                                              \
    do {                                                                                                                     \
        uint32_t operation;                                                                                                  \
        __asm__("ldrh %0, [%1, #%c2]!" : "=r"(operation), "+r"(ip) : "i"((n) * 2));                                          \
        DISPATCH_COUNTED(__COUNTER__);                                                                                       \
    } while (0)

/* A distance in units is added to ip. gcc would copy ip first, on both ways of the branch. */
#define STEP(distance)                                                                                                       \
    do {                                                                                                                     \
        int32_t units = (distance);                                                                                          \
        __asm__("add %0, %0, %1, lsl #1" : "+r"(ip) : "r"(units));                                                           \
    } while (0)

/* Where the compiler sees the handlers reached from: with any state, in the registers above. */
#define ENTER()                                                                                                              \
    __asm__ volatile("" : "+r"(ip), "+r"(fp), "+r"(memory), "+r"(limit), "+r"(A), "+r"(rs), "+r"(vm));                       \
    goto *VM_HANDLERS(vm)[*ip]

#else

#define STATE                                                                                                                \
    const uint16_t *ip;                                                                                                      \
    uint32_t A;                                                                                                              \
    uint8_t *memory;                                                                                                         \
    uint32_t *fp;                                                                                                            \
    struct wirq_vm *vm = vm_argument;                                                                                        \
    uint32_t limit;                                                                                                          \
    struct record *rs
#define TABLE_ENTRY(label) (label)
#define DISPATCH() goto *VM_HANDLERS(vm)[*ip]
#define NEXT(n)                                                                                                              \
    do {                                                                                                                     \
        ip += (n);                                                                                                           \
        DISPATCH();                                                                                                          \
    } while (0)
/* The empty asm keeps the compiler from computing ip on both ways of a branch. */
#define STEP(distance)                                                                                                       \
    do {                                                                                                                     \
        ip += (distance);                                                                                                    \
        __asm__("" : "+r"(ip));                                                                                              \
    } while (0)
#define ENTER() DISPATCH()

#endif

#endif
