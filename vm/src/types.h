/* types.h: value types as the VM keeps them, and what is asked of them (WebAssembly spec 3.1, 3.3, 5.3). */
#ifndef WIRQ_TYPES_H
#define WIRQ_TYPES_H

#include "config.h"
#include "reader.h"

struct wirq_module;

/* A value type in 14 bits. Number types and nullable references to abstract heap types: the byte of the binary format (enum
 * wirq_type). References to a function type of the module: TYPE_INDEXED and the index of the first type that is equal to it, so that
 * within one module equal types are equal numbers. TYPE_NON_NULL with either. */
typedef uint16_t value_type;
#define TYPE_NON_NULL WIRQ_NON_NULL
#define TYPE_INDEXED WIRQ_INDEXED
#define TYPE_INDEX_MASK WIRQ_INDEX_MASK

/* Of an operand popped from a polymorphic stack: any type; any reference type, null excluded. */
#define TYPE_UNKNOWN 0
#define TYPE_ANY_REFERENCE TYPE_NON_NULL

/* First bytes of reference types in their long form. */
#define TYPE_REF 0x64
#define TYPE_REF_NULL 0x63

static inline uint32_t type_cells(value_type type) {
    return type == WIRQ_I64 || type == WIRQ_F64 ? 2 : 1;
}

static inline bool type_is_reference(value_type type) {
    return type != TYPE_UNKNOWN && (type < 0x7B || type > WIRQ_I32); /* 0x7B to 0x7F are the number and vector types */
}

/* A local of such a type has no value before it is set. */
static inline bool type_is_defaultable(value_type type) {
    return !(type & TYPE_NON_NULL);
}

/* Reads a value type, or a heap type of which *type is the nullable reference. WIRQ_ABSENT_FEATURE with *feature, WIRQ_BAD_TYPE,
 * WIRQ_UNKNOWN_TYPE; what the reader says comes first. */
wirq_status type_read(const struct wirq_module *module, struct wirq_reader *r, value_type *type, uint32_t *feature);
wirq_status type_read_heap(const struct wirq_module *module, struct wirq_reader *r, value_type *type, uint32_t *feature);

/* Why a byte begins no type of this build: WIRQ_ABSENT_FEATURE with *feature, or WIRQ_BAD_TYPE; WIRQ_OK if it begins one. */
wirq_status type_refuse(uint8_t byte, uint32_t *feature);

/* The first function type of the module that is equal to the one of that index. */
uint32_t type_first_equal(const struct wirq_module *module, uint32_t index);

/* (ref null type): the type of that index. */
value_type type_reference_to(const struct wirq_module *module, uint32_t index);

/* The type of a reference to a function of the module. */
value_type type_of_function(const struct wirq_module *module, uint32_t function);

/* Is a value of one type also one of the other? Both of the same module. */
bool type_matches(value_type have, value_type want);

/* Are two function types equal, each given by its module and its index? WIRQ_MAX_SHARED_TYPES bounds how many others they may
 * mention. */
bool functypes_equal(const struct wirq_module *a, uint32_t index_a, const struct wirq_module *b, uint32_t index_b);

/* Does a type of one module match one of another, or (invariant) equal it? */
bool types_match_across(const struct wirq_module *a, value_type have, const struct wirq_module *b, value_type want);
bool types_equal_across(const struct wirq_module *a, value_type x, const struct wirq_module *b, value_type y);

#endif
