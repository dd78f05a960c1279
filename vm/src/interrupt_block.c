/* interrupt_block.c: the interrupt block in a guest's memory (interrupts.md section 4, storage mode shadow of section 6).
 *
 * ISRs never touch it: the thread publishes their counters at safe points and host calls (R28, level C2). The guest may have
 * overwritten any word, so what is read from the block is only ever compared (R9, R20). */
#include "vm.h"
#include "wirq_port.h"

enum { /* offsets, see the table of section 4 */
       BLOCK_MAGIC = 0,
       BLOCK_VERSION_N = 4,
       BLOCK_DOORBELL = 8,
       BLOCK_DEPTH = 12,
       BLOCK_THRESHOLD = 16,
       BLOCK_NEED = 20,
       BLOCK_LEVEL = 24,
       BLOCK_DELIVERED = 28,
       BLOCK_FAULTS = 32,
       BLOCK_SIZE = 64,
       SLOT_RAISED = 0,
       SLOT_ACKED = 4,
       SLOT_ARGUMENT = 8,
       SLOT_STAMP = 12,
       SLOT_HEAD = 16,
       SLOT_TAIL = 20,
       SLOT_RING_OFFSET = 24,
       SLOT_RING_SHAPE = 28,
       SLOT_SIZE = 32,
};

#define MAGIC ('W' | 'I' << 8 | 'R' << 16 | (uint32_t)'Q' << 24) /* "WIRQ" */

/* Memories and the block in them are 8-byte aligned, and so a word is one access where the core wants alignment, too. */
static uint32_t get_word(const uint8_t *p) {
    uint32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(p, sizeof word), sizeof word);
    return word;
}

static void put_word(uint8_t *p, uint32_t word) {
    __builtin_memcpy(__builtin_assume_aligned(p, sizeof word), &word, sizeof word);
}

/* The memory may have moved since, but it never shrinks. */
static uint8_t *block_bytes(const struct wirq_vm *vm) {
    return vm->block.memory->base + vm->block.address;
}

/* ---- rings ---- */

#if WIRQ_WITH_RINGS

void interrupt_close_block(struct wirq_vm *vm) {
    struct source *s = vm->sources, *end = s + vm->source_count;
    vm->block.instance = NULL;
    vm->block.records = 0;
    for (; s < end; s++) {
        struct ring *ring = s->ring;
        s->ring = NULL; /* first: from here on no ISR reaches it */
        arena_free(&vm->arena, ring);
    }
}

/* Makes the ring that a slot describes, empty, if it describes one. What the guest's words say later does not matter (R20). */
static wirq_status open_ring(struct wirq_vm *vm, struct source *s, const uint8_t *slot, uint32_t memory_size) {
    uint32_t address = get_word(slot + SLOT_RING_OFFSET), shape = get_word(slot + SLOT_RING_SHAPE);
    if ((address | shape) == 0)
        return WIRQ_OK;
    if ((address & 3) != 0 || (shape & 0xFF) != sizeof(struct ring_record) || shape >> 8 > WIRQ_MAX_RING_LOG2)
        return WIRQ_BAD_BLOCK;
    uint32_t bytes = (uint32_t)sizeof(struct ring_record) << (shape >> 8);
    if (!in_bounds(address, bytes, memory_size))
        return WIRQ_BAD_BLOCK;
    struct ring *ring = arena_allocate(&vm->arena, (uint32_t)sizeof *ring + bytes);
    if (ring == NULL)
        return WIRQ_NO_MEMORY;
    vm->block.records += bytes / sizeof *ring->records;
    ring->last = bytes / sizeof *ring->records - 1;
    ring->address = address;
    s->ring = ring;
    return WIRQ_OK;
}

/* Copies new records, and looks what the guest has taken out. */
static void publish_ring(struct wirq_vm *vm, struct ring *ring, uint8_t *slot) {
    uint32_t head = ring->head, i = ring->published;
    ring->published = head;
    for (; i != head; i++) {
        struct ring_record *from = &ring->records[i & ring->last];
        uint8_t *to = vm->block.memory->base + ring->address + ((uint8_t *)from - (uint8_t *)ring->records);
        put_word(to, from->argument);
        put_word(to + 4, from->stamp);
    }
    put_word(slot + SLOT_HEAD, head);
    ring->tail = get_word(slot + SLOT_TAIL);
}

#else

void interrupt_close_block(struct wirq_vm *vm) {
    vm->block.instance = NULL;
}

static wirq_status open_ring(struct wirq_vm *vm, struct source *s, const uint8_t *slot, uint32_t memory_size) {
    (void)vm, (void)s, (void)memory_size;
    return (get_word(slot + SLOT_RING_OFFSET) | get_word(slot + SLOT_RING_SHAPE)) == 0 ? WIRQ_OK : WIRQ_NOT_SUPPORTED;
}

#endif

/* ---- the block ---- */

