/* dispatch_thumb1.h: dispatch on Armv6-M and Armv8-M Baseline, in four instructions; see dispatch.h.
 *
 * Loads and stores reach low registers only, so those hold what nearly every operation uses. For the rest gcc takes high registers;
 * clang would copy them to the stack and back in every handler, so there they are fields of the VM. */
#ifndef WIRQ_DISPATCH_THUMB1_H
#define WIRQ_DISPATCH_THUMB1_H

#define LOW_STATE                              \
    register const uint16_t *ip __asm__("r4"); \
    register uint32_t A __asm__("r5");         \
    register uint32_t *fp __asm__("r6");       \
    register struct wirq_vm *vm __asm__("r7")
#ifdef __clang__
#define STATE LOW_STATE
#define MEMORY (vm->memory_base)
#define LIMIT (vm->memory_limit)
#define RS (vm->registers.rs)
#define STATE_IN "l"(ip), "l"(A), "l"(fp), [vm] "l"(vm)
#define STATE_OUT "=l"(ip), "=l"(A), "=l"(fp), "=l"(vm)
#define STATE_OTHERS "r0", "r1", "r2", "r3", "r8", "r9", "r10", "r11", "r12", "lr"
#else
#define STATE                               \
    LOW_STATE;                              \
    register uint8_t *memory __asm__("r8"); \
    register uint32_t limit __asm__("r9");  \
    register struct record *rs __asm__("r10")
#define STATE_IN "l"(ip), "l"(A), "l"(fp), [vm] "l"(vm), "h"(memory), "h"(limit), "h"(rs)
#define STATE_OUT "=l"(ip), "=l"(A), "=l"(fp), "=l"(vm), "=h"(memory), "=h"(limit), "=h"(rs)
#define STATE_OTHERS "r0", "r1", "r2", "r3", "r11", "r12", "lr"
#define MEMORY memory
#define LIMIT limit
#define RS rs
#endif

#define OPERATION uint32_t
#define DISPATCH_REGISTER(operation) "l"(operation)
#define DISPATCH_ASM "ldr %[operation], [%[vm], %[operation]]\n\tmov pc, %[operation]" /* units are scaled: operands.h */
#define DISPATCH_COMMENT " @ "
#define JUMP_ASM "mov pc, %[to]"
#define TABLE_ENTRY(label) (label)
#define TABLE_ENTRY_BIT ""

#define LOAD_NEXT(operation, n) (operation = ip[n], ip += (n))
#define STEP(distance)          \
    do {                        \
        ip += (distance);       \
        __asm__("" : "+l"(ip)); \
    } while (0)
#define PUSH_RECORD(return_ip) (RS--, RS->ip = (return_ip), RS->fp = fp)
#define POP_RECORD() (ip = RS->ip, fp = RS->fp, RS++)

#endif
