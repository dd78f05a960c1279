/* arena.c: the block allocator of a VM's memory.
 *
 * A header word holds the block's size, itself included and a multiple of 8, and whether it is used. Headers lie 4 bytes before a
 * multiple of 8. A VM has a few dozen blocks, so walking them is cheaper than links would be. */
#include "arena.h"
#include "bytes.h"

#define USED 1u
#define HEADER 4u

#ifdef WIRQ_TEST_ALLOCATION
uint32_t arena_fail_after;

static bool fails_now(void) {
    return arena_fail_after != 0 && --arena_fail_after == 0;
}
#else
static inline bool fails_now(void) {
    return false;
}
static inline void arena_note_access(const void *from, const void *to, bool allowed) {
    (void)from;
    (void)to;
    (void)allowed;
}
#endif

static uint32_t get_header(const uint8_t *header) {
    uint32_t word;
    __builtin_memcpy(&word, header, sizeof word);
    return word;
}

static void set_header(uint8_t *header, uint32_t word) {
    __builtin_memcpy(header, &word, sizeof word);
}

static uint32_t block_size(const uint8_t *header) {
    return get_header(header) & ~USED;
}

static bool is_used(const uint8_t *header) {
    return get_header(header) & USED;
}

/* Bytes from one address up to another, which is not below it. */
static uint32_t distance(const uint8_t *from, const uint8_t *to) {
    return (uint32_t)(to - from);
}

/* Size of a block for `size` bytes, or 0 if that is more than any arena has. */
static uint32_t whole_size(uint32_t size) {
    return size > UINT32_MAX - 16 ? 0 : (size + HEADER + 7) & ~7u;
}

static void note_peak(struct arena *arena, uint32_t more) {
    uint32_t now = arena->used + distance(arena->temporary, arena->end) + more;
    if (now > arena->peak)
        arena->peak = now;
}

void arena_init(struct arena *arena, void *start, uint32_t size) {
    uint8_t *first = start;
    uint32_t skip = (HEADER - (uint32_t)((uintptr_t)start & 7)) & 7; /* the first header lies 4 bytes before a multiple of 8 */
    uint32_t rest = (uint32_t)(((uintptr_t)start + size) & 7);       /* and the temporary region ends at one */
    memset(arena, 0, sizeof *arena);
    if (size < skip + rest)
        skip = rest = size = 0;
    arena->start = arena->heap_end = first + skip;
    arena->end = arena->temporary = first + (size - rest);
    arena_note_access(arena->start, arena->end, false);
}

/* Joins free blocks that follow one another, and gives those at the end back to the free room. */
static void coalesce(struct arena *arena) {
    uint8_t *p = arena->start;
    while (p != arena->heap_end) {
        uint8_t *next = p + block_size(p);
        if (!is_used(p)) {
            while (next != arena->heap_end && !is_used(next))
                next += block_size(next);
            if (next == arena->heap_end && arena->open == NULL) { /* the open block begins there: it stays */
                arena->heap_end = p;
                return;
            }
            set_header(p, distance(p, next));
        }
        p = next;
    }
}

/* Free room after the last block, in whole blocks. */
static uint32_t room(const struct arena *arena) {
    return arena->open ? 0 : distance(arena->heap_end, arena->temporary) & ~7u;
}

void *arena_allocate(struct arena *arena, uint32_t size) {
    uint32_t whole = whole_size(size);
    uint8_t *p = arena->start;
    while (p != arena->heap_end && (is_used(p) || block_size(p) < whole))
        p += block_size(p);
    if (whole == 0 || (p == arena->heap_end && room(arena) < whole) || fails_now()) {
        arena->refused++;
        return NULL;
    }
    if (p == arena->heap_end) {
        arena->heap_end += whole;
    } else if (block_size(p) != whole) {
        set_header(p + whole, block_size(p) - whole);
    }
    set_header(p, whole | USED);
    arena->used += whole;
    note_peak(arena, 0);
    arena_note_access(p + HEADER, p + whole, true);
    memset(p + HEADER, 0, whole - HEADER);
    arena_note_access(p + HEADER + size, p + whole, false);
    return p + HEADER;
}

void *arena_allocate_array(struct arena *arena, uint32_t count, uint32_t size) {
    uint64_t bytes = (uint64_t)count * size;
    return arena_allocate(arena, bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes);
}

void arena_free(struct arena *arena, void *block) {
    if (block == NULL)
        return;
    uint8_t *header = (uint8_t *)block - HEADER;
    uint32_t whole = block_size(header);
    arena->used -= whole;
    set_header(header, whole);
    arena_note_access(block, header + whole, false);
    coalesce(arena);
}

void *arena_extend(struct arena *arena, void *block, uint32_t used, uint32_t size) {
    void *longer = arena_allocate(arena, size);
    if (longer == NULL)
        return NULL;
    if (used != 0)
        memcpy(longer, block, used);
    arena_free(arena, block);
    return longer;
}

bool arena_resize(struct arena *arena, void *block, uint32_t size) {
    uint8_t *header = (uint8_t *)block - HEADER;
    uint32_t old = block_size(header), whole = whole_size(size);
    uint8_t *next = header + old;
    if (whole == 0)
        return false;
    if (whole > old) {
        uint32_t more = whole - old;
        if (fails_now())
            return false;
        if (next != arena->heap_end || room(arena) < more)
            return false;
        arena->heap_end += more;
    } else if (whole < old) {
        set_header(header + whole, old - whole);
    }
    set_header(header, whole | USED);
    arena_note_access(block, (uint8_t *)block + size, true);
    arena_note_access((uint8_t *)block + size, header + (whole > old ? whole : old), false);
    arena->used += whole - old;
    note_peak(arena, 0);
    coalesce(arena);
    return true;
}

uint8_t *arena_open(struct arena *arena) {
    if (room(arena) < 8 || fails_now())
        return NULL;
    arena->open = arena->heap_end + HEADER;
    arena_note_access(arena->open, arena->temporary, true);
    return arena->open;
}

void arena_close(struct arena *arena, uint32_t size, const uint8_t *lowest) {
    uint32_t whole = whole_size(size);
    uint8_t *header = arena->heap_end;
    arena->open = NULL;
    note_peak(arena, whole + distance(lowest, arena->temporary));
    set_header(header, whole | USED);
    arena_note_access(header + HEADER + size, arena->temporary, false);
    arena->heap_end += whole;
    arena->used += whole;
}

void *arena_take_temporary(struct arena *arena, uint32_t size) {
    uint32_t whole = (size + 7) & ~7u;
    if (room(arena) < whole || fails_now())
        return NULL;
    arena->temporary -= whole;
    note_peak(arena, 0);
    arena_note_access(arena->temporary, arena->temporary + whole, true);
    return memset(arena->temporary, 0, whole);
}

void arena_give_temporary(struct arena *arena) {
    arena_note_access(arena->temporary, arena->end, false);
    arena->temporary = arena->end;
}

uint32_t arena_largest_free(const struct arena *arena) {
    uint32_t largest = room(arena);
    for (const uint8_t *p = arena->start; p != arena->heap_end; p += block_size(p)) {
        if (!is_used(p) && block_size(p) > largest)
            largest = block_size(p);
    }
    return largest < 8 ? 0 : largest - HEADER;
}
