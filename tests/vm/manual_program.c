/* manual_program.c: what wirq.h says of modules, instances, calls and their errors, held to its word. Arguments: the modules that
 * test_manual.py assembles: a library, one that imports all of it, one whose start function traps. */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIBRARY, IMPORTER, TRAPPING, FILES };
enum { SOURCES = 2 };

static struct {
    uint8_t *bytes;
    size_t size;
} files[FILES];

static uint64_t arenas[2][40000];
static uint32_t host_calls;

/* twice(x) -> 2 x */
static wirq_status twice(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    host_calls++;
    cells[0] *= 2;
    return WIRQ_OK;
}

static const struct wirq_host_import imports[] = {{"host", "twice", "i:i", twice, true}};
static const char *const source_names[SOURCES] = {"one", "two"};

static struct wirq_config configuration(uint32_t which) {
    return (struct wirq_config){.arena = arenas[which],
                                .arena_size = sizeof arenas[which],
                                .stack_cells = 256,
                                .handler_stack_cells = 128,
                                .source_count = SOURCES,
                                .source_names = source_names};
}

static struct wirq_vm *open_vm(uint32_t which) {
    struct wirq_config config = configuration(which);
    struct wirq_vm *vm = wirq_open(&config);
    CHECK(vm != NULL);
    CHECK(wirq_provide(vm, imports, 1) == WIRQ_OK);
    return vm;
}

static uint32_t used(const struct wirq_vm *vm) {
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    return info.arena_used;
}

static struct wirq_module *load(struct wirq_vm *vm, uint32_t file) {
    struct wirq_module *module;
    CHECK(wirq_load(vm, files[file].bytes, files[file].size, &module) == WIRQ_OK);
    return module;
}

static struct wirq_instance *make(struct wirq_vm *vm, struct wirq_module *module) {
    struct wirq_instance *instance;
    CHECK(wirq_instantiate(vm, module, &instance) == WIRQ_OK);
    return instance;
}

static uint32_t find(const struct wirq_instance *instance, const char *name) {
    struct wirq_export export;
    CHECK(wirq_find_export(instance, name, strlen(name), &export) == WIRQ_OK);
    return export.index;
}

static enum wirq_run run(struct wirq_vm *vm) {
    enum wirq_run run;
    while ((run = wirq_run(vm)) == WIRQ_RUN_SUSPENDED) {
    }
    return run;
}

static uint32_t call(struct wirq_vm *vm, struct wirq_instance *instance, const char *name) {
    CHECK(wirq_call(instance, find(instance, name), NULL, 0) == WIRQ_OK);
    CHECK(run(vm) == WIRQ_RUN_DONE);
    return wirq_results(vm)[0];
}

static void start(struct wirq_vm *vm, struct wirq_instance *instance) {
    bool needed;
    CHECK(wirq_call_start(instance, &needed) == WIRQ_OK);
    if (needed)
        CHECK(run(vm) == WIRQ_RUN_DONE);
}

/* ---- several at once ---- */

static void instances_of_one_module_share_code_and_nothing_else(struct wirq_vm *vm) {
    uint32_t before = used(vm);
    struct wirq_module *module = load(vm, LIBRARY);
    struct wirq_module_info info;
    wirq_module_info(module, &info);
    uint32_t loaded = used(vm);
    CHECK(loaded - before == info.module_bytes && info.lowered_code_bytes > 0);
    struct wirq_instance *instances[3];
    for (uint32_t i = 0; i < 3; i++) {
        instances[i] = make(vm, module);
        start(vm, instances[i]);
    }
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i <= round; i++)
            (void)call(vm, instances[i], "count");
    }
    CHECK(call(vm, instances[0], "count") == 104); /* the start function has set it to 100 */
    CHECK(call(vm, instances[1], "count") == 103);
    CHECK(call(vm, instances[2], "count") == 102);
    uint32_t sizes[3];
    uint8_t *memories[3];
    for (uint32_t i = 0; i < 3; i++)
        memories[i] = wirq_memory(instances[i], &sizes[i]);
    CHECK(memories[0] != memories[1] && memories[1] != memories[2] && sizes[0] == 256 && sizes[2] == 256);
    wirq_unload(vm, module); /* it has instances: nothing happens */
    CHECK(call(vm, instances[1], "count") == 104);
    wirq_release(vm, instances[1]); /* any order */
    CHECK(call(vm, instances[2], "count") == 103);
    wirq_release(vm, instances[0]);
    wirq_release(vm, instances[2]);
    wirq_unload(vm, module);
    wirq_reset(vm); /* the list of instances, too */
    CHECK(used(vm) == before);
}

