/* code.h: lowered code read from outside the interpreter, operation by operation. */
#ifndef WIRQ_CODE_H
#define WIRQ_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "operands.h"
#include "wirq_ops.h"

/* The operation after the one at ip. *weight: how many ordinary ones that counts as in the latency bound (R67). */
const uint16_t *code_next(const uint16_t *ip, uint32_t *weight);

/* Turns a function's operations and slots into distances in bytes where this build's code has them so (WIRQ_SCALED_UNITS). Once,
 * when it has been lowered whole: lowering compares and rewrites plain numbers. */
void code_scale(uint16_t *code, const uint16_t *end);

/* Is it what the oldest record of a stack returns to? */
static inline bool code_ends_stack(const uint16_t *ip) {
    return *ip == OPERATION_UNIT(OP_exit) || *ip == OPERATION_UNIT(OP_irq_return);
}

#endif
