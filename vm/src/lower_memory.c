/* lower_memory.c: loads, stores and the other memory instructions. WebAssembly spec 3.3.7 and 4.4.7. */
#include "lower_internal.h"

#define ONLY_A(name) (OP_##name##_A | ACCUMULATOR_ONLY)
/* Operations of one width: an address form each; 0 = there is none. */
struct load_forms {
    uint16_t s, a, so, ao, sc, as, k;
};

static const struct load_forms load_forms[] = {
    {OP_load32_S_S, OP_load32_A_S, OP_load32_SO_S, OP_load32_AO_S, OP_load32_SC_S, OP_load32_AS_S, OP_load32_K_S},
    {ONLY_A(load8_u_S), OP_load8_u_A_S, OP_load8_u_SO_S, ONLY_A(load8_u_AO), OP_load8_u_SC_S, 0, OP_load8_u_K_S},
    {ONLY_A(load16_u_S), ONLY_A(load16_u_A), ONLY_A(load16_u_SO), 0, 0, 0, 0},
    {OP_load8_s_S_S, OP_load8_s_A_S, 0, 0, OP_load8_s_SC_S, 0, 0},
    {OP_load16_s_S_S, ONLY_A(load16_s_A), 0, 0, OP_load16_s_SC_S, 0, 0},
};
enum { LOAD32, LOAD8_U, LOAD16_U, LOAD8_S, LOAD16_S, LOAD64 };

/* Value forms follow one another: slot, accumulator, constant; with the address in the accumulator: slot, constant. 16-bit stores
 * have none for constants. */
struct store_forms {
    uint16_t s, so, a, k;
};
static const struct store_forms store_forms[] = {
    {OP_store32_S_S, OP_store32_SO_S, OP_store32_A_S, OP_store32_K_S},
    {OP_store8_S_S, OP_store8_SO_S, OP_store8_A_S, OP_store8_K_S},
    {OP_store16_S_S, OP_store16_SO_S, OP_store16_A_S, 0},
};
enum { STORE32, STORE8, STORE16, STORE64 };

/* Rows for 0x28 i32.load to 0x3E i64.store32. An i64 load narrower than 64 bits is the i32 load and an extension; an i64 store
 * narrower than 64 bits stores the low cell. */
static const struct {
    uint8_t type, shift, access; /* shift: log2 of the width, and the largest alignment */
    uint8_t extend;              /* i64 loads: 0 none, 'u', 's' */
} accesses[] = {
    {WIRQ_I32, 2, LOAD32, 0},    {WIRQ_I64, 3, LOAD64, 0},    {WIRQ_F32, 2, LOAD32, 0},     {WIRQ_F64, 3, LOAD64, 0},
    {WIRQ_I32, 0, LOAD8_S, 0},   {WIRQ_I32, 0, LOAD8_U, 0},   {WIRQ_I32, 1, LOAD16_S, 0},   {WIRQ_I32, 1, LOAD16_U, 0},
    {WIRQ_I64, 0, LOAD8_S, 's'}, {WIRQ_I64, 0, LOAD8_U, 'u'}, {WIRQ_I64, 1, LOAD16_S, 's'}, {WIRQ_I64, 1, LOAD16_U, 'u'},
    {WIRQ_I64, 2, LOAD32, 's'},  {WIRQ_I64, 2, LOAD32, 'u'},  {WIRQ_I32, 2, STORE32, 0},    {WIRQ_I64, 3, STORE64, 0},
    {WIRQ_F32, 2, STORE32, 0},   {WIRQ_F64, 3, STORE64, 0},   {WIRQ_I32, 0, STORE8, 0},     {WIRQ_I32, 1, STORE16, 0},
    {WIRQ_I64, 0, STORE8, 0},    {WIRQ_I64, 1, STORE16, 0},   {WIRQ_I64, 2, STORE32, 0},
};
#define FIRST_ACCESS 0x28
#define FIRST_STORE 0x36

/* Is constant address + offset below the declared minimum of the memory (so that no check is needed) and in a unit? */
static bool is_static(const struct lower *lower, const struct operand *address, uint32_t offset, uint32_t size) {
    if (address->kind != OPERAND_CONSTANT)
        return false;
    const struct limits *memory = &lower->module->memories[lower->memory];
    uint64_t ea = (uint64_t)address->low + offset;
    return ea <= 0xFFFF && ea + size <= (uint64_t)memory->minimum << memory->page_shift;
}

