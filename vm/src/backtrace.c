/* backtrace.c: who called what trapped, and with what. A trap leaves frames and return records where they are; nothing is kept for this while code runs. */
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
        if (*ip ==
            OPERATION_UNIT(OP_irq_return)) { /* the handler's stack ends here; what it interrupted goes on on that of its level */
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
        if (caller->function ==
            UINT32_MAX) /* nothing of it is left to name; if an exception was leaving it, its caller stands for it */
            continue;
        if (n-- == 0) {
            caller->instance = instance;
            return true;
        }
        caller->interrupted = false;
    }
    return false;
}

bool wirq_trap_operands(const struct wirq_vm *vm, struct wirq_trap_operands *operands) {
    const struct wirq_instance *instance = vm->trap.instance;
    const uint32_t *end = (const uint32_t *)(const void *)vm->trap_records;
    if (vm->mode != VM_IDLE || end == NULL)
        return false;
    operands->cells = vm->trap_frame;
    operands->cell_count = end > vm->trap_frame ? (uint32_t)(end - vm->trap_frame) : 0;
    operands->accumulator = vm->trap_accumulator;
    operands->memory_size = instance->module->memory_count != 0 ? instance->memories[0]->size : 0;
    return true;
}
