// Traps three calls deep, once in an inlined function, or in a handler that interrupts a loop.
#include "wirq_guest.h"

static inline int quotient(int a, int b) {
    return a / b; // the division
}

__attribute__((noinline)) static int sum_of_quotients(int first, int last) {
    int sum = 0;
    for (int i = first; i >= last; i--)
        sum += quotient(100, i); // calls quotient
    return sum;
}

__attribute__((noinline, export_name("middle"))) int middle(int last) {
    return sum_of_quotients(3, last) + 1; // calls sum_of_quotients
}

static volatile unsigned table[4];

WIRQ_HANDLER(button) {
    table[0]++;
    __builtin_trap(); // in the handler
}

WIRQ_EXPORT("spin") void spin(void) {
    for (unsigned i = 0; i < 100000000; i++) // the loop
        table[1] = i;
}

int main(void) {
    return middle(0); // calls middle
}
