/* bench.h: a load and two calls with nothing else executing in between, for counting instructions from outside. */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

#include "wirq.h"

struct bench {
    struct wirq_module_info module;
    uint32_t arena_peak_bytes, wasm_stack_peak_cells;
    uint32_t c_stack_peak_bytes; /* below the frame of bench_run */
    const uint32_t *cells;       /* results of the second call; valid until the next call */
    uint32_t cell_count;
    bool trapped; /* what failed is a trap of code that ran */
};

/* Loads the committed upload, calls an export twice, drops it. Everything that was loaded before is gone. */
wirq_status bench_run(const char *name, uint32_t name_length, const uint32_t *cells, uint32_t count, struct bench *bench);

/* Passed six times: before and after the load, before and after each call. Whoever counts watches its address. */
void wirq_bench_mark(void);

#endif
