/* figures.c: RAM figures, the C stack's by its paint. */
#include "figures.h"

#include "board.h"
#include "files.h"
#include "firmware.h"
#include "upload.h"

/* What lies below this function's own frame may belong to a caller's leaf function, in the red zone of a 64-bit processor. */
#define MARGIN 192

static uint32_t *stack_bottom(void) {
    return (uint32_t *)(void *)board_memory()->c_stack_bottom;
}

/* The painted words are no objects of C: a sanitizer would see a stack overflow. */
#if defined __SANITIZE_ADDRESS__
#define UNCHECKED __attribute__((no_sanitize_address))
#elif defined __clang__
#define UNCHECKED __attribute__((no_sanitize("address")))
#else
#define UNCHECKED
#endif

UNCHECKED uint32_t figures_stack_peak(void) {
    const volatile uint32_t *word = stack_bottom();
    const uint8_t *top = board_memory()->c_stack_top;
    while ((const volatile uint8_t *)word < top && *word == BOARD_STACK_PAINT)
        word++;
    return (uint32_t)(top - (const uint8_t *)(uintptr_t)word);
}

UNCHECKED void figures_paint_stack(void) {
    uint32_t here;
    uintptr_t end = (uintptr_t)&here - MARGIN;
    for (volatile uint32_t *word = stack_bottom(); (uintptr_t)word < end; word++)
        *word = BOARD_STACK_PAINT;
}

void figures_get(struct figures *figures) {
    const struct board_memory *memory = board_memory();
    wirq_memory_info(firmware_vm, &figures->vm);
    figures->c_stack_size = (uint32_t)(memory->c_stack_top - memory->c_stack_bottom);
    figures->c_stack_peak = figures_stack_peak();
    figures->static_bytes = board_static_bytes();
    figures->ram_size = memory->ram_size;
    uint32_t lent = upload_memory() + files_memory();
    uint32_t claimed = figures->vm.arena_used + lent + figures->c_stack_peak + figures->static_bytes;
    figures->ram_free = claimed < memory->ram_size ? memory->ram_size - claimed : 0;
    figures->vm.arena_size = (uint32_t)memory->arena_size; /* with what an upload or a store has borrowed */
}
