/* code.h: lowered code read from outside the interpreter, operation by operation. */
#ifndef WIRQ_CODE_H
#define WIRQ_CODE_H

#include <stdint.h>

/* The operation after the one at ip. *weight: how many ordinary ones that counts as in the latency bound (R67). */
const uint16_t *code_next(const uint16_t *ip, uint32_t *weight);

/* Turns a function's operations and slots into distances in bytes where this build's code has them so (WIRQ_SCALED_UNITS). Once,
 * when it has been lowered whole: lowering compares and rewrites plain numbers. */
void code_scale(uint16_t *code, const uint16_t *end);

#endif