static void modules_import_from_instances_and_from_the_host(struct wirq_vm *vm) {
    uint32_t before = used(vm);
    struct wirq_module *library = load(vm, LIBRARY), *importer = load(vm, IMPORTER);
    struct wirq_instance *nobody, *first = make(vm, library), *second = make(vm, library);
    start(vm, first);
    start(vm, second);
    CHECK(wirq_instantiate(vm, importer, &nobody) == WIRQ_UNKNOWN_IMPORT && nobody == NULL);
    CHECK(wirq_last_error(vm)->status == WIRQ_UNKNOWN_IMPORT && wirq_last_error(vm)->detail == 0);
    char name[] = "library, and more"; /* names need not be terminated */
    CHECK(wirq_register(vm, name, 7, first) == WIRQ_OK);
    struct wirq_instance *of_first = make(vm, importer);
    CHECK(wirq_register(vm, name, 7, second) == WIRQ_OK); /* the name moves */
    struct wirq_instance *of_second = make(vm, importer);
    (void)call(vm, second, "count");
    host_calls = 0;
    CHECK(call(vm, of_first, "twice_the_count") == 2 * 101);
    CHECK(call(vm, of_second, "twice_the_count") == 2 * 102);
    CHECK(host_calls == 2);
    CHECK(call(vm, of_first, "shared") == 101 && call(vm, of_second, "shared") == 102); /* its global, memory and table */
    wirq_release(vm, of_first);                                                         /* importers first */
    wirq_release(vm, first);
    CHECK(call(vm, of_second, "twice_the_count") == 2 * 103);
    wirq_release(vm, of_second);
    wirq_release(vm, second);
    wirq_unload(vm, importer);
    wirq_unload(vm, library);
    wirq_reset(vm);
    CHECK(used(vm) == before);
}

/* Every order in which three modules with two instances each can go, and a reset in the middle of it. */
static void everything_is_given_back_in_any_order(struct wirq_vm *vm) {
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    uint32_t before = used(vm);
    for (uint32_t order = 0; order < 6; order++) {
        for (uint32_t kept = 0; kept < 3; kept++) {
            struct wirq_module *modules[3];
            struct wirq_instance *instances[3][2];
            for (uint32_t i = 0; i < 3; i++) {
                modules[i] = load(vm, LIBRARY);
                instances[i][0] = make(vm, modules[i]);
                instances[i][1] = make(vm, modules[i]);
            }
            for (uint32_t i = 0; i < 3 - kept; i++) {
                uint32_t one = orders[order][i];
                wirq_release(vm, instances[one][i & 1]);
                wirq_release(vm, instances[one][~i & 1]);
                wirq_unload(vm, modules[one]);
            }
            wirq_reset(vm);
            CHECK(used(vm) == before);
        }
    }
}

static void two_vms_share_nothing(struct wirq_vm *vm) {
    struct wirq_vm *other = open_vm(1);
    struct wirq_instance *here = make(vm, load(vm, LIBRARY)), *there = make(other, load(other, LIBRARY));
    CHECK(wirq_call(here, find(here, "count"), NULL, 0) == WIRQ_OK); /* one is in the middle of a call */
    CHECK(call(other, there, "count") == 1 && call(other, there, "count") == 2);
    wirq_reset(other);
    CHECK(run(vm) == WIRQ_RUN_DONE && wirq_results(vm)[0] == 1);
    wirq_reset(vm);
}

/* ---- start functions ---- */

