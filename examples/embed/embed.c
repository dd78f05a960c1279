/* embed.c: the VM in a plain program: it loads a module, lets it call a function of ours, interrupts it and prints its result. */
#include <stdio.h>
#include "wirq.h"
#include "wirq_port.h"

/* The port: one thread and no ISRs, so there is nothing to hold off, nobody to wake us, and no need of a clock. */
uint64_t wirq_port_clock_us(void) { return 0; }
uintptr_t wirq_port_mask(void) { return 0; }
void wirq_port_unmask(uintptr_t before) { (void)before; }
void wirq_port_request_safe_point(struct wirq_vm *vm) { wirq_poison(vm); }
void wirq_port_sleep(uint64_t deadline_us) { (void)deadline_us; }

/* The import app.work, of type [i32] -> []. Every third step a device would have interrupted. */
static wirq_status work(struct wirq_vm *vm, uint32_t *cells) {
    if (cells[0] % 3 == 0)
        wirq_raise(vm, 0, 0);
    return WIRQ_OK;
}
static const struct wirq_host_import imports[] = {{"app", "work", "i:", work, true}};

static int failed(const char *what, wirq_status status) {
    printf("%s: status %u\n", what, (unsigned)status);
    return 1;
}

int main(int argc, char **argv) {
    static uint64_t arena[4096]; /* all memory that the VM and its guests have */
    static const char *const sources[] = {"button"};
    static uint8_t bytes[4096];
    struct wirq_config config = {.arena = arena, .arena_size = sizeof arena, .stack_cells = 512, .handler_stack_cells = 128, .source_count = 1, .source_names = sources};
    struct wirq_vm *vm = wirq_open(&config);
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (vm == NULL || file == NULL)
        return failed("open", WIRQ_NO_MEMORY);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct wirq_module *module;
    struct wirq_instance *instance;
    struct wirq_export export;
    uint32_t steps = 10;
    wirq_status status = wirq_provide(vm, imports, 1);
    if (status == WIRQ_OK)
        status = wirq_load(vm, bytes, size, &module); /* validated and lowered; nothing has run */
    if (status == WIRQ_OK)
        status = wirq_instantiate(vm, module, &instance); /* imports resolved, handlers attached */
    if (status == WIRQ_OK)
        status = wirq_find_export(instance, "run", 3, &export);
    if (status == WIRQ_OK)
        status = wirq_call(instance, export.index, &steps, 1);
    if (status != WIRQ_OK)
        return failed("load", status);
    enum wirq_run run;
    while ((run = wirq_run(vm)) == WIRQ_RUN_WAITING)
        wirq_idle(vm, UINT64_MAX); /* sleeps until an interrupt, or until the wait is over */
    if (run == WIRQ_RUN_TRAPPED)
        return failed("trap", wirq_last_trap(vm)->status);
    printf("the guest counted %u interrupts\n", (unsigned)wirq_results(vm)[0]);
    return 0;
}
