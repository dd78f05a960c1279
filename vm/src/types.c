/* types.c: value types in the binary format, subtyping, equality of function types (WebAssembly spec 5.3, 3.3). */
#include "store.h"

/* Types that belong to features, by their first byte. */
static const struct {
    uint8_t byte, feature;
} feature_types[] = {
    {0x7B, WIRQ_FEATURE_SIMD},
    {WIRQ_FUNCREF, WIRQ_FEATURE_REFERENCE_TYPES},
    {WIRQ_EXTERNREF, WIRQ_FEATURE_REFERENCE_TYPES},
    {WIRQ_NULLFUNCREF, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES},
    {WIRQ_NULLEXTERNREF, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES},
    {TYPE_REF, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES},
    {TYPE_REF_NULL, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES},
    {0x40, WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES}, /* a table with an initial value */
    {WIRQ_EXNREF, WIRQ_FEATURE_EXCEPTIONS},
    {WIRQ_NULLEXNREF, WIRQ_FEATURE_EXCEPTIONS},
    {0x68, WIRQ_FEATURE_STACK_SWITCHING}, /* cont, nocont, and the form of a continuation type */
    {0x75, WIRQ_FEATURE_STACK_SWITCHING},
    {0x5D, WIRQ_FEATURE_STACK_SWITCHING},
    {0x78, WIRQ_FEATURE_GC}, /* packed i8, i16 */
    {0x77, WIRQ_FEATURE_GC},
    {0x71, WIRQ_FEATURE_GC}, /* none */
    {0x6E, WIRQ_FEATURE_GC}, /* any, eq, i31, struct, array */
    {0x6D, WIRQ_FEATURE_GC},
    {0x6C, WIRQ_FEATURE_GC},
    {0x6B, WIRQ_FEATURE_GC},
    {0x6A, WIRQ_FEATURE_GC},
    {0x5F, WIRQ_FEATURE_GC}, /* forms: struct, array, sub, sub final, rec */
    {0x5E, WIRQ_FEATURE_GC},
    {0x50, WIRQ_FEATURE_GC},
    {0x4F, WIRQ_FEATURE_GC},
    {0x4E, WIRQ_FEATURE_GC},
};

wirq_status type_refuse(uint8_t byte, uint32_t *feature) {
    for (uint32_t i = 0; i < sizeof feature_types / sizeof feature_types[0]; i++) {
        if (feature_types[i].byte == byte) {
            *feature = feature_types[i].feature;
            return WIRQ_BUILT_FEATURES >> *feature & 1 ? WIRQ_OK : WIRQ_ABSENT_FEATURE;
        }
    }
    return WIRQ_BAD_TYPE;
}

/* ---- reading ---- */

/* The first of equal types stands for all of them, so that equal value types are equal numbers. */
uint32_t type_first_equal(const struct wirq_module *module, uint32_t index) {
    uint32_t first = 0;
    while (module->types[first] != module->types[index])
        first++;
    return first;
}