/* Brings an address with an offset of more than 16 bits into the accumulator, checked for carry. */
static void far_address(struct lower *lower, struct operand *address, uint32_t offset) {
    uint32_t slot = lower_slot(lower, address);
    lower_operation1(lower, OP_address_SK_A, slot);
    lower_emit32(lower, offset);
    lower_accumulator_unknown(lower);
}

/* The slot of an address, and what is left of its offset, which fits a unit even with 4 more: a far one is added into the address's own
 * slot, which nobody reads afterwards. */
static uint32_t near_slot(struct lower *lower, struct operand *address, uint32_t *offset) {
    if (*offset <= 0xFFFF - 4)
        return lower_slot(lower, address);
    far_address(lower, address, *offset);
    lower_operation1(lower, OP_mov_A_S, address->canonical);
    lower_slot_written(lower, address->canonical, 1);
    *offset = 0;
    return address->canonical;
}

/* The newest operation as part of an address: an i32.add that the access can do itself, wrapping as i32.add does. */
static bool folds(const struct lower *lower, const struct operand *address, uint32_t operation) {
    return lower_is_last(lower, address) && lower->last[0] == operation;
}

/* Takes the newest operation back, but leaves its operand units for the one that replaces it. */
static void replace_last(struct lower *lower, uint32_t operation) {
    lower_drop_destination(lower);
    lower->last[0] = (uint16_t)operation;
    lower->last_begun = 0;
    lower->a[0] = lower->last_a[0];
    lower->a[1] = lower->last_a[1];
    lower->last_kind = LAST_FIXED;
}

/* Emits a load up to its destination. */
static void load32(struct lower *lower, const struct load_forms *forms, struct operand *address, uint32_t offset, uint32_t size) {
    if (forms->k != 0 && is_static(lower, address, offset, size)) {
        lower_operation1(lower, forms->k, address->low + offset);
    } else if (offset == 0 && forms->sc != 0 && folds(lower, address, OP_add_SC_S)) {
        replace_last(lower, forms->sc);
    } else if (offset == 0 && forms->as != 0 && folds(lower, address, OP_add_AS_S)) {
        replace_last(lower, forms->as);
    } else {
        uint32_t slot = near_slot(lower, address, &offset);
        uint32_t from_accumulator = offset == 0 ? forms->a : forms->ao;
        if (from_accumulator != 0 && lower_take_accumulator(lower, address)) {
            lower_operation(lower, from_accumulator);
        } else {
            lower_operation1(lower, offset == 0 ? forms->s : forms->so, slot);
        }
        if (offset != 0)
            lower_emit(lower, offset);
    }
}

static void load64(struct lower *lower, struct operand *address, uint32_t offset) {
    uint32_t slot = near_slot(lower, address, &offset);
    lower_operation2(lower, OP_load64_SO, slot, offset + 4);
}

/* The newest operation, emitted up to its destination, leaves its result in the accumulator. */
static void into_accumulator(struct lower *lower) {
    if (!lower->dead && lower->last_begun < ACCUMULATOR_ONLY)
        lower->last[0]++;
    lower_accumulator_unknown(lower);
}

static void load(struct lower *lower, uint32_t access, uint32_t extend, struct operand *address, uint32_t offset, uint32_t size,
                 uint32_t slot) {
    if (access == LOAD64) {
        load64(lower, address, offset);
        lower_result(lower, slot, LAST_RESULT64);
        return;
    }
    bool extends_apart = access >= LOAD8_S && offset != 0; /* signed loads have no form with an offset */
    load32(lower, &load_forms[extends_apart ? access - LOAD8_S + LOAD8_U : access], address, offset, size);
    if (extends_apart) {
        into_accumulator(lower);
        lower_operation(lower, access == LOAD8_S ? OP_extend8_A_S : OP_extend16_A_S);
    }
    if (extend == 0) {
        lower_result(lower, slot, LAST_RESULT32);
        return;
    }
    into_accumulator(lower);
    lower_operation(lower, extend == 's' ? OP_extend_s64_A : OP_extend_u64_A);
    lower_result(lower, slot, LAST_RESULT64);
}

