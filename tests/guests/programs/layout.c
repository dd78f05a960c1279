/* layout.c: the interrupt block lies in memory as the board expects it. */
#include "wirq_guest.h"

#define AT(field, offset) _Static_assert(offsetof(struct wirq_block, field) == (offset), #field)
#define SLOT_AT(field, offset) _Static_assert(offsetof(struct wirq_slot, field) == (offset), #field)

AT(magic, 0);
AT(version_n, 4);
AT(doorbell, 8);
AT(depth, 12);
AT(threshold, 16);
AT(need, 20);
AT(level, 24);
AT(delivered, 28);
AT(faults, 32);
AT(reserved, 36);
AT(slots, 64);
SLOT_AT(raised, 0);
SLOT_AT(acked, 4);
SLOT_AT(arg, 8);
SLOT_AT(stamp, 12);
SLOT_AT(head, 16);
SLOT_AT(tail, 20);
SLOT_AT(ring_off, 24);
SLOT_AT(shape, 28);
_Static_assert(sizeof(struct wirq_block) == 64 + 32 * WIRQ_BLOCK_SLOTS, "length");
_Static_assert(_Alignof(struct wirq_block) == 8, "alignment");
