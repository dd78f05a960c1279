/* interpret.c: the dispatch function: runs internal code.
 *
 * One function with computed goto through the VM's handler table in RAM. The handlers are generated from vm/ops; what is written
 * here by hand is what they jump to: calls that leave the instance, traps, safe points. All state of a computation lies in VM
 * stacks and in the registers below, which are written back before anything else runs.
 */

/* Labels as values are a GNU extension that gcc and clang share; it is what this file is about. No other file needs it. */
#pragma GCC diagnostic ignored "-Wpedantic"
/* A build without a feature has no handler that goes to the labels of that feature. */
#pragma GCC diagnostic ignored "-Wunused-label"

#include "dispatch.h"
#include "interpret.h"
#include "numeric.h"
#include "operands.h"
#include "vm.h"

#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define IMPORTED_GLOBAL(n) (vm->registers.instance->imported_globals[ip[n]])

/* A constant of which lowering says that it is below 32, so that no instruction need make it so. */
INLINE uint32_t count(uint32_t unit) {
    if (unit > 31)
        __builtin_unreachable();
    return unit;
}
#define COUNT(n) count(U16(n))

/* ---- control ---- */
#define JUMP(n)               \
    do {                      \
        STEP((int16_t)ip[n]); \
        NEXT(n);              \
    } while (0)
#define JUMP_LONG(n)           \
    do {                       \
        ip += (int32_t)K32(n); \
        NEXT(n);               \
    } while (0)
#define TRAP(code)       \
    do {                 \
        status = (code); \
        goto trap;       \
    } while (0)
#define CALL(return_ip, function, frame)                                                           \
    do {                                                                                           \
        PUSH_RECORD(return_ip);                                                                    \
        fp = (frame);                                                                              \
        if (UNLIKELY((uintptr_t)(fp + WIRQ_STACK_SLACK) > (uintptr_t)RS))                          \
            goto no_room_to_call; /* the record lies where the caller's frame had room to spare */ \
        ip = vm->code[function];                                                                   \
        TRACE_CALL(vm, ip, RS);                                                                    \
        DISPATCH();                                                                                \
    } while (0)
#define TAIL_CALL(function)      \
    do {                         \
        ip = vm->code[function]; \
        TRACE_CALL(vm, ip, RS);  \
        DISPATCH();              \
    } while (0)
/* Of a function of this instance; all else is seen to apart. */
#define CALL_INDIRECT()                                                                                                \
    do {                                                                                                               \
        const struct wirq_instance *instance = vm->registers.instance;                                                 \
        const struct wirq_table *table = instance->tables[U16(3)];                                                     \
        uint32_t element = S32(1);                                                                                     \
        if (UNLIKELY(element >= table->size))                                                                          \
            goto call_indirect_out;                                                                                    \
        uint32_t reference = table->elements[element], function = reference & 0xFFFF;                                  \
        if (UNLIKELY(reference >> 16 != instance->id))                                                                 \
            goto call_indirect_out;                                                                                    \
        const struct wirq_module *module = instance->module;                                                           \
        if (UNLIKELY(module->function_types[function] != U16(2)))                                                      \
            goto call_indirect_out;                                                                                    \
        if (UNLIKELY(__builtin_sub_overflow(function, module->imported_functions, &function)))                         \
            goto call_indirect_out;                                                                                    \
        APART(function); /* else gcc loads and subtracts again, and keeps copies of these two from the beginning on */ \
        APART(ip);                                                                                                     \
        APART(vm);                                                                                                     \
        CALL(ip + 5, function, CELL(U16(4)));                                                                          \
    } while (0)
#define RETURN()              \
    do {                      \
        TRACE_RETURN(vm, RS); \
        POP_RECORD();         \
        DISPATCH();           \
    } while (0)

/* ---- linear memory ----
 * limit is size - 3: for 4-byte accesses the comparison is exact; narrower ones leave the last 3 bytes to a slow path. */
#define WITH_OFFSET(ea, address, offset)                          \
    if (UNLIKELY(__builtin_add_overflow(address, offset, &(ea)))) \
    goto trap_memory
