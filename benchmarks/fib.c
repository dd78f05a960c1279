/* fib: Fibonacci numbers by plain recursion. Nearly nothing but calls, returns and the stack check. */
#include "kernel.h"

KERNEL_CALL static uint32_t fib(uint32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

KERNEL_EXPORT int32_t run(void) {
    return (int32_t)fib(kernel_opaque(20));
}
