/* backtrace.c: who called what trapped. A trap leaves the return records where they are; nothing is kept for this while code runs. */
#include "code.h"
#include "vm.h"

bool wirq_caller(const struct wirq_vm *vm, uint32_t n, struct wirq_caller *caller) {
    const struct record *rs = vm->trap_records;
    struct wirq_instance *instance = vm->trap.instance;
    uint32_t level = vm->trap_level;
    if (vm->mode != VM_IDLE)
        return false; /* what runs now has overwritten them */
    caller->interrupted = false;
    while (rs != NULL && rs != vm->stacks[level].top) {
        const uint16_t *ip = rs->ip;
        if (*ip == OPERATION_UNIT(OP_restore_instance)) {
            instance = (struct wirq_instance *)(void *)rs->fp;
            rs++;
            continue;
        }
        if (*ip == OPERATION_UNIT(OP_exit))
            return false;
        if (*ip == OPERATION_UNIT(OP_irq_return)) { /* the handler's stack ends here; what it interrupted goes on on that of its level */
            const struct delivery *d = &vm->deliveries[level];
            ip = d->interrupted.ip;
            rs = d->interrupted.rs;
            instance = d->interrupted.instance;
            level = d->outer;
            caller->interrupted = true;
        } else {
            ip--; /* the last unit of the call */
            rs++;
        }
        caller->function = module_function_at(instance->module, ip, &caller->code_offset);
        if (caller->function == UINT32_MAX) /* nothing of it is left to name; if an exception was leaving it, its caller stands for it */
            continue;
        if (n-- == 0) {
            caller->instance = instance;
            return true;
        }
        caller->interrupted = false;
    }
    return false;
}
