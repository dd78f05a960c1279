/* interpret_slow.c: what running code does rarely: calls out of the instance, bulk memory, traps, the handler table. */
#include "dispatch.h"
#include "interpret.h"
#include "operands.h"

#define NOINLINE __attribute__((noinline)) /* so that the usual way need not save registers for the others */

const uint16_t code_exit[] = {OPERATION_UNIT(OP_exit)};
const uint16_t code_irq_return[] = {OPERATION_UNIT(OP_irq_return)};
const uint16_t code_restore_instance[] = {OPERATION_UNIT(OP_restore_instance)};
const uint16_t code_idle[] = {OPERATION_UNIT(OP_idle)};

/* ---- the handler table ---- */

void interpreter_init(struct wirq_vm *vm) {
#ifdef HANDLER_LABELS_ASM
    vm->labels = &handler_labels;
#else
    vm->labels = NULL;
    (void)interpret(vm); /* only fills in labels */
#endif
    vm->poison_label = TABLE_ENTRY(handler_label(vm->labels, WIRQ_OPERATIONS));
    for (uint32_t i = 0; i < WIRQ_OPERATIONS; i++)
        vm->handlers[i] = TABLE_ENTRY(handler_label(vm->labels, i));
    vm->poisoned = false;
}

void interpreter_poison_control(struct wirq_vm *vm) {
    FILL_ENTRIES(vm->handlers, vm->poison_label);
}

void interpreter_poison_all(struct wirq_vm *vm) {
    const void *label = vm->poison_label;
    for (uint32_t i = 0; i < WIRQ_OPERATIONS; i++)
        vm->handlers[i] = label;
}

void interpreter_unpoison(struct wirq_vm *vm) {
    /* Cleared first: a poison that comes in between sets it again, and the worst is a safe point with nothing to do. */
    vm->poisoned = false;
    COPY_ENTRIES(vm->handlers, vm->labels->entries);
}

/* ---- calls ---- */

/* Is the handler that runs not to call this import: for the import's sake, or by its own module's wish (R46)? */
static NOINLINE bool is_forbidden(const struct wirq_vm *vm, const struct wirq_host_import *host) {
    const struct wirq_instance *instance = vm->registers.instance;
    uint32_t forbidden = vm->deliveries[vm->level].forbidden, i = 0;
    if (!host->handler_may_call)
        return true;
    if (forbidden == 0)
        return false;
    while (i < 31 && i < instance->module->imported_functions && instance->functions[i].host != host)
        i++;
    return (forbidden >> i & 1) != 0;
}

/* Enters a defined function of an instance: if it is another one, with two records, so that its return restores the calling one. */
static NOINLINE wirq_status call_instance(struct wirq_vm *vm, const struct function_import *target, uint32_t *frame) {
    struct wirq_instance *instance = target->instance;
    bool same = instance == vm->registers.instance;
    struct record *rs = vm->registers.rs - (same ? 1 : 2);
    if ((uintptr_t)(frame + WIRQ_STACK_SLACK) > (uintptr_t)rs)
        return WIRQ_TRAP_STACK_EXHAUSTED;
    rs[!same].ip = vm->registers.ip + (*vm->registers.ip == OPERATION_UNIT(OP_call_import) ? 3 : 5);
    rs[!same].fp = vm->registers.fp;
    if (!same) {
        rs[0].ip = code_restore_instance;
        rs[0].fp = (uint32_t *)(void *)vm->registers.instance;
    }
    vm->registers.ip = instance->module->code[target->function - instance->module->imported_functions];
    vm->registers.fp = frame;
    vm->registers.rs = rs;
    vm_enter_instance(vm, instance);
    TRACE_CALL(vm, vm->registers.ip, rs);
    return WIRQ_NEED_MORE;
}

wirq_status interpreter_call(struct wirq_vm *vm, const struct function_import *target, uint32_t *frame) {
    const struct wirq_host_import *host = target->host;
    if (host == NULL)
        return call_instance(vm, target, frame);
    if (vm_in_handler(vm) && is_forbidden(vm, host))
        return WIRQ_TRAP_FORBIDDEN_IN_HANDLER;
#if WIRQ_TRACE
    bool waited = vm->waiting;
    if (!waited)
        TRACE_HOST_CALL(vm, host);
#endif
    vm->waiting = false; /* a function that waited is called again: only its new answer counts */
    wirq_status status = host->function(vm, frame);
#if WIRQ_TRACE
    if ((status == WIRQ_WAIT) != waited)
        TRACE(waited ? WIRQ_TRACE_WOKE : WIRQ_TRACE_WAIT, 0);
    if (status != WIRQ_WAIT)
        TRACE_RETURN(vm, vm->registers.rs - 1);
#endif
    if (status != WIRQ_OK) {
        if (status != WIRQ_WAIT)
            vm->wait_begun = false;
        return status;
    }
    vm->wait_begun = false;
    if (vm->block.instance != NULL)
        interrupt_publish(vm);
    return WIRQ_OK;
}

