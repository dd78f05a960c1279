/* arena_program.c: checks the arena's promises with random requests: alignment, zeroes, no overlap, nothing lost. */
#include "arena.h"
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 64

struct block {
    uint8_t *bytes;
    uint32_t size;
    uint8_t mark;
};

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)random_state * bound) >> 32);
}

static void check_marks(const struct block *block) {
    for (uint32_t i = 0; i < block->size; i++)
        CHECK(block->bytes[i] == block->mark);
}

static void mark(struct block *block, uint32_t from) {
    for (uint32_t i = from; i < block->size; i++)
        block->bytes[i] = block->mark;
}

static void random_requests(uint32_t seed, uint32_t arena_size, uint32_t skew) {
    uint8_t *memory = aligned_alloc(8, arena_size + 8);
    struct arena arena;
    struct block blocks[BLOCKS] = {{0}};
    random_state = seed;
    arena_init(&arena, memory + skew, arena_size - skew);
    for (uint32_t step = 0; step < 4000; step++) {
        struct block *block = &blocks[random_below(BLOCKS)];
        if (block->bytes == NULL) {
            uint32_t largest = arena_largest_free(&arena);
            block->size = random_below(arena_size / 8);
            block->mark = (uint8_t)(1 + random_below(255));
            block->bytes = arena_allocate(&arena, block->size);
            CHECK((block->bytes != NULL) == (block->size <= largest));
            if (block->bytes == NULL)
                continue;
            CHECK(((uintptr_t)block->bytes & 7) == 0);
            for (uint32_t i = 0; i < block->size; i++)
                CHECK(block->bytes[i] == 0);
            mark(block, 0);
        } else if (random_below(3) == 0) {
            uint32_t old = block->size, size = random_below(arena_size / 6);
            if (arena_resize(&arena, block->bytes, size)) {
                block->size = size < old ? size : old;
                check_marks(block);
                block->size = size;
                mark(block, size < old ? size : old);
            } else {
                CHECK(size > old); /* smaller always works */
            }
        } else {
            check_marks(block);
            arena_free(&arena, block->bytes);
            block->bytes = NULL;
        }
        CHECK(arena.used <= arena.peak);
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].bytes != NULL)
            check_marks(&blocks[i]);
        arena_free(&arena, blocks[i].bytes);
    }
    CHECK(arena.used == 0);
    CHECK(arena.heap_end == arena.start); /* all of it is one free room again */
    free(memory);
}

static void open_block_and_temporary_region(void) {
    uint64_t memory[128];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    uint8_t *first = arena_allocate(&arena, 10);
    uint8_t *second = arena_allocate(&arena, 60);
    uint8_t *temporary = arena_take_temporary(&arena, 100);
    CHECK(second != NULL);
    CHECK(first != NULL && temporary != NULL && temporary + 104 == (uint8_t *)memory + sizeof memory);
    CHECK(arena_allocate(&arena, 2000) == NULL);
    uint8_t *open = arena_open(&arena);
    CHECK(open != NULL && ((uintptr_t)open & 7) == 0);
    CHECK(arena_allocate(&arena, 1) == NULL); /* the open block owns what is free at the end */
    memset(open, 7, (size_t)(temporary - open));
    arena_free(&arena, second); /* the last block before the open one: what lies behind it must not move */
    CHECK(arena_allocate(&arena, 60) == second);
    CHECK(arena_resize(&arena, second, 10));
    arena_close(&arena, 20, temporary - 300);
    CHECK(open[0] == 7 && open[19] == 7);
    arena_free(&arena, second);
    CHECK(arena.peak >= 20 + 300 + 104 + 10);
    uint8_t *next = arena_allocate(&arena, 100);
    CHECK(next != NULL && next >= open + 20 && next < open + 40); /* the rest has been given back */
    CHECK(*next == 0);
    arena_give_temporary(&arena);
    CHECK(arena.temporary == (uint8_t *)memory + sizeof memory);
    arena_free(&arena, first);
    arena_free(&arena, open);
    arena_free(&arena, next);
    CHECK(arena.used == 0 && arena.heap_end == arena.start);
}

static void impossible_sizes(void) {
    uint64_t memory[16];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    CHECK(arena_allocate(&arena, UINT32_MAX) == NULL);
    CHECK(arena_allocate(&arena, UINT32_MAX - 7) == NULL);
    CHECK(arena_allocate_array(&arena, 0x40000001, 4) == NULL); /* the product wraps to 4 in 32 bits */
    CHECK(arena_allocate_array(&arena, 0x20000001, 8) == NULL);
    void *block = arena_allocate(&arena, 8);
    CHECK(block != NULL && !arena_resize(&arena, block, UINT32_MAX));
    arena_init(&arena, memory, 3);
    CHECK(arena_allocate(&arena, 0) == NULL && arena_largest_free(&arena) == 0);
}

int main(void) {
    for (uint32_t seed = 1; seed <= 20; seed++)
        random_requests(seed, seed % 2 != 0 ? 1024 : 65536, 4 * (seed % 2));
    open_block_and_temporary_region();
    impossible_sizes();
    puts("done");
    return 0;
}