#define BOUNDS(ea, n) BOUNDS_##n(ea)
#define BOUNDS_4(ea)             \
    if (UNLIKELY((ea) >= LIMIT)) \
    goto trap_memory
#define BOUNDS_1(ea)               \
    if (UNLIKELY((ea) >= LIMIT)) { \
        narrow_address = (ea);     \
        goto narrow_access;        \
    }
#define BOUNDS_2(ea) BOUNDS_1(ea)
/* Of the accumulator: no copy of it is made before the comparison has failed. */
#define BOUNDS_A(n) BOUNDS_A_##n
#define BOUNDS_A_4 BOUNDS_4(A)
#define BOUNDS_A_1            \
    if (UNLIKELY(A >= LIMIT)) \
    goto narrow_access_of_accumulator
#define BOUNDS_A_2 BOUNDS_A_1

/* The machine is little-endian like linear memory; addresses are of any alignment. */
struct unaligned16 {
    uint16_t value;
} __attribute__((packed, may_alias));
struct unaligned32 {
    uint32_t value;
} __attribute__((packed, may_alias));

/* Where unaligned words fault (Cortex-M0) or may trap into slow emulation (RISC-V), compilers expand packed ones into bytes. Guests
 * nearly always align: test, and take the word. Linear memory starts on an 8-byte boundary. APART before and after the access
 * keeps compilers from making one of both: gcc hoists, clang sinks. */
#define APART(value) __asm__ volatile("" : "+r"(value))
#if defined(__ARM_ARCH_6M__) || defined(__riscv)
#define IS_ALIGNED(p, size) LIKELY(((uintptr_t)(p) & ((size) - 1)) == 0)
#else
#define IS_ALIGNED(p, size) false
#endif
INLINE uint32_t load32(const uint8_t *p) {
    if (!IS_ALIGNED(p, 4))
        return ((const struct unaligned32 *)(const void *)p)->value;
    APART(p);
    uint32_t v = *(const uint32_t *)(const void *)p;
    APART(v);
    return v;
}
INLINE uint32_t load16(const uint8_t *p) {
    if (!IS_ALIGNED(p, 2))
        return ((const struct unaligned16 *)(const void *)p)->value;
    APART(p);
    uint32_t v = *(const uint16_t *)(const void *)p;
    APART(v);
    return v;
}
INLINE void store32(uint8_t *p, uint32_t v) {
    if (IS_ALIGNED(p, 4)) {
        APART(p);
        *(uint32_t *)(void *)p = v;
        APART(p);
    } else {
        ((struct unaligned32 *)(void *)p)->value = v;
    }
}
INLINE void store16(uint8_t *p, uint32_t v) {
    if (IS_ALIGNED(p, 2)) {
        APART(p);
        *(uint16_t *)(void *)p = (uint16_t)v;
        APART(p);
    } else {
        ((struct unaligned16 *)(void *)p)->value = (uint16_t)v;
    }
}
#define LOAD8(ea) ((uint32_t)MEMORY[ea])
#define LOAD16(ea) load16(MEMORY + (ea))
#define LOAD32(ea) load32(MEMORY + (ea))
#define STORE8(ea, v) (MEMORY[ea] = (uint8_t)(v))
#define STORE16(ea, v) store16(MEMORY + (ea), v)
#define STORE32(ea, v) store32(MEMORY + (ea), v)
#if UINTPTR_MAX > UINT32_MAX /* whole, as cells are: two halves just stored would hold up the load of the whole */
struct unaligned64 {
    uint64_t value;
} __attribute__((packed, may_alias));
#define LOAD64(ea) (((const struct unaligned64 *)(const void *)(MEMORY + (ea)))->value)
#define STORE64(ea, v) (((struct unaligned64 *)(void *)(MEMORY + (ea)))->value = (v))
#else /* by words: LDRD faults on addresses that are not a multiple of 4 */
#define LOAD64(ea) ((uint64_t)load32(MEMORY + (ea)) | (uint64_t)load32(MEMORY + (ea) + 4) << 32)
#define STORE64(ea, v)                                       \
    do {                                                     \
        uint64_t whole = (v);                                \
        store32(MEMORY + (ea), (uint32_t)whole);             \
        store32(MEMORY + (ea) + 4, (uint32_t)(whole >> 32)); \
    } while (0)
