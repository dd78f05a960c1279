/* interpret.h: what the dispatch function calls when it leaves the fast path. */
#ifndef WIRQ_INTERPRET_H
#define WIRQ_INTERPRET_H

#include "vm.h"

/* Calls a function at the call at registers.ip: an import, and whatever the call names through a table or a reference. WIRQ_OK: a host function has been called; what the VM's registers say of memory holds, for nothing but memory.grow makes
 * memories grow. WIRQ_NEED_MORE: a defined function has been entered, and the registers have changed. Else what a host function
 * answered, or a trap. */
wirq_status interpreter_call(struct wirq_vm *vm, const struct function_import *target, uint32_t *frame);
wirq_status interpreter_call_out(struct wirq_vm *vm);

/* The tail call at registers.ip that may leave the instance: leaves the running frame, whose first cells hold the arguments, for a
 * function of a host, which is called and whose results the operation behind returns, or defined in an instance. Takes a record only
 * where the frame's function was called from its own instance and the new one lies in another, so any number of tail calls takes two
 * at most. */
wirq_status interpreter_return_call_out(struct wirq_vm *vm);

/* The 8- or 16-bit access at registers.ip, done with an exact check of the address; *length is the operation's, in units. */
wirq_status interpreter_narrow_access(struct wirq_vm *vm, uint32_t address, uint32_t *length);

/* The object operation at ip on its cells (table.c). WIRQ_NEED_MORE: they now say what is left. */
wirq_status interpreter_object(struct wirq_vm *vm, const uint16_t *ip, uint32_t *cells);

/* A step of what the throw, the unwind or the call of a host function that throws at registers.ip begins: the frame's clause is entered,
 * or the frame left; the trap that it ends in. exception.c */
wirq_status exception_unwind(struct wirq_vm *vm);

/* Fills vm->trap from the registers. True: it was a handler that trapped, and vm->registers say where to go on. */
bool interpreter_record_trap(struct wirq_vm *vm, wirq_status status);

/* The extended operation at ip: reads cells of the frame, writes its result to `to`, and answers a trap or WIRQ_OK. */
wirq_status wirq_extended(uint32_t *fp, const uint16_t *ip, uint32_t *to);

static inline void wirq_move_cells(uint32_t *to, const uint32_t *from, uint32_t count) {
    __builtin_memmove(to, from, count * sizeof *to);
}

static inline void wirq_zero_cells(uint32_t *to, uint32_t count) {
    for (const uint32_t *end = to + count; to != end; to++) { /* few, and most often less work than a call */
        *to = 0;
        __asm__ volatile("" : "+r"(to));
    }
}

/* ORDER RELATIONS: eq ne, signed lt ge, unsigned lt ge, signed le gt, unsigned le gt. An odd one is the inverse of the one before. */
#define RELATION_HOLDS(relation, is_less, is_equal) \
    ((((relation) >= 2 && (is_less)) || (((relation) < 2 || (relation) >= 6) && (is_equal))) != ((relation) & 1))

static inline bool wirq_holds(uint32_t relation, uint32_t x, uint32_t y) {
    uint32_t sign = (relation & 2) << 30; /* flipped, signed numbers order like unsigned ones */
    return RELATION_HOLDS(relation, (x ^ sign) < (y ^ sign), x == y);
}

/* Bit 0: holds if less; bit 1: if equal; bit 2: the inverse. */
static inline bool wirq_f32_holds(uint32_t relation, float x, float y) {
    return ((relation & 1 && x < y) || (relation & 2 && x == y)) != (relation >> 2);
}

#endif