wirq_status type_read_heap(const struct wirq_module *module, struct wirq_reader *r, value_type *type, uint32_t *feature) {
    int64_t code = read_leb_s33(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (code < 0) {
        *type = (value_type)(code & 0x7F);
        /* What reads like an abstract heap type must be one, in one byte. */
        return code < -64 || !type_is_reference(*type) || *type < 0x68 ? WIRQ_BAD_TYPE : type_refuse((uint8_t)*type, feature);
    }
    if (!WIRQ_WITH_TYPED_FUNCTION_REFERENCES) {
        *feature = WIRQ_FEATURE_TYPED_FUNCTION_REFERENCES;
        return WIRQ_ABSENT_FEATURE;
    }
    if (code >= module->type_count)
        return WIRQ_UNKNOWN_TYPE;
    uint32_t first = type_first_equal(module, (uint32_t)code);
    *type = (value_type)(TYPE_INDEXED | first);
    return first <= TYPE_INDEX_MASK ? WIRQ_OK : WIRQ_IMPLEMENTATION_LIMIT;
}

value_type type_reference_to(const struct wirq_module *module, uint32_t index) {
    uint32_t first = type_first_equal(module, index);
    return (value_type)(first <= TYPE_INDEX_MASK ? TYPE_INDEXED | first : WIRQ_NULLFUNCREF);
}

value_type type_of_function(const struct wirq_module *module, uint32_t function) {
    if (!WIRQ_WITH_TYPED_FUNCTION_REFERENCES)
        return WIRQ_FUNCREF;
    uint32_t first = module->function_types[function];
    return (value_type)(TYPE_NON_NULL | (first <= TYPE_INDEX_MASK ? TYPE_INDEXED | first : WIRQ_FUNCREF));
}

wirq_status type_read(const struct wirq_module *module, struct wirq_reader *r, value_type *type, uint32_t *feature) {
    uint8_t byte = read_byte(r);
    *type = byte;
    if (r->status != WIRQ_OK || (byte <= WIRQ_I32 && byte >= WIRQ_F64))
        return r->status;
    if (WIRQ_WITH_TYPED_FUNCTION_REFERENCES && (byte == TYPE_REF || byte == TYPE_REF_NULL)) {
        wirq_status status = type_read_heap(module, r, type, feature);
        if (byte == TYPE_REF)
            *type |= TYPE_NON_NULL;
        return status;
    }
    wirq_status status = type_refuse(byte, feature);
    return status == WIRQ_OK && byte < 0x68 ? WIRQ_BAD_TYPE : status;
}

/* ---- subtyping ---- */

bool type_matches(value_type have, value_type want) {
    if (have == want || have == TYPE_UNKNOWN)
        return true;
    if (!type_is_reference(have) || !type_is_reference(want) || (want & TYPE_NON_NULL) > (have & TYPE_NON_NULL))
        return false;
    have &= (value_type)~TYPE_NON_NULL;
    want &= (value_type)~TYPE_NON_NULL;
    if (have == want)
        return true;
    if (have & TYPE_INDEXED)
        return want == WIRQ_FUNCREF;
    switch (have) {
    case 0: /* the reference that nothing is */
        return true;
    case WIRQ_NULLFUNCREF:
        return want == WIRQ_FUNCREF || want & TYPE_INDEXED;
    case WIRQ_NULLEXTERNREF:
        return want == WIRQ_EXTERNREF;
    case WIRQ_NULLEXNREF:
        return want == WIRQ_EXNREF;
    default:
        return false;
    }
}

/* ---- types of two modules ----
 * A function type may mention function types, earlier ones of its module and itself. Two are equal if what they mention is, pair by
 * pair. Pairs still to be compared are kept in descending order of the first type: what a pair mentions comes after it, and a
 * type that was paired with two others ends the comparison, since different types of one module are not equal. */

struct pairs {
    uint16_t count;
    struct {
        uint16_t a, b;
    } pair[WIRQ_MAX_SHARED_TYPES];
};

static bool add_pair(struct pairs *pairs, uint32_t from, uint32_t a, uint32_t b) {
    uint32_t i = pairs->count;
    while (i > from && pairs->pair[i - 1].a < a)
        i--;
    if (i > 0 && pairs->pair[i - 1].a == a)
        return pairs->pair[i - 1].b == b;
    if (pairs->count == WIRQ_MAX_SHARED_TYPES)
        return false;
    for (uint32_t j = pairs->count++; j > i; j--)
        pairs->pair[j] = pairs->pair[j - 1];
    pairs->pair[i].a = (uint16_t)a;
    pairs->pair[i].b = (uint16_t)b;
    return true;
}

/* Equal but for the types they mention, which become pairs. */
static bool values_equal(struct pairs *pairs, uint32_t from, value_type a, value_type b) {
    if ((a & b & TYPE_INDEXED) && ((a ^ b) & TYPE_NON_NULL) == 0)
        return add_pair(pairs, from, a & TYPE_INDEX_MASK, b & TYPE_INDEX_MASK);
    return a == b;
}

static bool functypes_alike(struct pairs *pairs, uint32_t from, const struct wirq_functype *a, const struct wirq_functype *b) {
    bool alike = a->parameter_count == b->parameter_count && a->result_count == b->result_count;
    uint32_t count = (uint32_t)a->parameter_count + a->result_count;
    for (uint32_t i = 0; i < count && alike; i++)
        alike = values_equal(pairs, from, a->types[i], b->types[i]);
    return alike;
}

static bool pairs_equal(struct pairs *pairs, const struct wirq_module *a, const struct wirq_module *b) {
    bool equal = true;
    for (uint32_t i = 0; i < pairs->count && equal; i++)
        equal = functypes_alike(pairs, i + 1, a->types[pairs->pair[i].a], b->types[pairs->pair[i].b]);
    return equal;
}

bool functypes_equal(const struct wirq_module *a, uint32_t index_a, const struct wirq_module *b, uint32_t index_b) {
    if (a->types[index_a] == b->types[index_b])
        return true;
    struct pairs pairs = {.count = 0};
    return functypes_alike(&pairs, 0, a->types[index_a], b->types[index_b]) && pairs_equal(&pairs, a, b);
}

bool types_equal_across(const struct wirq_module *a, value_type x, const struct wirq_module *b, value_type y) {
    if ((x & y & TYPE_INDEXED) == 0)
        return x == y;
    return ((x ^ y) & TYPE_NON_NULL) == 0 && functypes_equal(a, x & TYPE_INDEX_MASK, b, y & TYPE_INDEX_MASK);
}

bool types_match_across(const struct wirq_module *a, value_type have, const struct wirq_module *b, value_type want) {
    if ((have & want & TYPE_INDEXED) == 0)
        return type_matches(have, want);
    return (have & TYPE_NON_NULL) >= (want & TYPE_NON_NULL) &&
           functypes_equal(a, have & TYPE_INDEX_MASK, b, want & TYPE_INDEX_MASK);
}