static void store32(struct lower *lower, const struct store_forms *forms, struct operand *address, struct operand *value,
                    uint32_t offset, uint32_t size) {
    enum { FROM_SLOT, FROM_ACCUMULATOR, FROM_CONSTANT } from;
    bool is_fixed = forms->k != 0 && is_static(lower, address, offset, size);
    uint32_t base = 0;

    if (value->kind == OPERAND_CONSTANT && (!fits16(value->low) || forms->k == 0))
        (void)lower_slot(lower, value);
    if (!is_fixed && offset > 0xFFFF) {
        if (value->kind != OPERAND_CONSTANT)
            (void)lower_slot(lower, value);
        far_address(lower, address, offset);
        lower_operation1(lower, forms->a + (value->kind == OPERAND_CONSTANT), value->low);
        return;
    }
    if (!is_fixed)
        base = lower_slot(lower, address);
    from = value->kind == OPERAND_CONSTANT ? FROM_CONSTANT : lower_in_accumulator(lower, value) ? FROM_ACCUMULATOR : FROM_SLOT;
    if (!is_fixed && offset == 0 && from != FROM_ACCUMULATOR && lower_take_accumulator(lower, address)) {
        lower_operation1(lower, forms->a + (from == FROM_CONSTANT), value->low);
        return;
    }
    if (from == FROM_ACCUMULATOR)
        (void)lower_take_accumulator(lower, value);
    if (is_fixed) {
        lower_operation1(lower, forms->k + from, address->low + offset);
    } else {
        lower_operation1(lower, (offset == 0 ? forms->s : forms->so) + from, base);
        if (offset != 0)
            lower_emit(lower, offset);
    }
    if (from != FROM_ACCUMULATOR)
        lower_emit(lower, value->low);
}

static void store64(struct lower *lower, struct operand *address, struct operand *value, uint32_t offset) {
    uint32_t from = lower_slot(lower, value);
    uint32_t slot = near_slot(lower, address, &offset);
    lower_operation2(lower, OP_store64_SO, slot, offset + 4);
    lower_emit(lower, from);
}

/* ---- which memory: 0 without any effort, another by an operation before the access and one after it ---- */

uint32_t lower_read_memory(struct lower *lower, struct wirq_reader *reader) {
    if (WIRQ_WITH_MULTI_MEMORY)
        return read_u32(reader);
    uint32_t reserved = read_byte(reader);
    if (reader->status == WIRQ_OK && reserved != 0)
        lower_fail(lower, WIRQ_BAD_RESERVED_BYTE);
    return 0;
}

static bool has_memory(struct lower *lower, uint32_t memory) {
    lower->memory = memory;
    if (memory >= lower->module->memory_count)
        lower_fail(lower, WIRQ_UNKNOWN_MEMORY);
    return memory < lower->module->memory_count;
}

/* What was emitted before cannot be folded into what comes. */
static void begin_access(struct lower *lower) {
    if (WIRQ_WITH_MULTI_MEMORY && lower->memory != 0)
        lower_operation1(lower, OP_use_memory, lower->memory);
}

static void end_access(struct lower *lower) {
    if (WIRQ_WITH_MULTI_MEMORY && lower->memory != 0)
        lower_operation1(lower, OP_use_memory, 0);
}

void lower_memory(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    enum { HAS_MEMORY = 64 };
    uint32_t align = read_u32(reader);
    uint32_t memory = WIRQ_WITH_MULTI_MEMORY && (align & HAS_MEMORY) != 0 ? read_u32(reader) : 0;
    uint32_t offset = read_u32(reader);
    if (reader->status != WIRQ_OK)
        return;
    uint8_t type = accesses[opcode - FIRST_ACCESS].type;
    uint32_t shift = accesses[opcode - FIRST_ACCESS].shift;
    uint32_t access = accesses[opcode - FIRST_ACCESS].access;
    uint32_t size = 1u << shift;
    if ((align & HAS_MEMORY) != 0 && align < 2 * HAS_MEMORY) {
        if (!WIRQ_WITH_MULTI_MEMORY)
            lower_absent(lower, WIRQ_FEATURE_MULTI_MEMORY);
        align -= HAS_MEMORY;
    }
    if (align > shift)
        lower_fail(lower, WIRQ_BAD_ALIGNMENT);
    if (!has_memory(lower, memory))
        return;

    struct operand address, value;
    if (opcode < FIRST_STORE) {
        stack_pop(lower, WIRQ_I32, &address);
        if (!lower->dead) {
            begin_access(lower);
            load(lower, access, accesses[opcode - FIRST_ACCESS].extend, &address, offset, size, lower->height);
            end_access(lower);
        }
        stack_push(lower, type);
        return;
    }
    stack_pop(lower, type, &value);
    stack_pop(lower, WIRQ_I32, &address);
    if (lower->dead)
        return;
    begin_access(lower);
    if (access == STORE64)
        store64(lower, &address, &value, offset);
    else
        store32(lower, &store_forms[access], &address, &value, offset, size);
    end_access(lower);
}