/* What the operation at ip calls through a table or a reference: both are in the slot of unit 1, and unit 2 is the type. */
static wirq_status find_callee(const struct wirq_vm *vm, bool through_table, struct function_import *target) {
    const struct registers *r = &vm->registers;
    const uint16_t *ip = r->ip;
    const uint32_t *fp = r->fp;
    uint32_t reference = S32(1);
    if (through_table) {
        const struct wirq_table *table = r->instance->tables[ip[3]];
        if (reference >= table->size)
            return WIRQ_TRAP_UNDEFINED_ELEMENT;
        reference = table->elements[reference];
    }
    if (reference == WIRQ_NULL_REFERENCE)
        return through_table ? WIRQ_TRAP_UNINITIALIZED_ELEMENT : WIRQ_TRAP_NULL_REFERENCE;
    struct wirq_instance *instance = vm->instances[reference >> 16];
    uint32_t function = reference & 0xFFFF;
    if (!functypes_equal(instance->module, instance->module->function_types[function], r->instance->module, ip[2]))
        return WIRQ_TRAP_INDIRECT_CALL_TYPE;
    link_resolve(instance, function, target);
    return WIRQ_OK;
}

wirq_status interpreter_call_out(struct wirq_vm *vm) {
    const uint16_t *ip = vm->registers.ip;
    uint32_t *fp = vm->registers.fp, *frame = CELL(ip[4]);
    struct function_import target;
    wirq_status status = find_callee(vm, ip[0] == OPERATION_UNIT(OP_call_indirect), &target);
    if (status != WIRQ_OK)
        return status;
    return interpreter_call(vm, &target, frame);
}

wirq_status interpreter_return_call_out(struct wirq_vm *vm) {
    struct registers *r = &vm->registers;
    struct function_import target;
    bool is_import = r->ip[0] == OPERATION_UNIT(OP_return_call_import);
    wirq_status status = WIRQ_OK;
    if (is_import)
        target = r->instance->functions[r->ip[1]];
    else
        status = find_callee(vm, r->ip[0] == OPERATION_UNIT(OP_return_call_indirect), &target);
    if (status != WIRQ_OK)
        return status;
    if (target.host != NULL) {
        status = interpreter_call(vm, &target, r->fp);
        if (status == WIRQ_OK) {
            r->a = *r->fp;
            r->ip += is_import ? 2 : 4;
        }
        return status;
    }
    if (target.instance != r->instance && r->rs->ip != code_restore_instance) {
        struct record *rs = r->rs - 1;
        if ((uintptr_t)(r->fp + WIRQ_STACK_SLACK) > (uintptr_t)rs)
            return WIRQ_TRAP_STACK_EXHAUSTED;
        rs->ip = code_restore_instance;
        rs->fp = (uint32_t *)(void *)r->instance;
        r->rs = rs;
    }
    r->ip = target.instance->module->code[target.function - target.instance->module->imported_functions];
    vm_enter_instance(vm, target.instance);
    TRACE_CALL(vm, r->ip, r->rs);
    return WIRQ_OK;
}

/* ---- narrow accesses in the last bytes of memory ---- */

#include "wirq_narrow.inc"

wirq_status interpreter_narrow_access(struct wirq_vm *vm, uint32_t address, uint32_t *length) {
    enum { LOAD8_U, LOAD8_S, STORE8, LOAD16_U, LOAD16_S, STORE16 }; /* ORDER NARROW */
    struct registers *r = &vm->registers;
    uint32_t row = narrow_accesses[UNIT_OPERATION(r->ip[0]) - FIRST_NARROW];
    uint32_t access = row & 7, place = row >> 3 & 3, size = access >= LOAD16_U ? 2 : 1;
    if (vm->memory_size < size || address > vm->memory_size - size)
        return WIRQ_TRAP_MEMORY;
    *length = row >> 5;
    uint8_t *p = vm->memory_base + address;
    uint32_t *fp = r->fp;
    uint16_t last = r->ip[*length - 1];
    if (access == STORE8 || access == STORE16) {
        uint32_t value = place == 0 ? *CELL(last) : place == 1 ? r->a : last;
        p[0] = (uint8_t)value;
        if (size == 2)
            p[1] = (uint8_t)(value >> 8);
        return WIRQ_OK;
    }
    uint32_t value = size == 2 ? (uint32_t)p[0] | (uint32_t)p[1] << 8 : p[0];
    if (access == LOAD8_S)
        value = (uint32_t)(int32_t)(int8_t)value;
    else if (access == LOAD16_S)
        value = (uint32_t)(int32_t)(int16_t)value;
    r->a = value;
    if (place == 0)
        *CELL(last) = value;
    return WIRQ_OK;
}

/* ---- traps ---- */

bool interpreter_record_trap(struct wirq_vm *vm, wirq_status status) {
    const struct registers *r = &vm->registers;
    struct wirq_trap *trap = &vm->trap;
    trap->status = status;
    trap->instance = r->instance;
    trap->function = module_function_at(r->instance->module, r->ip, &trap->code_offset);
    trap->depth = (uint32_t)(vm->stacks[vm->level].top - r->rs);
    vm->trap_records = r->rs;
    vm->trap_level = vm->level;
    vm->trap_frame = r->fp;
    vm->trap_accumulator = r->a;
    trap->source = UINT32_MAX;
    return vm_in_handler(vm) && interrupt_handler_faulted(vm);
}