#endif

/* ---- registers in and out of the VM ---- */
#define WRITE_BACK() (vm->registers.ip = ip, vm->registers.fp = fp, (void)(vm->registers.rs = RS), vm->registers.a = A)
#define RELOAD_MEMORY() ((void)(MEMORY = vm->memory_base), (void)(LIMIT = vm->memory_limit))
#define RELOAD() (ip = vm->registers.ip, fp = vm->registers.fp, (void)(RS = vm->registers.rs), A = vm->registers.a, RELOAD_MEMORY())

/* ---- where the handlers are ---- */
#ifdef HANDLER_LABELS_ASM
/* C has no constants that are distances of less than a word; the assembler has. Every line goes to the end of the table. */
#define IN_HANDLER_LABELS(line) ".pushsection .rodata.handler_labels, \"a\"\n" line "\n.popsection"
#define HANDLER_LABELS()                                                                            \
    __asm__ volatile(IN_HANDLER_LABELS(".balign 4\n.globl handler_labels\n.hidden handler_labels\n" \
                                       ".type handler_labels, %object\nhandler_labels:"));
#define ENTRY_OF(label) __asm__ volatile(IN_HANDLER_LABELS(".4byte %l0" TABLE_ENTRY_BIT) : : "i"(&&label));
#define HANDLER_DISTANCES
#define DISTANCE_OF(label) __asm__ volatile(IN_HANDLER_LABELS(".2byte %l0 - %l1") : : "i"(&&label), "i"(&&op_unreachable));
#define HANDLER_LABELS_END() __asm__ volatile(IN_HANDLER_LABELS(".size handler_labels, . - handler_labels"))
#define LABELS_ARE_WANTED(vm) true /* which takes no instruction */
#define LABELS_ARE_GIVEN(vm) ((void)0)
#else
#define HANDLER_LABELS() static const struct handler_labels handler_labels = {.entries = {
#define ENTRY_OF(label) &&label,
#define HANDLER_DISTANCES \
    }                     \
    , .distances = {
#define DISTANCE_OF(label) (const char *) && label - (const char *) && op_unreachable,
#define HANDLER_LABELS_END() \
    }                        \
    }
#define LABELS_ARE_WANTED(vm) ((vm)->labels == NULL)
#define LABELS_ARE_GIVEN(vm)            \
    do {                                \
        (vm)->labels = &handler_labels; \
        return WIRQ_RUN_DONE;           \
    } while (0)
#endif

enum wirq_run interpret(struct wirq_vm *vm_argument) {
    if (LABELS_ARE_WANTED(vm_argument)) {
        HANDLER_LABELS()
#include "wirq_labels.inc"
        DISTANCE_OF(poisoned) /* what poisoned entries of the handler table hold */
        HANDLER_LABELS_END();
        LABELS_ARE_GIVEN(vm_argument);
    }

    STATE;
    wirq_status status;
    enum safe_point at;
    uint32_t length, narrow_address, left, right;
    const struct record *before; /* RS before something that may change it */

