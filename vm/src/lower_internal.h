/* lower_internal.h: what the files of lowering share: operands, control frames, emission.
 *
 * The symbolic operand stack decides what is emitted: local.get, constants and blocks emit nothing; an operation is emitted when
 * its operands are known, in the form that fits where they are. An operand has a canonical slot, its place in the frame, which it
 * occupies unless it is symbolic: an alias of a local, or a constant. Invariants:
 *   - at a label every operand of the block is in its canonical slot or a constant, and the accumulator is unknown;
 *   - aliases name locals only, and none outlives a write to its local (preserve_local in lower_locals.c);
 *   - a TEMP operand is the only user of its slot, so its store may be dropped when the consumer takes it from the accumulator.
 * Errors are noted by lower_fail, the first one counts, and work goes on harmlessly to the end of the item; so no function answers
 * a status. What reads an item's bytes looks at reader->status before it does anything.
 */
#ifndef WIRQ_LOWER_INTERNAL_H
#define WIRQ_LOWER_INTERNAL_H

#include "lower.h"
#include "wirq_lowering_enums.inc"
#include "wirq_ops.h"

/* Added to an operation with a 32-bit result when its emission begins: where its destination lies, or that it has none. */
#define ACCUMULATOR_ONLY 0x8000
#define IN_HIGH_BYTE 0x4000

#define NO_SLOT 0xFFFF
#define NO_RESULT 0x40 /* in place of a value type */

/* Bodies longer than this (bytes) may exceed 16-bit distances; then forward branches take 32-bit ones. 32767 units / 9 a byte: a
 * target of a br_table takes its entry and, where two wide values are to be moved, a stub of eight. */
#define LONG_BRANCH_BODY 3600

enum operand_kind {
    OPERAND_TEMP,     /* in its canonical slot */
    OPERAND_ALIAS,    /* in the slot of a local */
    OPERAND_CONSTANT, /* low, high */
};

struct operand {
    value_type type;
    uint16_t kind; /* enum operand_kind */
    uint16_t canonical;
    uint32_t low; /* OPERAND_CONSTANT: value. Else: the slot */
    uint32_t high;
};

enum control_kind { CONTROL_FUNCTION, CONTROL_BLOCK, CONTROL_LOOP, CONTROL_IF, CONTROL_ELSE };

struct control {
    struct control *outer;
    uint8_t *operands_end;                                  /* top of the temporary stack before it */
    const struct wirq_functype *type;                       /* NULL: no parameters and `result` */
    uint8_t kind;                                           /* enum control_kind */
    bool unreachable;                                       /* the operand stack is polymorphic */
    bool dead_outside;                                      /* the block was entered in dead code */
    uint32_t base;                                          /* height where the parameters begin, and the results will */
    uint32_t target;                                        /* unit of its start, from lower->start */
    uint32_t fixups;                                        /* newest branch to the end that waits for it: unit + 1, or 0 */
    uint32_t else_fixup;                                    /* if: the branch to else or end */
    uint16_t assigned_entry, assigned_branch, assigned_low; /* definite assignment; see lower_locals.c */
    value_type result;                                      /* NO_RESULT: none */
    uint16_t clauses; /* of a try_table, which is a block with any; the last lies just below operands_end */
};

/* A catch clause, until the end of its try_table. */
struct clause {
    uint32_t depth; /* of its label, seen from outside */
    uint16_t tag;   /* ALL_TAGS: any */
    bool has_reference;
};

struct local_group {
    uint32_t first; /* index of its first local */
    uint16_t slot;  /* of it */
    value_type type;
};

/* Whether a local whose type has no default value has been set. What a block has set is not set after it. */
#define NO_LOCAL UINT32_MAX
struct local_state {
    uint32_t set_in;   /* how far below temp_top the control lies in which it was set; NO_LOCAL: it is not set */
    uint32_t previous; /* local that was set before this one, or NO_LOCAL */
};

/* Parameter or result types of a block, without an object for the short forms. */
struct types {
    const value_type *types;
    uint32_t count;
};
struct types control_parameters(const struct control *control);
struct types control_results(const struct control *control);
/* What a branch to the label takes: a loop's parameters, else the results. */
struct types control_label(const struct control *control);

