/* load.h: the state of a load, shared by the files that decode sections (load*.c).
 *
 * A module arrives in pieces of any size. The loader is a step machine: load->step decodes one item (a type's value type, an
 * import's description, an instruction) from a window of bytes; when the window ends inside the item it answers WIRQ_NEED_MORE,
 * having changed nothing, and is called again with a longer one. Runs of bytes that need no decoding (names, data) are taken piece
 * by piece by the driver itself. */
#ifndef WIRQ_LOAD_H
#define WIRQ_LOAD_H

#include "lower.h"
#include "vm.h"

typedef wirq_status load_step(struct wirq_load *load, struct wirq_reader *reader);

struct wirq_load {
    struct wirq_vm *vm;
    struct wirq_module *module;
    const uint8_t *in_place; /* the module's first byte, if it is referred to instead of copied */
    load_step *step;

    /* Bytes lie first, where the shortest instructions reach them; they are told of with what they belong to. */
    uint8_t section;   /* its id */
    uint8_t rank;      /* of the last section that was not custom: sections come in order */
    uint8_t form;      /* of a segment */
    bool second_part;  /* of a type: its results */
    uint8_t utf8_left; /* of a run of bytes: continuation bytes that must follow, and the bounds of the next */
    uint8_t utf8_low, utf8_high;
    bool run_is_name;
    uint8_t constant_depth; /* types on constant_stack */
    bool constant_begun;    /* load->constant is its first instruction, or all of them */
    uint8_t carried;        /* bytes in carry */

    uint32_t offset; /* in the module: the first byte that no step has consumed */
    uint32_t limit;  /* offset where the enclosing section or function body ends */
    uint32_t section_end;
    const uint8_t *window; /* where the window of the running step starts; its offset is `offset` */
    uint32_t remaining;    /* items left in the section's vector */
    uint32_t part;         /* items left of an item that is a vector itself */
    uint32_t arena_before; /* arena bytes in use before the load */

    /* a run of bytes in progress */
    uint32_t run;    /* bytes left */
    uint8_t *run_to; /* where they go; NULL: nowhere */

    /* what a section collects */
    uint32_t function_in_code;                  /* the function being lowered, or UINT32_MAX */
    const struct wirq_code_memory *code_memory; /* where lowered code goes or lies; NULL: the arena */
    uint32_t largest_function;                  /* bytes, of those that went there */
    uint32_t detail;                            /* for wirq_load_error */
    uint8_t *storage;                           /* next free byte of the section's block of packed types or names */
    struct constant constant; /* the constant expression being decoded, its expected type, types on its operand stack */
    load_step *constant_then;
    struct step **step_end; /* where the next step of the module's constant expressions is hung */
    uint16_t step_count;
    value_type constant_type;
    value_type constant_stack[WIRQ_MAX_CONSTANT_DEPTH];

    uint8_t custom_name[8];         /* of a custom section, if its name is as long */
    uint8_t carry[READER_MAX_ITEM]; /* an item's beginning that the last piece ended with */

    struct lower lower;
};

/* ---- for steps (load.c) ----
 * Steps read by these and by read_leb_u32: out of line, for there are many steps and none of them runs often. */

uint8_t load_byte(struct wirq_reader *r);

/* Offset of the reader's next byte in the module. */
uint32_t load_position(const struct wirq_load *load, const struct wirq_reader *r);

/* Bytes between the reader's next byte and the end of the enclosing section. */
uint32_t load_rest(const struct wirq_load *load, const struct wirq_reader *r);

/* Refuses a module for a feature that this build lacks. */
wirq_status load_absent(struct wirq_load *load, enum wirq_feature feature);

/* An array of zeroes in the arena; NULL leaves the bytes that were needed as the error's detail. */
void *load_allocate(struct wirq_load *load, uint32_t count, uint32_t size);

/* Makes one of the module's blocks longer, keeping its first `used` items. */
wirq_status load_extend(struct wirq_load *load, enum module_block block, uint32_t size, uint32_t used, uint32_t wanted);

/* Gives back what a block of the module does not need. */
void load_trim(struct wirq_load *load, enum module_block block, uint32_t bytes);

/* Takes the next `length` bytes to where `to` points; when the module is in place they are only referred to, and `to` is ignored.
 * `then` is the step after them. WIRQ_TRUNCATED if the section is shorter. */
wirq_status load_take(struct wirq_load *load, struct wirq_reader *r, struct wirq_name *bytes, uint32_t length, uint8_t *to,
                      load_step *then);
/* The same for a name, length first: it goes to the section's storage and is checked to be UTF-8. */
wirq_status load_take_name(struct wirq_load *load, struct wirq_reader *r, struct wirq_name *name, load_step *then);

/* The length of a vector within an item: WIRQ_TRUNCATED if the section cannot hold it, WIRQ_IMPLEMENTATION_LIMIT if it is above
 * `most`. It is in load->part. */
wirq_status load_part(struct wirq_load *load, struct wirq_reader *r, uint32_t most);

/* The item is done: goes on to the next one or to the section's end. */
wirq_status load_next_item(struct wirq_load *load);

/* The section must end here: goes on to the next one. */
load_step load_section_end;
/* Passes over what is left of the section. */
load_step load_skip;

/* ---- sections ----
 * The driver reads the u32 that every section starts with, nearly always the length of a vector, and allocates the vector and the
 * storage of its names. begin_… does what else there is to do before the first item; it is told the u32. load_… decodes an item's
 * first part. end_… comes after the last. */
typedef wirq_status load_begin_section(struct wirq_load *load, struct wirq_reader *r, uint32_t count);
typedef void load_end_section(struct wirq_load *load);

/* load_settings.c */
load_step load_setting;

/* load_types.c */
wirq_status load_table_type(struct wirq_load *load, struct wirq_reader *r, struct table_type *type);
wirq_status load_memory_type(struct wirq_load *load, struct wirq_reader *r, struct limits *limits);
wirq_status load_global_type(struct wirq_load *load, struct wirq_reader *r, struct global_type *type);
load_begin_section load_begin_types;
load_step load_type;

/* load_sections.c */
load_begin_section load_begin_kind, load_begin_start;
load_step load_import, load_function, load_table, load_memory, load_global, load_tag, load_export;
load_end_section load_end_imports;

/* load_segments.c */
load_begin_section load_begin_data_count, load_begin_data;
load_step load_element, load_data;

/* load_code.c */
load_begin_section load_begin_code;
load_step load_body;
load_end_section load_end_code;

/* Begins a constant expression of a type; its value is in load->constant when `then` runs (load_segments.c). */
void load_constant(struct wirq_load *load, value_type type, load_step *then);

#endif
