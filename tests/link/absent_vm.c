/* absent_vm.c: what the receiver calls of the VM, in programs that have none. */
#include "wirq.h"

void wirq_yield_soon(struct wirq_vm *vm) {
    (void)vm;
}

void wirq_stop(struct wirq_vm *vm) {
    (void)vm;
}

void wirq_raise(struct wirq_vm *vm, uint32_t source, uint32_t argument) {
    (void)vm;
    (void)source;
    (void)argument;
}