static void a_start_function_runs_once_and_when_it_is_asked_to(struct wirq_vm *vm) {
    bool needed;
    struct wirq_instance *instance = make(vm, load(vm, LIBRARY));
    CHECK(call(vm, instance, "count") == 1);
    CHECK(wirq_call_start(instance, &needed) == WIRQ_OK && needed && run(vm) == WIRQ_RUN_DONE);
    CHECK(wirq_call_start(instance, &needed) == WIRQ_OK && !needed);
    CHECK(wirq_run(vm) == WIRQ_RUN_DONE); /* nothing was prepared */
    CHECK(call(vm, instance, "count") == 101);

    struct wirq_instance *trapping = make(vm, load(vm, TRAPPING));
    for (uint32_t i = 0; i < 2; i++) { /* it may be tried again */
        CHECK(wirq_call_start(trapping, &needed) == WIRQ_OK && needed && run(vm) == WIRQ_RUN_TRAPPED);
        CHECK(wirq_last_trap(vm)->status == WIRQ_TRAP_UNREACHABLE && wirq_last_trap(vm)->instance == trapping);
    }
    CHECK(call(vm, trapping, "tries") == 2);
    CHECK(call(vm, instance, "count") == 102); /* the others are well */
    wirq_reset(vm);
}

/* ---- errors ---- */

enum { WIDE = 600 }; /* cells, more than the stack has */

static void calls_are_refused_for_a_reason(struct wirq_vm *vm) {
    static const uint32_t wide[WIDE];
    bool needed;
    uint16_t type;
    uint32_t cells[2] = {0, 0};
    struct wirq_instance *instance = make(vm, load(vm, LIBRARY)), *trapping = make(vm, load(vm, TRAPPING));
    uint32_t count = find(instance, "count");
    CHECK(wirq_call(instance, 1000, NULL, 0) == WIRQ_UNKNOWN_FUNCTION);
    CHECK(wirq_call(instance, count, cells, 1) == WIRQ_ARGUMENT_TYPES);
    CHECK(wirq_call(trapping, find(trapping, "wide"), wide, WIDE) == WIRQ_TRAP_STACK_EXHAUSTED);
    CHECK(wirq_call(trapping, find(trapping, "deep"), NULL, 0) == WIRQ_OK && run(vm) == WIRQ_RUN_TRAPPED);
    CHECK(wirq_last_trap(vm)->status == WIRQ_TRAP_STACK_EXHAUSTED);
    CHECK(wirq_global_get(instance, 1000, &type, cells) == WIRQ_UNKNOWN_GLOBAL);
    CHECK(wirq_call(instance, count, NULL, 0) == WIRQ_OK);
    CHECK(wirq_call(instance, count, NULL, 0) == WIRQ_BUSY);
    CHECK(wirq_call(trapping, find(trapping, "tries"), NULL, 0) == WIRQ_BUSY); /* one call a VM */
    CHECK(wirq_call_start(instance, &needed) == WIRQ_BUSY);
    CHECK(wirq_react(instance) == WIRQ_BUSY);
    struct wirq_module *meanwhile = load(vm, LIBRARY); /* a load may go on beside it */
    CHECK(run(vm) == WIRQ_RUN_DONE && wirq_results(vm)[0] == 1);
    wirq_unload(vm, meanwhile);
    wirq_stop(vm); /* nothing runs: nothing happens, later neither */
    CHECK(call(vm, instance, "count") == 2);
    CHECK(wirq_react(instance) == WIRQ_OK && wirq_run(vm) == WIRQ_RUN_WAITING);
    CHECK(wirq_call(instance, count, NULL, 0) == WIRQ_BUSY);
    wirq_stop(vm);
    CHECK(run(vm) == WIRQ_RUN_TRAPPED && wirq_last_trap(vm)->status == WIRQ_TRAP_STOPPED);
    CHECK(call(vm, instance, "count") == 3);
    wirq_reset(vm);
}

