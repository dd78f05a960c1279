/* extended.c: the rare operations: 64-bit division and counting, f64 arithmetic, conversions. One function each, from vm/ops. */
#include "interpret.h"
#include "numeric.h"
#include "operands.h"

/* ORDER TRUNCATIONS: the operation's number says which of the sixteen it is. */
static wirq_status wirq_truncation(uint32_t *fp, const uint16_t *ip) {
    uint32_t which = ip[1] - EXT_i32_trunc_f32_s;
    /* Every f32 is an f64. */
    uint64_t from = which & 2 ? S64(2) : wirq_f64_bits((double)wirq_f32(S32(2)));
    uint64_t result;
    wirq_status status = wirq_truncate(from, which & 4 ? 64 : 32, !(which & 1), &result);
    if (status != WIRQ_OK && !(which & 8))
        return status;
    S32(3) = (uint32_t)result;
    if (which & 4)
        PUT64(3, result);
    return WIRQ_OK;
}

#include "wirq_extended.inc"
