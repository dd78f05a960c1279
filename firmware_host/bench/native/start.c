/* start.c: the least that takes an Arm Cortex-M or RV32 core from reset to main(): stack, .data, .bss. */
#include <stdint.h>

extern uint32_t native_data_load[], native_data_start[], native_data_end[], native_bss_start[], native_bss_end[],
    native_stack_top[];
int main(void);
void native_start(void);

__attribute__((noreturn, used)) static void enter(void) {
#if defined __ARM_FP && __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= UINT32_C(0xF) << 20; /* CPACR: the floating-point unit */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    uint32_t *from = native_data_load;
    for (uint32_t *to = native_data_start; to < native_data_end;)
        *to++ = *from++;
    for (uint32_t *to = native_bss_start; to < native_bss_end;)
        *to++ = 0;
    main();
    for (;;) {
    }
}

#ifdef __arm__
__attribute__((noreturn, section(".start"))) void native_start(void) {
    enter();
}

/* Every fault ends here, where the emulator is then found by its time limit. */
static void fault(void) {
    for (;;) {
    }
}

typedef void vector(void);
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack_top;
    vector *entries[15];
} vectors = {native_stack_top, {native_start, fault, fault, fault, fault, fault}};
#else
__attribute__((naked, noreturn, section(".vectors"), used)) void native_start(void) {
    __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                     "la sp, native_stack_top\nj %0" ::"i"(enter));
}
#endif