/* ---- lower_emit.c ---- */
void lower_fail(struct lower *lower, wirq_status status);
/* Fails with WIRQ_ABSENT_FEATURE and the feature as its detail. */
void lower_absent(struct lower *lower, enum wirq_feature feature);
void lower_emit(struct lower *lower, uint32_t unit);
void lower_emit32(struct lower *lower, uint32_t value);
/* Begins an operation that may not be rewritten; with its first one or two units. */
void lower_operation(struct lower *lower, uint32_t operation);
void lower_operation1(struct lower *lower, uint32_t operation, uint32_t unit);
void lower_operation2(struct lower *lower, uint32_t operation, uint32_t first, uint32_t second);
/* Ends the operation begun last with a destination slot; kind says how it may be rewritten. */
void lower_result(struct lower *lower, uint32_t slot, enum last_kind kind);
/* The accumulator holds something no slot does. */
void lower_accumulator_unknown(struct lower *lower);
/* The operation emitted last may not be rewritten any more: a label comes. */
void lower_label(struct lower *lower);
bool lower_in_accumulator(const struct lower *lower, const struct operand *operand);
/* If the operand is in the accumulator, the operation about to be emitted takes it from there: drops its store if nobody else needs
 * it. */
bool lower_take_accumulator(struct lower *lower, const struct operand *operand);
/* Begins the operation that takes the operand from the accumulator, if it is there, else the one that takes it from its slot. */
void lower_operation_on(struct lower *lower, const struct operand *operand, uint32_t from_slot, uint32_t from_accumulator);
/* Is `last` the producer of this TEMP operand? */
bool lower_is_last(const struct lower *lower, const struct operand *operand);
/* Makes `last` write another slot. */
void lower_retarget(struct lower *lower, uint32_t slot);
/* Takes the destination of `last` back: it is replaced by an operation with the same operands, or by its neighbour. */
void lower_drop_destination(struct lower *lower);
void lower_slot_written(struct lower *lower, uint32_t slot, uint32_t cells);

/* Puts a value into a slot, from wherever the operand is. */
void lower_move(struct lower *lower, const struct operand *operand, uint32_t slot);
/* Puts an operand into its canonical slot. */
void lower_settle(struct lower *lower, struct operand *operand);
/* A constant into the accumulator. */
void lower_constant_to_accumulator(struct lower *lower, uint32_t value);
/* The slot an operand is in; a constant is put into its canonical slot first. */
uint32_t lower_slot(struct lower *lower, struct operand *operand);
/* Puts the `count` topmost operands of the stack into their canonical slots. */
void lower_materialise(struct lower *lower, uint32_t count);
static inline bool fits16(uint32_t value) {
    return value + 0x8000 < 0x10000;
}

/* ---- the operand stack (lower_stack.c) ---- */
uint32_t stack_depth(const struct lower *lower); /* operands of the innermost control */
struct operand *stack_at(const struct lower *lower, uint32_t from_top);
/* Memory for anything on the temporary stack; NULL and status if there is none. */
void *stack_reserve(struct lower *lower, uint32_t size);
void stack_push(struct lower *lower, value_type type);                      /* a TEMP */
void stack_push_alias(struct lower *lower, value_type type, uint32_t slot); /* of a local */
void stack_push_constant(struct lower *lower, value_type type, uint32_t low, uint32_t high);
/* Pops an operand of the type (TYPE_UNKNOWN: any); fails with WIRQ_TYPE_MISMATCH, and then *operand is a harmless one. */
void stack_pop(struct lower *lower, value_type type, struct operand *operand);
void stack_pop_types(struct lower *lower, struct types types);
void stack_push_types(struct lower *lower, struct types types);
/* Do the topmost operands have the types? Leaves them. A polymorphic stack may be too short. If not, fails and answers false. */
bool stack_check_types(struct lower *lower, struct types types);
/* Fails unless values of the one types, in number and type, may stand for those of the other. */
void lower_check_match(struct lower *lower, struct types have, struct types want);
/* The topmost operands, which have been checked, have these types from here on; a polymorphic stack gets those it lacks. */
void stack_retype(struct lower *lower, struct types types);
/* After an instruction that does not continue: drops the block's operands, what follows is dead. */
void stack_unreachable(struct lower *lower);

/* ---- lower_numeric.c ---- */
void lower_numeric(struct lower *lower, uint32_t opcode);
void lower_saturating(struct lower *lower, uint32_t number);
/* Emits a branch taken when `operand` is (`when`: not) zero, up to its distance. May rewrite the comparison just emitted. */
void lower_branch_condition(struct lower *lower, struct operand *operand, bool when);
/* TYPE_UNKNOWN: the type that the operands have. */
void lower_select(struct lower *lower, value_type type);
void lower_select_typed(struct lower *lower, struct wirq_reader *reader);
/* Pushes whether a 32-bit operand, which has been popped, is zero. */
void lower_is_zero(struct lower *lower, struct operand *operand);

