/* figures.h: where the board's RAM went. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>

#include "wirq.h"

struct figures {
    struct wirq_memory_info vm;
    uint32_t c_stack_peak, c_stack_size;
    uint32_t static_bytes, ram_size;
    uint32_t ram_free; /* what nothing has claimed: free arena and untouched C stack */
};
void figures_get(struct figures *figures);

/* Paints the C stack below the caller anew, so that the peak is that of what follows. */
void figures_paint_stack(void);
uint32_t figures_stack_peak(void);

#endif