static void sources_and_handlers_are_checked(struct wirq_vm *vm) {
    struct wirq_source_info info;
    struct wirq_instance *instance = make(vm, load(vm, LIBRARY)), *other = make(vm, load(vm, LIBRARY));
    uint32_t handler = find(instance, "handler");
    wirq_raise(vm, SOURCES, 0); /* out of range: ignored */
    CHECK(wirq_source(vm, SOURCES, &info) == WIRQ_UNKNOWN_SOURCE && wirq_detach(vm, SOURCES) == WIRQ_UNKNOWN_SOURCE);
    CHECK(wirq_enable(vm, SOURCES, true) == WIRQ_UNKNOWN_SOURCE);
    CHECK(wirq_bind(vm, SOURCES, WIRQ_CLASS_FORCED) == WIRQ_UNKNOWN_SOURCE);
    CHECK(wirq_budget(vm, SOURCES, 1, 1, 1) == WIRQ_UNKNOWN_SOURCE);
    CHECK(wirq_set_policy(vm, SOURCES, WIRQ_POLICY_CONTAIN) == WIRQ_UNKNOWN_SOURCE);
    CHECK(wirq_attach(instance, SOURCES, handler, 0, 0) == WIRQ_UNKNOWN_SOURCE);
    CHECK(wirq_attach(instance, 0, 1000, 0, 0) == WIRQ_UNKNOWN_FUNCTION);
    CHECK(wirq_attach(instance, 0, find(instance, "count"), 0, 0) == WIRQ_HANDLER_TYPE);
    CHECK(wirq_attach(instance, 0, handler, 0, wirq_levels()) == WIRQ_BAD_PRIORITY);
    CHECK(wirq_attach(instance, 0, handler, 7, 0) == WIRQ_OK);
    CHECK(wirq_attach(other, 0, handler, 7, 0) == WIRQ_BUSY);
    CHECK(wirq_source(vm, 0, &info) == WIRQ_OK && info.attached && info.name == source_names[0]);
    wirq_release(vm, instance); /* takes its handler along */
    CHECK(wirq_source(vm, 0, &info) == WIRQ_OK && !info.attached);
    CHECK(wirq_attach(other, 0, handler, 7, 0) == WIRQ_OK);
    wirq_reset(vm);
    CHECK(wirq_source(vm, 0, &info) == WIRQ_OK && !info.attached);
}

static void configurations_that_make_no_vm(void) {
    struct wirq_config good = configuration(1), config = good;
    CHECK(wirq_open(&config) != NULL);
    config.arena = NULL;
    CHECK(wirq_open(&config) == NULL);
    config = good;
    config.arena = (uint8_t *)arenas[1] + 4;
    CHECK(wirq_open(&config) == NULL);
    for (size_t size = 0; size < 2000; size += 8) {
        config = good;
        config.arena_size = size;
        CHECK(wirq_open(&config) == NULL);
    }
    config = good;
    config.stack_cells = 4;
    CHECK(wirq_open(&config) == NULL);
    config = good;
    config.stack_cells = UINT32_MAX;
    CHECK(wirq_open(&config) == NULL);
    config = good;
    config.handler_stack_cells = 4;
    CHECK(wirq_open(&config) == NULL);
    config = good;
    config.source_count = 33;
    CHECK(wirq_open(&config) == NULL);
    config = good;
    config.source_names = NULL;
    CHECK(wirq_open(&config) == NULL);
}

static void no_handlers_without_a_stack_for_them(void) {
    struct wirq_config config = configuration(1);
    config.handler_stack_cells = 0;
    struct wirq_vm *vm = wirq_open(&config);
    CHECK(vm != NULL);
    struct wirq_instance *instance = make(vm, load(vm, LIBRARY));
    CHECK(wirq_attach(instance, 0, find(instance, "handler"), 0, 0) == WIRQ_NOT_SUPPORTED);
    wirq_reset(vm);
}

int main(int count, char **arguments) {
    CHECK(count == 1 + FILES);
    for (int i = 0; i < FILES; i++)
        files[i].bytes = read_file(arguments[1 + i], &files[i].size);
    struct wirq_vm *vm = open_vm(0);
    instances_of_one_module_share_code_and_nothing_else(vm);
    modules_import_from_instances_and_from_the_host(vm);
    everything_is_given_back_in_any_order(vm);
    two_vms_share_nothing(vm);
    a_start_function_runs_once_and_when_it_is_asked_to(vm);
    calls_are_refused_for_a_reason(vm);
    sources_and_handlers_are_checked(vm);
    configurations_that_make_no_vm();
    no_handlers_without_a_stack_for_them();
    for (int i = 0; i < FILES; i++)
        free(files[i].bytes);
    puts("done");
    return 0;
}
