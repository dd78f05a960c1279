/* bench.c: runs what is counted. All interrupts are held off from the first mark to the last, so nothing can stop it: it is only in
 * builds with WIRQ_BENCH=1, as `wirq bench` makes them for the emulator. */
#include "bench.h"

#include "commands.h"

#if WIRQ_BENCH

#include "app.h"
#include "board.h"
#include "figures.h"
#include "firmware.h"
#include "upload.h"

__attribute__((noinline, cold, used)) void wirq_bench_mark(void) {
    __asm__ volatile("" ::: "memory"); /* so that calls of it are neither merged nor left out */
}

/* Runs what was prepared as far as it goes. */
static inline __attribute__((always_inline)) enum wirq_run run(void) {
    enum wirq_run run;
    do
        run = wirq_run(firmware_vm);
    while (run == WIRQ_RUN_SUSPENDED);
    return run;
}

static wirq_status outcome(struct bench *bench, enum wirq_run run) {
    if (run == WIRQ_RUN_DONE)
        return WIRQ_OK;
    if (run == WIRQ_RUN_WAITING)
        return WIRQ_NOT_SUPPORTED; /* it would wait for an interrupt, and they are held off */
    bench->trapped = true;
    return wirq_last_trap(firmware_vm)->status;
}

static wirq_status call(struct bench *bench, struct wirq_instance *instance, uint32_t function, const uint32_t *cells,
                        uint32_t count) {
    enum wirq_run ran = WIRQ_RUN_DONE;
    wirq_bench_mark();
    wirq_status status = wirq_call(instance, function, cells, count);
    if (status == WIRQ_OK)
        ran = run();
    wirq_bench_mark();
    return status == WIRQ_OK ? outcome(bench, ran) : status;
}

static wirq_status load(struct wirq_module **module) {
    uint32_t size;
    const uint8_t *bytes = upload_bytes(&size);
    wirq_bench_mark();
    wirq_status status = wirq_load(firmware_vm, bytes, size, module);
    wirq_bench_mark();
    return status;
}

static wirq_status prepare(struct bench *bench, const char *name, uint32_t name_length, struct wirq_instance **instance,
                           uint32_t *function) {
    struct wirq_module *module;
    struct wirq_export found;
    bool needed;
    wirq_status status = load(&module);
    if (status == WIRQ_OK) {
        wirq_module_info(module, &bench->module);
        status = wirq_instantiate(firmware_vm, module, instance);
    }
    if (status == WIRQ_OK)
        status = wirq_call_start(*instance, &needed);
    if (status == WIRQ_OK && needed)
        status = outcome(bench, run());
    if (status == WIRQ_OK)
        status = wirq_find_export(*instance, name, name_length, &found);
    if (status == WIRQ_OK && found.kind != WIRQ_FUNCTION)
        status = WIRQ_UNKNOWN_EXPORT;
    if (status == WIRQ_OK)
        *function = found.index;
    return status;
}

wirq_status bench_run(const char *name, uint32_t name_length, const uint32_t *cells, uint32_t count, struct bench *bench) {
    struct wirq_instance *instance;
    uint32_t function = 0;
    const uint8_t *own_frame = __builtin_frame_address(0);
    app_drop();
    *bench = (struct bench){0};
    figures_paint_stack();
    uintptr_t before = board_mask();
    wirq_status status = prepare(bench, name, name_length, &instance, &function);
    if (status == WIRQ_OK)
        status = call(bench, instance, function, cells, count);
    if (status == WIRQ_OK)
        status = call(bench, instance, function, cells, count);
    board_unmask(before);
    if (status == WIRQ_OK) {
        struct figures figures;
        figures_get(&figures);
        bench->arena_peak_bytes = figures.vm.arena_peak;
        bench->wasm_stack_peak_cells = figures.vm.stack_peak_cells;
        bench->c_stack_peak_bytes = figures.c_stack_peak - (uint32_t)(board_memory()->c_stack_top - own_frame);
        bench->cells = wirq_results(firmware_vm);
        bench->cell_count = wirq_function_type(instance, function)->result_cells;
    }
    return status;
}
#endif
