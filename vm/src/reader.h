/* reader.h: decoding of the binary format's primitives from a window of bytes, which may end anywhere. WebAssembly spec 5.2.
 *
 * A module arrives in pieces of any size. What decodes one item (a type, an instruction) reads all of it first, then looks at
 * reader.status: WIRQ_NEED_MORE means the window ended inside the item and more of the module may come: the caller throws the
 * item away and tries again with a longer window. Nothing may be changed before that look. Every item is at most
 * READER_MAX_ITEM bytes long, so a carry-over buffer of that size always gets ahead. */
#ifndef WIRQ_READER_H
#define WIRQ_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

#define READER_MAX_ITEM 32

struct wirq_reader {
    const uint8_t *p, *end; /* the window, from the next byte on */
    bool last;              /* the window ends where the enclosing body or section ends: an overrun is an error */
    wirq_status status;     /* the first error; sticky. After one, reads answer 0 and do not get ahead */
};

static inline void reader_fail(struct wirq_reader *r, wirq_status status) {
    if (r->status == WIRQ_OK) {
        r->status = status;
        r->end = r->p; /* here it was noticed, however long the window */
    }
}

uint8_t read_byte(struct wirq_reader *r);

/* LEB128, padded up to ceil(bits / 7) bytes; WIRQ_BAD_LEB if longer, or if bits beyond `bits` are not the sign's. */
uint32_t read_leb_u32(struct wirq_reader *r);
int32_t read_leb_s32(struct wirq_reader *r);
int64_t read_leb_s33(struct wirq_reader *r);
int64_t read_leb_s64(struct wirq_reader *r);

/* Little-endian, 4 or 8 bytes. */
uint32_t read_fixed_u32(struct wirq_reader *r);
uint64_t read_fixed_u64(struct wirq_reader *r);

uint32_t read_u32(struct wirq_reader *r);

#endif