/* ---- lower_reference.c ---- */
void lower_reference(struct lower *lower, uint32_t opcode, bool prefixed, struct wirq_reader *reader);
/* Pops a reference of any type. */
bool lower_pop_reference(struct lower *lower, struct operand *operand);
/* Pushes it again, where it is, as one that is not null. */
void lower_push_non_null(struct lower *lower, const struct operand *operand);

/* ---- lower_memory.c ---- */
/* Loads and stores. */
void lower_memory(struct lower *lower, uint32_t opcode, struct wirq_reader *reader);
/* The index of a memory, or in a build without several the byte that is reserved for it. */
uint32_t lower_read_memory(struct lower *lower, struct wirq_reader *reader);

/* ---- lower.c ---- */
/* Reads a value type or a heap type of this build. False, and failure noted, if there is none, or if more bytes are needed. */
bool lower_read_type(struct lower *lower, struct wirq_reader *reader, value_type *type);
bool lower_read_heap_type(struct lower *lower, struct wirq_reader *reader, value_type *type);

/* ---- lower_locals.c ---- */
void locals_declare(struct lower *lower, uint32_t count, value_type type);
void locals_end_declarations(struct lower *lower);
/* The arm of a block ends: what it has set of the locals without default value is not set any more. */
void locals_end_arm(struct lower *lower, const struct control *control);
void lower_local(struct lower *lower, uint32_t opcode, struct wirq_reader *reader);
void lower_global(struct lower *lower, uint32_t opcode, struct wirq_reader *reader);
void assignment_block(struct lower *lower, struct control *control);  /* a block begins */
void assignment_branch(struct lower *lower, struct control *control); /* a branch to its end */
void assignment_else(struct lower *lower, struct control *control);
void assignment_end(struct lower *lower, struct control *control, bool targeted, bool fell_through);

/* ---- lower_control.c ---- */
uint32_t types_cells(struct types types);
void lower_control(struct lower *lower, uint32_t opcode, struct wirq_reader *reader);
void lower_control_push(struct lower *lower, enum control_kind kind, const struct wirq_functype *type, value_type result);

/* ---- lower_branch.c ---- */
void lower_branch(struct lower *lower, uint32_t opcode, struct wirq_reader *reader);
void lower_table_target(struct lower *lower, struct wirq_reader *reader);
/* Moves the topmost operands to the cells from `slot` on, lowest first: no source lies below its destination. The stack itself
 * stays as it is. `retarget`: a single value's producer may write the cell instead. */
void lower_move_values(struct lower *lower, uint32_t slot, struct types types, bool retarget);
/* The label that so many blocks further out has; NULL if there is none. */
struct control *control_at_depth(struct control *control, uint32_t depth);
/* Emits a branch to the control's label. */
void branch_emit(struct lower *lower, struct control *control);
/* Emits a conditional branch up to its distance. A long one is for the opposite condition and steps over a branch. */
void branch_emit_condition(struct lower *lower, struct operand *condition, bool when, bool is_long);
/* Emits the distance to the control's label: backward to a loop, or forward through the control's chain. */
void branch_emit_distance(struct lower *lower, struct control *control, bool is_long);
/* Emits the distance of a branch forward, to be filled in; *chain is its fixup chain. */
void branch_emit_fixup(struct lower *lower, uint32_t *chain, bool is_long);
/* Makes every branch of the chain come here. */
void branch_patch(struct lower *lower, uint32_t chain);
/* Emits a return of the topmost operands, which stay. */
void branch_emit_return(struct lower *lower);
/* Where the next unit comes, in units from the function's beginning. */
static inline uint32_t lower_here(const struct lower *lower) {
    return (uint32_t)(lower->code - lower->start);
}

/* ---- lower_exceptions.c ---- */
void lower_throw(struct lower *lower, bool is_reference, struct wirq_reader *reader);
void lower_catch(struct lower *lower, struct wirq_reader *reader);
void lower_end_try(struct lower *lower, struct control *control);

/* ---- lower_calls.c ---- */
void lower_call(struct lower *lower, uint32_t opcode, struct wirq_reader *reader);

#endif
