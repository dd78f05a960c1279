/* code.c: walks lowered code. What each operation is like comes from vm/ops. */
#include "code.h"

#include "operands.h"
#include "vm.h"

static const uint8_t lengths[] = {
#include "wirq_lengths.inc"
};

static uint32_t row_of(uint32_t operation) {
    uint32_t number = operation - OPERATION_BIAS;
    return lengths[number / 2] >> number % 2 * 4 & 15;
}

static const uint16_t *end_of(const uint16_t *ip, uint32_t operation, uint32_t row) {
    if ((row & 7) != 0)
        return ip + (row & 7);
    if (operation == OP_catch)
        return ip + 9;
    /* A table of targets follows, one more than it says. */
    return operation == OP_br_table_S ? ip + 4 + ip[2] : ip + 6 + 2 * (size_t)(ip[2] | (uint32_t)ip[3] << 16);
}

const uint16_t *code_next(const uint16_t *ip, uint32_t *weight) {
    uint32_t operation = UNIT_OPERATION(*ip), row = row_of(operation);
    *weight = row & 8 ? WIRQ_HEAVY_OPERATION : 1;
    if (operation == OP_zero || operation == OP_move_n || operation == OP_return_n)
        *weight += 1u + ip[(row & 7) - 1] / 4; /* cells */
    return end_of(ip, operation, row);
}

#if WIRQ_SCALED_UNITS

/* Bit n: unit n + 1 names a slot. Bit 7: the high byte of unit 1 does. */
static const uint8_t slots[] = {
#include "wirq_slots.inc"
};

void code_scale(uint16_t *code, const uint16_t *end) {
    while (code < end) {
        uint32_t operation = *code, units = slots[operation - OPERATION_BIAS];
        uint16_t *next = code + (end_of(code, operation, row_of(operation)) - code);
        *code = OPERATION_UNIT(operation);
        if (units == 0x80) {
            units = 0;
            code[1] = (uint16_t)((code[1] & 0xFF) | (code[1] >> 8) * sizeof(uint32_t) << 8);
        }
        for (uint16_t *unit = code + 1; units != 0; units >>= 1, unit++)
            if (units & 1)
                *unit = (uint16_t)(*unit * sizeof(uint32_t));
        code = next;
    }
}

#else

void code_scale(uint16_t *code, const uint16_t *end) {
    (void)code, (void)end;
}

#endif