wirq_status interrupt_register_block(struct wirq_instance *instance, uint32_t address, uint32_t length, uint32_t version) {
    struct wirq_vm *vm = instance->vm;
    uint32_t size;
    const uint8_t *block = wirq_memory(instance, &size); /* no memory has size 0 */
    if (version != 1 || address % 8 != 0 || !in_bounds(address, BLOCK_SIZE, size))
        return WIRQ_BAD_BLOCK;
    block += address;
    uint32_t version_n = get_word(block + BLOCK_VERSION_N);
    uint32_t slots = version_n >> 16, whole = BLOCK_SIZE + slots * SLOT_SIZE;
    if (get_word(block + BLOCK_MAGIC) != MAGIC || (version_n & 0xFFFF) != 1 || slots == 0 || whole > length ||
        !in_bounds(address, whole, size))
        return WIRQ_BAD_BLOCK;
    if (vm->block.instance != NULL && vm->block.instance != instance)
        return WIRQ_BUSY;
    interrupt_close_block(vm);
    if (slots > vm->source_count)
        slots = vm->source_count;
    struct source *s = vm->sources, *end = s + slots;
    wirq_status status = WIRQ_OK;
    for (const uint8_t *slot = block + BLOCK_SIZE; s < end && status == WIRQ_OK; s++, slot += SLOT_SIZE)
        status = open_ring(vm, s, slot, size);
    if (status == WIRQ_OK)
        status = interrupt_check_latency(vm); /* R69: rings lengthen the bound */
    if (status != WIRQ_OK) {
        interrupt_close_block(vm);
        return status;
    }
    vm->block.instance = instance;
    vm->block.memory = instance->memories[0];
    vm->block.address = address;
    vm->block.slots = slots;
    interrupt_publish_level(vm);
    interrupt_publish(vm);
    return WIRQ_OK;
}

uint32_t interrupt_depth(const struct wirq_vm *vm) {
    return vm->block.instance == NULL ? 0 : get_word(block_bytes(vm) + BLOCK_DEPTH);
}

/* R35. A guest holds back its own handlers only. */
bool interrupt_masked_by_guest(const struct wirq_vm *vm, const struct source *source) {
    if (vm->block.instance == NULL || vm->block.instance != source->instance)
        return false;
    if (vm->waiting && vm->wait_kind == WAIT_GUEST) /* R50 */
        return false;
    const uint8_t *block = block_bytes(vm);
    uint32_t depth = get_word(block + BLOCK_DEPTH);
    if (vm_in_handler(vm) && vm->is_open)
        return depth > vm->open_depth;
    return depth != 0 || get_word(block + BLOCK_THRESHOLD) <= source->priority;
}

bool interrupt_acknowledged(const struct wirq_vm *vm, const struct source *s) {
    uint32_t seen = s->taken;
    if (vm->block.instance != NULL && s->number < vm->block.slots)
        seen = get_word(block_bytes(vm) + BLOCK_SIZE + s->number * SLOT_SIZE + SLOT_ACKED);
    return s->raised == seen;
}

void interrupt_hold(struct wirq_vm *vm) {
    put_word(block_bytes(vm) + BLOCK_NEED, 1);
}

void interrupt_publish_level(struct wirq_vm *vm) {
    uint8_t *block = block_bytes(vm);
    put_word(block + BLOCK_LEVEL, vm->level);
    put_word(block + BLOCK_DELIVERED, vm->block.delivered);
    put_word(block + BLOCK_FAULTS, vm->block.faults);
}

void interrupt_publish(struct wirq_vm *vm) {
    uint8_t *block = block_bytes(vm), *slot = block + BLOCK_SIZE;
    struct source *s = vm->sources, *end = s + vm->block.slots;
    for (; s < end; s++, slot += SLOT_SIZE) {
        uint32_t told = get_word(slot + SLOT_RAISED);
        uint32_t stamp = s->stamp;
        if (!s->attached || s->class_ == WIRQ_CLASS_POLLED) /* nobody else takes the mark, and the next raise is to be stamped */
            vm->pending[s->number] = false;
        uint32_t raised = s->raised;
#if WIRQ_WITH_RINGS
        struct ring *ring = s->ring;
        if (ring != NULL)
            publish_ring(vm, ring, slot); /* after raised was read: head may know a raise more, never one less */
#endif
        if (raised == told)
            continue;
        if (told == get_word(slot + SLOT_ACKED))
            put_word(slot + SLOT_STAMP, stamp); /* the first that is not yet acknowledged */
        put_word(slot + SLOT_ARGUMENT, s->argument);
        put_word(slot + SLOT_RAISED, raised); /* R15: what belongs to it is there, and the doorbell comes last */
        put_word(block + BLOCK_DOORBELL, 1);
    }
    /* R38: a guest that leaves its critical section without asking is noticed at a host call too. */
    if (vm->held != 0 && interrupt_deliverable(vm))
        wirq_port_request_safe_point(vm);
}
