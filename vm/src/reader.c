/* reader.c: LEB128 and fixed-size numbers. WebAssembly spec 5.2.2. */
#include "reader.h"

/* Reads at most `bits` bits; `is_signed` selects sign extension and the rule for the unused bits of the last byte. */
static uint64_t read_leb(struct wirq_reader *r, unsigned bits, bool is_signed) {
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
        uint8_t byte = read_byte(r);
        if (r->status != WIRQ_OK)
            return 0;
        unsigned left = bits - shift; /* bits of this byte that count */
        if (left < 7) {
            /* The last byte: no continuation, and what does not count repeats the sign (signed) or is 0 (unsigned). */
            uint8_t unused = (uint8_t)(byte & 0x7F & (is_signed ? 0x7F << (left - 1) : 0x7F << left));
            uint8_t ones = (uint8_t)(0x7F & (0x7F << (left - 1)));
            if ((byte & 0x80) || !(unused == 0 || (is_signed && unused == ones))) {
                reader_fail(r, WIRQ_BAD_LEB);
                return 0;
            }
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        shift += 7;
        if (!(byte & 0x80)) {
            if (is_signed && shift < 64 && (byte & 0x40))
                value |= UINT64_MAX << shift;
            return value;
        }
        if (shift >= bits) {
            reader_fail(r, WIRQ_BAD_LEB);
            return 0;
        }
    }
}

uint32_t read_leb_u32(struct wirq_reader *r) {
    return (uint32_t)read_leb(r, 32, false);
}

/* Most of these are one byte, too. */
int32_t read_leb_s32(struct wirq_reader *r) {
    if (r->p != r->end && *r->p < 0x80)
        return (int32_t)(*r->p++ ^ 0x40) - 0x40;
    return (int32_t)(uint32_t)read_leb(r, 32, true);
}

int64_t read_leb_s33(struct wirq_reader *r) {
    return (int64_t)read_leb(r, 33, true);
}

int64_t read_leb_s64(struct wirq_reader *r) {
    return (int64_t)read_leb(r, 64, true);
}

uint32_t read_fixed_u32(struct wirq_reader *r) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)read_byte(r) << 8 * i;
    return value;
}

uint64_t read_fixed_u64(struct wirq_reader *r) {
    uint64_t low = read_fixed_u32(r);
    return low | (uint64_t)read_fixed_u32(r) << 32;
}

uint8_t read_byte(struct wirq_reader *r) {
    if (r->p == r->end) {
        reader_fail(r, r->last ? WIRQ_TRUNCATED : WIRQ_NEED_MORE);
        return 0;
    }
    return *r->p++;
}

/* Most unsigned LEBs are one byte. */
uint32_t read_u32(struct wirq_reader *r) {
    if (r->p != r->end && *r->p < 0x80)
        return *r->p++;
    return read_leb_u32(r);
}
