/* dispatch.h: how the dispatch function keeps its registers and goes on to the next operation.
 *
 * The portable form is a computed goto. Compilers make four to seven instructions of it, copies of registers among them, and some
 * send all handlers through one jump; where a file dispatch_….h knows the instruction set, two to four do. There every handler is
 * an island. HANDLER begins it with an asm that says: the state is in these registers, and nothing else is in any other. DISPATCH
 * ends it with an asm that takes the state in the same registers and is not come back from. Between the two the compiler does as
 * it likes; it sees no way from one handler to the next, so it can carry nothing over, in registers or on the stack. gcc and clang
 * both keep to the registers at asm operands, which is all that is asked. tests/vm/test_dispatch_code.py reads what they made of
 * it; the suites run in both forms.
 *
 * An instruction set's file has
 *   STATE, STATE_IN, STATE_OUT   the registers: as declarations, as inputs and as outputs of an asm
 *   STATE_OTHERS                 all other registers that a compiler may use
 *   DISPATCH_ASM, OPERATION      the jump through the table, and the type of the unit it takes in [operation]
 *   STEP, PUSH_RECORD, POP_RECORD, LOAD_NEXT   what the compiler does not find the best code for by itself
 *   MEMORY, LIMIT, RS            base and limit of linear memory and the newest record, where they are
 *   TABLE_ENTRY, TABLE_ENTRY_BIT an address of a handler as the table holds it, and what that adds to a label in assembly
 * and may have
 *   FILL_ENTRIES, COPY_ENTRIES   poisoning the entries of the control operations, and restoring WIRQ_RESTORED_OPERATIONS (R61a)
 */
#ifndef WIRQ_DISPATCH_H
#define WIRQ_DISPATCH_H

#include "config.h"

/* Under sanitizers and coverage the compiler adds code of its own to every handler, which wants to see where control goes. */
#if defined(__SANITIZE_ADDRESS__) && !defined(WIRQ_PORTABLE_DISPATCH)
#define WIRQ_PORTABLE_DISPATCH 1
#elif defined(__has_feature) && !defined(WIRQ_PORTABLE_DISPATCH)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer) || __has_feature(coverage_sanitizer)
#define WIRQ_PORTABLE_DISPATCH 1
#endif
#endif

#if defined(WIRQ_PORTABLE_DISPATCH)
#include "dispatch_portable.h"
#elif defined(__thumb2__)
#include "dispatch_thumb2.h"
#elif defined(__thumb__)
#include "dispatch_thumb1.h"
#elif defined(__riscv) && __riscv_xlen == 32
#include "dispatch_riscv32.h"
#elif defined(__x86_64__) && !defined(_WIN32)
#include "dispatch_x86_64.h"
#else
#include "dispatch_portable.h"
#endif

#ifndef FILL_ENTRIES
#define FILL_ENTRIES(to, label)                                                          \
    do {                                                                                 \
        const void *volatile *entry = (to);                                              \
        for (uint32_t left = WIRQ_CONTROL_OPERATIONS / 2; left != 0; left--, entry += 2) \
            entry[0] = entry[1] = (label);                                               \
        if (WIRQ_CONTROL_OPERATIONS % 2 != 0)                                            \
            entry[0] = (label);                                                          \
    } while (0)
#define COPY_ENTRIES(to, from)                                                                        \
    do {                                                                                              \
        const void *volatile *entry = (to);                                                           \
        const void *const *whole = (from);                                                            \
        for (uint32_t left = WIRQ_RESTORED_OPERATIONS / 4; left != 0; left--, entry += 4, whole += 4) \
            entry[0] = whole[0], entry[1] = whole[1], entry[2] = whole[2], entry[3] = whole[3];       \
    } while (0)
#endif

#ifdef DISPATCH_ASM /* islands */

#define HANDLER() __asm__ volatile("" : STATE_OUT : : STATE_OTHERS, "cc", "memory")

#define DISPATCH_TEXT(number) #number
/* The number in the comment makes every dispatch different: merging two of them would cost a branch. */
#define DISPATCH_NUMBERED(number)                                            \
    do {                                                                     \
        __asm__ volatile(DISPATCH_ASM DISPATCH_COMMENT DISPATCH_TEXT(number) \
                         : [operation] "+" DISPATCH_REGISTER(operation)      \
                         : STATE_IN                                          \
                         : "memory");                                        \
        __builtin_unreachable();                                             \
    } while (0)
#define DISPATCH_COUNTED(number) DISPATCH_NUMBERED(number)
#define DISPATCH()                     \
    do {                               \
        OPERATION operation = *ip;     \
        DISPATCH_COUNTED(__COUNTER__); \
    } while (0)
#define NEXT(n)                        \
    do {                               \
        OPERATION operation;           \
        LOAD_NEXT(operation, n);       \
        DISPATCH_COUNTED(__COUNTER__); \
    } while (0)
/* Goes to the handler at a label's address, whatever the table says. */
#define DISPATCH_TO(label)                                                \
    do {                                                                  \
        const void *to = TABLE_ENTRY(label);                              \
        __asm__ volatile(JUMP_ASM : : [to] "r"(to), STATE_IN : "memory"); \
        __builtin_unreachable();                                          \
    } while (0)
/* Goes to a label that begins with HANDLER: what is there costs the way past it nothing. */
#define LEAVE(label) DISPATCH_TO(&&label)
/* Goes to the first handler. The computed goto is never executed: it tells the compiler that the handlers are reached. */
#define ENTER()                                                                  \
    do {                                                                         \
        const void *to = HANDLER_AT(*ip);                                        \
        __asm__ goto(JUMP_ASM : : [to] "r"(to), STATE_IN : "memory" : handlers); \
        __builtin_unreachable();                                                 \
    handlers:                                                                    \
        goto *HANDLER_AT(*ip);                                                   \
    } while (0)

#endif

#endif
