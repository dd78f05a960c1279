/* lower.h: validation and lowering of function bodies, between the loader, which feeds, and the internal code, which comes out. */
#ifndef WIRQ_LOWER_H
#define WIRQ_LOWER_H

#include "reader.h"
#include "store.h"

struct control; /* lower_internal.h */

/* Frame slots whose assignment is tracked; those above are always zeroed at entry. */
#define LOWER_TRACKED_SLOTS 256

/* The newest operation, as far as it may still be rewritten. */
enum last_kind {
    LAST_FIXED,    /* may not */
    LAST_RESULT32, /* ends in a destination slot and has a neighbour that leaves the result in the accumulator only */
    LAST_HIGH32,   /* the same, with the destination in the high byte of the last unit */
    LAST_MOVED32,  /* `mov_A_S` of what the operation before leaves in the accumulator only */
    LAST_STORED32, /* ends in a destination slot, 32-bit, no neighbour */
    LAST_COMPARE,  /* as LAST_STORED32, and fuses with a branch */
    LAST_RESULT64, /* ends in a wide destination slot */
};

/* The state of lowering one function body. Owned by the loader. Code is emitted upward from `code`; locals, controls and
 * operands are one stack that grows down from `temp_top`; the two may not meet (WIRQ_NO_MEMORY). */
struct lower {
    /* What nearly every emission looks at comes first, where Thumb reaches it with short instructions. */
    bool dead;               /* what comes cannot be reached: validated, not emitted */
    uint8_t last_kind;       /* enum last_kind */
    wirq_status status;      /* the first failure; sticky */
    bool long_branches;      /* the body may outgrow 16-bit branch distances */
    uint16_t a[2];           /* slots that the accumulator equals; NO_SLOT */
    uint16_t last_a[2];      /* the same before `last` */
    uint16_t last_begun;     /* what `last` was begun as: with IN_HIGH_BYTE or ACCUMULATOR_ONLY */
    uint16_t *code;          /* next unit to be emitted; the loader sets it, and reads it when a function is done */
    uint16_t *last;          /* newest operation */
    uint16_t *previous;      /* and the one before */
    uint32_t height;         /* cells of the frame in use: locals and operands */
    uint8_t *temp;           /* top of the temporary stack: its lowest byte in use */
    struct control *control; /* innermost */
    uint16_t *start;         /* first unit of the function, header included */
    uint32_t max_height;

    /* set by the loader before the first function and left alone by it afterwards */
    struct wirq_module *module;
    uint8_t *temp_top; /* end of the free region, 8-byte aligned */
    uint8_t *temp_low; /* lowest address the temporary stack has had: for the arena's peak */
    uint32_t data_count;
    bool has_data_count;

    bool done;
    const struct wirq_functype *type;
    uint32_t function;
    uint32_t detail; /* after WIRQ_ABSENT_FEATURE: enum wirq_feature */

    uint32_t groups_left; /* local declarations to come */
    bool groups_known;
    uint16_t local_groups; /* at temp_top, newest lowest */
    uint32_t local_count;
    struct local_state *local_states; /* one a local; NULL: every type among them has a default value */
    uint32_t newest_set;              /* local without default value that was set last, or NO_LOCAL */
    bool has_non_defaultable;

    uint32_t memory; /* that the instruction at hand works on */

    /* br_table in progress */
    uint32_t table_left; /* targets to come, default included; 0 = none in progress */
    uint32_t
        table_arity; /* of its labels, UINT32_MAX: not known yet; if they carry values, entries hold depths until all are known */
    uint32_t label_depth; /* of the label read last */
    uint16_t *table_entries;
    uint32_t table_size; /* entries, default included */

    uint16_t clauses_left; /* catch clauses to come of the innermost control, a try_table */
    bool has_catches;      /* the function has catch operations */

    /* definite assignment: which locals need not be zeroed at entry */
    uint16_t assigned_count;
    uint32_t zero_from, zero_to; /* slots read before they were surely written */
    uint8_t assigned[LOWER_TRACKED_SLOTS / 8];
    uint8_t assigned_log[LOWER_TRACKED_SLOTS];
};

/* Begins the body of a defined function (index in the function index space) of body_size bytes, the local declarations first. */
wirq_status lower_begin(struct lower *lower, uint32_t function, uint32_t body_size);

/* Decodes, validates and lowers one item: a local declaration, an instruction, a target of a br_table. WIRQ_NEED_MORE: nothing
 * was done and reader->p is where it was; call again with a longer window. After the body's last `end`, lower_done answers true
 * and no more items may come; module->code[] has the function's entry then. */
wirq_status lower_item(struct lower *lower, struct wirq_reader *reader);

static inline bool lower_done(const struct lower *lower) {
    return lower->done;
}

#endif
