/* dispatch_x86_64.h: dispatch on x86-64 under the System V calling convention, in three instructions; see dispatch.h. */
#ifndef WIRQ_DISPATCH_X86_64_H
#define WIRQ_DISPATCH_X86_64_H

/* Registers that survive calls; there are no more of them, and an operand in memory costs no instruction here. */
#define STATE                                   \
    register const uint16_t *ip __asm__("rbx"); \
    register uint32_t A __asm__("r12");         \
    register uint8_t *memory __asm__("r13");    \
    register uint32_t *fp __asm__("r14");       \
    register struct wirq_vm *vm __asm__("r15")
#define STATE_IN "r"(ip), "r"(A), "r"(memory), "r"(fp), [vm] "r"(vm)
#define STATE_OUT "=r"(ip), "=r"(A), "=r"(memory), "=r"(fp), "=r"(vm)
#define STATE_OTHERS "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"

#define OPERATION uint64_t
#define DISPATCH_REGISTER(operation) "r"(operation)
#define DISPATCH_ASM "jmp *(%[vm], %[operation], 8)"
#define DISPATCH_COMMENT " # "
#define JUMP_ASM "jmp *%[to]"
#define TABLE_ENTRY(label) (label)
#define TABLE_ENTRY_BIT ""

#define LOAD_NEXT(operation, n) (operation = ip[n], ip += (n))
#define STEP(distance)          \
    do {                        \
        ip += (distance);       \
        __asm__("" : "+r"(ip)); \
    } while (0)
#define PUSH_RECORD(return_ip) (RS--, RS->ip = (return_ip), RS->fp = fp)
#define POP_RECORD() (ip = RS->ip, fp = RS->fp, RS++)

#define MEMORY memory
#define LIMIT (vm->memory_limit)
#define RS (vm->registers.rs)

#endif
