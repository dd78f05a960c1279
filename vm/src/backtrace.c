/* backtrace.c: who called what trapped. A trap leaves the return records where they are; nothing is kept for this while code runs. */
#include "vm.h"

static uint32_t function_at(const struct wirq_instance *instance, const uint16_t *ip, uint32_t *offset) {
    const struct wirq_module *module = instance->module;
    uint32_t function = module_function_at(module, ip);
    *offset = function == UINT32_MAX
                  ? 0
                  : (uint32_t)(ip - module->code[function - module->imported_functions]) * sizeof *ip;
    return function;
}

bool wirq_caller(const struct wirq_vm *vm, uint32_t n, struct wirq_caller *caller) {
    const struct record *rs = vm->trap_records;
    struct wirq_instance *instance = vm->trap.instance;
    if (vm->mode != VM_IDLE)
        return false; /* what runs now has overwritten them */
    caller->interrupted = false;
    while (rs != NULL && rs != vm->main_stack.top) {
        const uint16_t *ip = rs->ip;
        if (ip == code_restore_instance) {
            instance = (struct wirq_instance *)(void *)rs->fp;
            rs++;
            continue;
        }
        if (ip == code_exit)
            return false;
        if (ip == code_irq_return) { /* the handler's stack ends here; what it interrupted goes on on the main one */
            ip = vm->delivery.interrupted.ip;
            rs = vm->delivery.interrupted.rs;
            instance = vm->delivery.interrupted.instance;
            caller->interrupted = true;
            if (ip == code_idle)
                return false;
        } else {
            ip--; /* the last unit of the call */
            rs++;
        }
        if (n-- == 0) {
            caller->instance = instance;
            caller->function = function_at(instance, ip, &caller->code_offset);
            return true;
        }
        caller->interrupted = false;
    }
    return false;
}
