/* extended.c: the rare operations: 64-bit division and counting, f64 arithmetic, conversions. Their cases come from vm/ops.
 *
 * One function for all of them: what they share, fetching operands and storing a result, is most of what each would be. */
#include "interpret.h"
#include "numeric.h"
#include "operands.h"

/* ORDER TRUNCATIONS: the operation's number says which of the sixteen it is. */
static wirq_status truncation(uint32_t number, uint64_t x, uint32_t *to) {
    uint32_t which = number - EXT_i32_trunc_f32_s;
    if (!(which & 2)) /* every f32 is an f64 */
        x = wirq_f64_bits((double)wirq_f32((uint32_t)x));
    uint64_t result;
    wirq_status status = wirq_truncate(x, which & 4 ? 64 : 32, !(which & 1), &result);
    if (status != WIRQ_OK && !(which & 8))
        return status;
    to[0] = (uint32_t)result;
    if (which & 4)
        to[1] = (uint32_t)(result >> 32);
    return WIRQ_OK;
}

#define WIDE(value)       \
    do {                  \
        wide = (value);   \
        goto wide_result; \
    } while (0)
#define NARROW(value)    \
    do {                 \
        to[0] = (value); \
        return WIRQ_OK;  \
    } while (0)

wirq_status wirq_extended(uint32_t *fp, const uint16_t *ip, uint32_t *to) {
    /* Read as wide ones whatever they are: the cell after an operand is in the frame or in the slack above it. */
    const uint64_t x = S64(2), y = S64(3);
    const uint32_t a = (uint32_t)x, b = (uint32_t)y;
    uint64_t wide;
    switch (ip[1]) {
#include "wirq_extended.inc"
    }
    __builtin_unreachable(); /* lowering emits no other number */
wide_result:
    SET64(to, wide);
    return WIRQ_OK;
}
