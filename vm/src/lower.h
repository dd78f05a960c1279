/* lower.h: validation and lowering of function bodies, between the loader, which feeds, and the internal code, which comes out. */
#ifndef WIRQ_LOWER_H
#define WIRQ_LOWER_H

#include "reader.h"
#include "store.h"

struct control; /* lower_internal.h */
struct operand;

/* The state of lowering one function body. Owned by struct wirq_load. Code is emitted upward from `code`; the control and
 * operand stack is one stack that grows down from `temp_top`; the two may not meet. */
struct lower {
    /* set by the loader before the first function and left alone by it afterwards */
    struct wirq_module *module;
    uint16_t *code;     /* next unit to be emitted; the loader reads it when all functions are done */
    uint8_t *temp_top;  /* end of the free region, 8-byte aligned */
    uint8_t *temp_low;  /* lowest address the temporary stack has had: for the arena's peak */
    const uint8_t *declared_functions; /* bit set of functions that ref.func may name, or NULL */
    bool has_data_count;
    uint32_t data_count;

    /* the rest is lowering's own */
#include "lower_state.inc"
};

/* Begins the body of a defined function (index in the function index space) of body_size bytes, the local declarations first. */
wirq_status lower_begin(struct lower *lower, uint32_t function, uint32_t body_size);

/* Decodes, validates and lowers one item: a local declaration, an instruction, a target of a br_table. WIRQ_NEED_MORE: nothing
 * was done, call again with a longer window. After the body's last `end`, lower_done answers true and no more items may come;
 * module->code[] has the function's entry then. lower->detail names the feature after WIRQ_ABSENT_FEATURE. */
wirq_status lower_item(struct lower *lower, struct wirq_reader *reader);
bool lower_done(const struct lower *lower);

#endif
