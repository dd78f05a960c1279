/* arena.h: the one region of memory that everything of a VM lies in, divided into blocks.
 *
 *     | blocks, first fit ... | open block -> |    free    | <- temporary region |
 *     start                   heap_end                     temporary           end
 *
 * Blocks are 8-byte aligned and preceded by a header of 4 bytes. The open block is the place of something whose size shows only
 * while it is written (the code of a module that is being loaded): it owns the free room up to the temporary region, and is closed
 * with the size it came to. The temporary region is what a load works in and gives back; its user may claim room below it, down
 * to the open block. */
#ifndef WIRQ_ARENA_H
#define WIRQ_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *start;     /* header of the first block */
    uint8_t *heap_end;  /* past the last block */
    uint8_t *temporary; /* start of the temporary region; the arena's end if there is none */
    uint8_t *end;
    uint8_t *open;    /* first byte of the open block, or NULL */
    uint32_t used;    /* bytes of blocks, headers included */
    uint32_t peak;    /* the most that blocks, open block and temporary region have taken at once */
    uint32_t refused; /* blocks that were asked for and found no room */
};

/* Begins an empty heap between two addresses, in which `size` bytes fit or fewer. */
void arena_init(struct arena *arena, void *start, uint32_t size);

/* A block of zeroes; NULL if there is no room. Size 0 is a block too. */
void *arena_allocate(struct arena *arena, uint32_t size);

/* The same for an array; NULL also if the product is too large for anything. */
void *arena_allocate_array(struct arena *arena, uint32_t count, uint32_t size);

/* A longer block, with the first `used` bytes of another one, which is freed and may be NULL, and zeroes behind. NULL: there is no
 * room, and the other one is as it was. */
void *arena_extend(struct arena *arena, void *block, uint32_t used, uint32_t size);

/* NULL is allowed, and does nothing. */
void arena_free(struct arena *arena, void *block);

/* Makes a block smaller or, if it is the last one, larger, without moving it. What is new is not zeroed. False if there is no room;
 * the block is then as it was. */
bool arena_resize(struct arena *arena, void *block, uint32_t size);

/* Begins the open block: where it starts, and where the room for it ends is arena->temporary. NULL if there is none at all. */
uint8_t *arena_open(struct arena *arena);

/* Ends the open block with its first `size` bytes used; lowest is how far the temporary region's user came down (for the peak). */
void arena_close(struct arena *arena, uint32_t size, const uint8_t *lowest);

/* Takes `size` bytes, zeroed, at the arena's end; one region at a time. NULL if there is no room. */
void *arena_take_temporary(struct arena *arena, uint32_t size);
void arena_give_temporary(struct arena *arena);

/* The largest block that can be allocated now. */
uint32_t arena_largest_free(const struct arena *arena);

#ifdef WIRQ_TEST_ALLOCATION
/* Test builds only: every allocation whose number, counted down from here, reaches 0 fails. */
extern uint32_t arena_fail_after;

/* Test builds only, defined by the test: told which bytes of the arena may be touched from now on, and which may not, so that an
 * address sanitizer sees what goes wrong within the arena. */
void arena_note_access(const void *from, const void *to, bool allowed);
#endif

#endif
