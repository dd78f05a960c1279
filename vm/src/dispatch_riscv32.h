/* dispatch_riscv32.h: dispatch on RV32, in five instructions; see dispatch.h. */
#ifndef WIRQ_DISPATCH_RISCV32_H
#define WIRQ_DISPATCH_RISCV32_H

#define STATE                                  \
    register const uint16_t *ip __asm__("s7"); \
    register uint32_t *fp __asm__("s1");       \
    register uint32_t A __asm__("s2");         \
    register uint8_t *memory __asm__("s3");    \
    register struct wirq_vm *vm __asm__("s4"); \
    register uint32_t limit __asm__("s5");     \
    register struct record *rs __asm__("s6")
#define STATE_IN "r"(ip), "r"(A), "r"(memory), "r"(fp), [vm] "r"(vm), "r"(limit), "r"(rs)
#define STATE_OUT "=r"(ip), "=r"(A), "=r"(memory), "=r"(fp), "=r"(vm), "=r"(limit), "=r"(rs)
#define STATE_OTHERS \
    "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s8", "s9", "s10", "s11"

#define OPERATION uint32_t
#define DISPATCH_REGISTER(operation) "r"(operation)
#define DISPATCH_ASM \
    "add %[operation], %[operation], %[vm]\n\tlw %[operation], 0(%[operation])\n\tjr %[operation]" /* units are scaled */
#define DISPATCH_COMMENT " # "
#define JUMP_ASM "jr %[to]"
#define TABLE_ENTRY(label) (label)
#define TABLE_ENTRY_BIT ""

#define LOAD_NEXT(operation, n) (operation = ip[n], ip += (n))
#define STEP(distance)          \
    do {                        \
        ip += (distance);       \
        __asm__("" : "+r"(ip)); \
    } while (0)
#define PUSH_RECORD(return_ip) (rs--, rs->ip = (return_ip), rs->fp = fp)
#define POP_RECORD() (ip = rs->ip, fp = rs->fp, rs++)

#define MEMORY memory
#define LIMIT limit
#define RS rs

#endif
