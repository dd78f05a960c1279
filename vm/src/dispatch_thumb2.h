/* dispatch_thumb2.h: dispatch on Armv7-M and Armv8-M Mainline, in two instructions; see dispatch.h. */
#ifndef WIRQ_DISPATCH_THUMB2_H
#define WIRQ_DISPATCH_THUMB2_H

/* Low registers for what short encodings profit from: ip, the accumulator and the memory base. */
#define STATE                                  \
    register const uint16_t *ip __asm__("r4"); \
    register uint32_t A __asm__("r5");         \
    register uint8_t *memory __asm__("r6");    \
    register uint32_t *fp __asm__("r8");       \
    register struct wirq_vm *vm __asm__("r9"); \
    register uint32_t limit __asm__("r10");    \
    register struct record *rs __asm__("r11")
#define STATE_IN "r"(ip), "r"(A), "r"(memory), "r"(fp), [vm] "r"(vm), "r"(limit), "r"(rs)
#define STATE_OUT "=r"(ip), "=r"(A), "=r"(memory), "=r"(fp), "=r"(vm), "=r"(limit), "=r"(rs)
#define STATE_OTHERS "r0", "r1", "r2", "r3", "r7", "r12", "lr"

#define OPERATION uint32_t
#define DISPATCH_REGISTER(operation) "r"(operation)
#define DISPATCH_ASM "ldr pc, [%[vm], %[operation], lsl #2]"
#define DISPATCH_COMMENT " @ "
#define JUMP_ASM "bx %[to]"
/* Loading it into the program counter needs the Thumb bit. */
#define TABLE_ENTRY(label) ((const void *)((uintptr_t)(label) | 1))
#define TABLE_ENTRY_BIT " + 1"

/* Every interrupt waits for these two. */
#define FILL_ENTRIES(to, label)                                                          \
    do {                                                                                 \
        const void *volatile *entry = (to);                                              \
        register const void *first __asm__("r1") = (label);                              \
        __asm__ volatile("mov r2, r1\n\tmov r3, r1\n\t"                                  \
                         ".rept %c[n] / 3\n\tstmia %[entry]!, {r1, r2, r3}\n\t.endr\n\t" \
                         ".rept %c[n] %% 3\n\tstr r1, [%[entry]], #4\n\t.endr"           \
                         : [entry] "+l"(entry)                                           \
                         : "r"(first), [n] "i"(WIRQ_CONTROL_OPERATIONS)                  \
                         : "r2", "r3", "memory");                                        \
    } while (0)
#define COPY_ENTRIES(to, from)                                                                                   \
    do {                                                                                                         \
        register const void *volatile *entry __asm__("r0") = (to);                                               \
        register const void *const *whole __asm__("r1") = (from);                                                \
        __asm__ volatile(".rept %c[n] / 12\n\tldmia r1!, {r2-r12, lr}\n\tstmia r0!, {r2-r12, lr}\n\t.endr"       \
                         : "+r"(entry), "+r"(whole)                                                              \
                         : [n] "i"(WIRQ_RESTORED_OPERATIONS)                                                     \
                         : "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "memory"); \
    } while (0)

/* Steps and loads in one instruction, which gcc does not find by itself. */
#define LOAD_NEXT(operation, n) __asm__("ldrh %0, [%1, #%c2]!" : "=r"(operation), "+r"(ip) : "i"((n) * 2))

/* A distance in units is added to ip. gcc would copy ip first, on both ways of the branch. */
#define STEP(distance)                                             \
    do {                                                           \
        int32_t units = (distance);                                \
        __asm__("add %0, %0, %1, lsl #1" : "+r"(ip) : "r"(units)); \
    } while (0)

/* A record goes with the frame from which a call is made, and comes back with it. */
#define PUSH_RECORD(return_ip)                                                         \
    do {                                                                               \
        const uint16_t *back = (return_ip);                                            \
        __asm__("strd %1, %2, [%0, #-8]!" : "+r"(rs) : "r"(back), "r"(fp) : "memory"); \
    } while (0)
#define POP_RECORD() __asm__("ldrd %0, %1, [%2], #8" : "=&r"(ip), "=&r"(fp), "+r"(rs) : : "memory")

#define MEMORY memory
#define LIMIT limit
#define RS rs

#endif