    vm = vm_argument;
    RELOAD();
    if (UNLIKELY(vm->suspended)) { /* as if that safe point were just over: whoever yields before every run gets on, too */
        vm->suspended = false;
        goto beyond_safe_point;
    }
    ENTER();

#include "wirq_handlers.inc"

poisoned: /* a control operation has been reached while a safe point is asked for; it has not begun */
    HANDLER();
    WRITE_BACK();
    at = interrupt_safe_point(vm);
    if (at != SAFE_POINT_RESUME)
        goto leave;
    RELOAD();
    if (UNLIKELY(vm->counting != 0)) { /* counting stubs stay installed: run the operation itself (R65) */
    beyond_safe_point:
        DISPATCH_TO(handler_label(vm->labels, UNIT_OPERATION(*ip) - OPERATION_BIAS));
    }
    DISPATCH();

idle: /* a reactor between interrupts */
    WRITE_BACK();
at_rest: /* nothing to run at ip; registers are written back */
    before = RS;
    at = interrupt_safe_point(vm);
    if (at != SAFE_POINT_RESUME)
        goto leave;
    if (vm->registers.rs == before) /* no handler has been entered */
        return WIRQ_RUN_WAITING;
reload: /* the registers have changed */
    RELOAD();
    DISPATCH();

leave:
    if (at == SAFE_POINT_YIELD)
        return WIRQ_RUN_SUSPENDED;
    TRAP(at == SAFE_POINT_STOP ? WIRQ_TRAP_STOPPED : vm->trap.status);

call_import:
    WRITE_BACK();
    status = interpreter_call(vm, &vm->registers.instance->functions[U16(1)], CELL(U16(2)));
    if (UNLIKELY(status != WIRQ_OK))
        goto not_called;
    APART(ip); /* else gcc keeps copies of both over the call, on the C stack */
    APART(fp);
    A = *CELL(U16(2));
    NEXT(3);

call_indirect_out:
    LEAVE(call_out); /* out of the instance, or a trap */
call_out:
    HANDLER();
    WRITE_BACK();
    status = interpreter_call_out(vm);
    if (UNLIKELY(status != WIRQ_OK))
        goto not_called;
    APART(ip);
    APART(fp);
    A = *CELL(U16(4));
    NEXT(5);

return_call_out:
    WRITE_BACK();
    status = interpreter_return_call_out(vm);
tail_called:
    if (UNLIKELY(status != WIRQ_OK))
        goto not_called;
    RELOAD();
    DISPATCH();

not_called:
    if (status == WIRQ_NEED_MORE)
        goto reload; /* a function has been entered */
    if (WIRQ_WITH_EXCEPTIONS && status == WIRQ_THROW)
        goto thrown;
    if (status != WIRQ_WAIT)
        goto trap;
    vm->waiting = true;
    goto at_rest;

throw_exception:
    WRITE_BACK();
thrown: /* registers are written back */
    status = exception_unwind(vm);
    RELOAD();
    if (status != WIRQ_OK)
        goto trap;
    DISPATCH();

restore_instance: /* a call into another instance returns: the record's fp is the caller's instance */
    vm_enter_instance(vm, (struct wirq_instance *)(void *)fp);
    RELOAD_MEMORY();
    RETURN();

irq_return:
    interrupt_return(vm); /* whatever the registers are */
    goto reload;

compare: /* ip is at the relation, behind which the result's slot comes */
    A = wirq_holds(U16(0), left, right);
    S32(1) = A;
    NEXT(2);

use_memory:
    vm->registers.memory = U16(1);
    vm_reload_memory(vm);
    RELOAD_MEMORY();
    NEXT(2);

object:
    status = interpreter_object(vm, ip, &S32(2));
    if (status == WIRQ_NEED_MORE)
        DISPATCH();
    if (status != WIRQ_OK)
        goto trap;
    RELOAD_MEMORY(); /* it may have grown */
    NEXT(5);

narrow_access_of_accumulator:
    narrow_address = A;
narrow_access: /* of 1 or 2 bytes, in the last 3 of the memory or beyond */
    WRITE_BACK();
    status = interpreter_narrow_access(vm, narrow_address, &length);
    if (status != WIRQ_OK)
        goto trap;
    A = vm->registers.a;
    ip += length;
    DISPATCH();

no_room_to_call:
    fp = RS->fp;
    RS++;
    TRAP(WIRQ_TRAP_STACK_EXHAUSTED);

trap_memory:
    __asm__ volatile(""); /* else clang sets the status before every check */
    status = WIRQ_TRAP_MEMORY;
trap:
    WRITE_BACK();
    if (!interpreter_record_trap(vm, status))
        return WIRQ_RUN_TRAPPED;
    goto reload; /* it was a handler's, whose policy lets the interrupted code go on (R44) */
}
