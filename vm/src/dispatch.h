/* dispatch.h: how the dispatch function keeps its registers and goes on to the next operation, per instruction set.
 *
 * The portable form is a computed goto. On Armv7-M compilers make four to six instructions of it (load the handler, set the Thumb
 * bit, branch, and copies of registers), where two do: a load of the unit and a load into the program counter. So there every
 * handler is an island. HANDLER begins it with an asm that says: the state is in these registers, and nothing else is in any
 * other. DISPATCH ends it with an asm that takes the state in the same registers and is not come back from. Between the two the
 * compiler does as it likes; it sees no way from one handler to the next, so it can carry nothing over, in registers or on the
 * stack. gcc and clang both keep to the registers at asm operands, which is all that is asked. tests/vm/test_dispatch_code.py reads
 * what they made of it; the suites run in both forms.
 */
#ifndef WIRQ_DISPATCH_H
#define WIRQ_DISPATCH_H

#if defined(__thumb2__) && !defined(WIRQ_PORTABLE_DISPATCH)

/* Low registers for what short encodings profit from: ip, the accumulator and the memory base. */
#define STATE                                                                                                                \
    register const uint16_t *ip __asm__("r4");                                                                                \
    register uint32_t A __asm__("r5");                                                                                        \
    register uint8_t *memory __asm__("r6");                                                                                   \
    register uint32_t *fp __asm__("r8");                                                                                      \
    register struct wirq_vm *vm __asm__("r9");                                                                                \
    register uint32_t limit __asm__("r10");                                                                                   \
    register struct record *rs __asm__("r11")
#define STATE_IN "r"(ip), "r"(A), "r"(memory), "r"(fp), "r"(vm), "r"(limit), "r"(rs)
#define STATE_OUT "=r"(ip), "=r"(A), "=r"(memory), "=r"(fp), "=r"(vm), "=r"(limit), "=r"(rs)

#define HANDLER() __asm__ volatile("" : STATE_OUT : : "r0", "r1", "r2", "r3", "r7", "r12", "lr", "cc", "memory")

/* An address of a handler as the table holds it: loading it into the program counter needs the Thumb bit. */
#define TABLE_ENTRY(label) ((const void *)((uintptr_t)(label) | 1))

#define DISPATCH_TEXT(line) #line
/* The number in the comment makes every dispatch different: merging two of them would cost a branch. */
#define DISPATCH_NUMBERED(number)                                                                                            \
    do {                                                                                                                     \
        __asm__ volatile("ldr pc, [%[vm], %[operation], lsl #2] @ " DISPATCH_TEXT(number)                                    \
                         :                                                                                                   \
                         : [vm] "r"(vm), [operation] "r"(operation), STATE_IN                                                \
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
/* Goes to the handler at a label's address, whatever the table says. */
#define DISPATCH_TO(label)                                                                                                   \
    do {                                                                                                                     \
        const void *to = TABLE_ENTRY(label);                                                                                 \
        __asm__ volatile("bx %[to]" : : [to] "r"(to), STATE_IN : "memory");                                                  \
        __builtin_unreachable();                                                                                             \
    } while (0)

/* A distance in units is added to ip. gcc would copy ip first, on both ways of the branch. */
#define STEP(distance)                                                                                                       \
    do {                                                                                                                     \
        int32_t units = (distance);                                                                                          \
        __asm__("add %0, %0, %1, lsl #1" : "+r"(ip) : "r"(units));                                                           \
    } while (0)

/* A record goes with the frame from which a call is made, and comes back with it. */
#define PUSH_RECORD(return_ip)                                                                                               \
    do {                                                                                                                     \
        const uint16_t *back = (return_ip);                                                                                  \
        __asm__("strd %1, %2, [%0, #-8]!" : "+r"(rs) : "r"(back), "r"(fp) : "memory");                                       \
    } while (0)
#define POP_RECORD() __asm__("ldrd %0, %1, [%2], #8" : "=&r"(ip), "=&r"(fp), "+r"(rs) : : "memory")

/* Goes to the first handler. The computed goto is never executed: it tells the compiler that the handlers are reached. */
#define ENTER()                                                                                                              \
    do {                                                                                                                     \
        uint32_t operation = *ip;                                                                                            \
        __asm__ goto("ldr pc, [%[vm], %[operation], lsl #2]"                                                                 \
                     :                                                                                                       \
                     : [vm] "r"(vm), [operation] "r"(operation), STATE_IN                                                    \
                     : "memory"                                                                                              \
                     : handlers);                                                                                            \
        __builtin_unreachable();                                                                                             \
    handlers:                                                                                                                \
        goto *VM_HANDLERS(vm)[operation];                                                                                    \
    } while (0)

#else

#define STATE                                                                                                                \
    const uint16_t *ip;                                                                                                      \
    uint32_t A;                                                                                                              \
    uint8_t *memory;                                                                                                         \
    uint32_t *fp;                                                                                                            \
    struct wirq_vm *vm;                                                                                                      \
    uint32_t limit;                                                                                                          \
    struct record *rs
#define HANDLER()
#define TABLE_ENTRY(label) (label)
#define DISPATCH() goto *VM_HANDLERS(vm)[*ip]
#define NEXT(n)                                                                                                              \
    do {                                                                                                                     \
        ip += (n);                                                                                                           \
        DISPATCH();                                                                                                          \
    } while (0)
#define DISPATCH_TO(label) goto *(label)
/* The empty asm keeps the compiler from computing ip on both ways of a branch. */
#define STEP(distance)                                                                                                       \
    do {                                                                                                                     \
        ip += (distance);                                                                                                    \
        __asm__("" : "+r"(ip));                                                                                              \
    } while (0)
#define PUSH_RECORD(return_ip) (rs--, rs->ip = (return_ip), rs->fp = fp)
#define POP_RECORD() (ip = rs->ip, fp = rs->fp, rs++)
#define ENTER() DISPATCH()

#endif

#endif
