/* embedding_program.c: the public interface as a plain program uses it. Argument: the module that test_embedding.py assembles. */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int me;
static uint32_t calls;

/* peek(address, length) -> first byte of the range, or -1 if it is not all in memory */
static wirq_status peek(struct wirq_vm *vm, uint32_t *cells) {
    CHECK(wirq_user(vm) == &me);
    CHECK(wirq_current(vm) != NULL);
    const uint8_t *range = wirq_memory_range(vm, cells[0], cells[1]);
    cells[0] = range == NULL ? UINT32_MAX : *range;
    calls++;
    return WIRQ_OK;
}

static const struct wirq_host_import table[] = {{"env", "peek", "ii:i", peek, true}};
static uint64_t arena[16384];

static struct wirq_vm *open_vm(void) {
    struct wirq_config config = {
        .arena = arena, .arena_size = sizeof arena, .stack_cells = 512, .handler_stack_cells = 128, .user = &me};
    struct wirq_vm *vm = wirq_open(&config);
    CHECK(vm != NULL);
    return vm;
}

static uint32_t call(struct wirq_vm *vm, struct wirq_instance *instance, const char *name, uint32_t a, uint32_t b) {
    struct wirq_export export;
    uint32_t cells[2] = {a, b};
    CHECK(wirq_find_export(instance, name, strlen(name), &export) == WIRQ_OK && export.kind == WIRQ_FUNCTION);
    CHECK(wirq_call(instance, export.index, cells, 2) == WIRQ_OK);
    CHECK(wirq_run(vm) == WIRQ_RUN_DONE);
    return wirq_results(vm)[0];
}

static void one_load_at_a_time(struct wirq_vm *vm, const uint8_t *bytes, size_t size) {
    struct wirq_module *module;
    struct wirq_memory_info before, after;
    wirq_memory_info(vm, &before);
    CHECK(wirq_load_feed(vm, bytes, 1) == WIRQ_BAD_REQUEST); /* none was begun */
    CHECK(wirq_load_end(vm, &module) == WIRQ_BAD_REQUEST && module == NULL);
    CHECK(wirq_load_code_memory(vm, &(struct wirq_code_memory){.base = bytes}) == WIRQ_BAD_REQUEST);
    CHECK(wirq_load_begin(vm, NULL) == WIRQ_OK);
    CHECK(wirq_load_begin(vm, NULL) == WIRQ_BUSY);
    CHECK(wirq_resize_arena(vm, sizeof arena) == WIRQ_BUSY);
    CHECK(wirq_load_feed(vm, bytes, size / 2) == WIRQ_OK);
    wirq_load_abort(vm);
    wirq_load_abort(vm); /* there is none: nothing happens */
    CHECK(wirq_load_begin(vm, NULL) == WIRQ_OK);
    CHECK(wirq_load_feed(vm, (const uint8_t *)"not wasm", 8) == WIRQ_BAD_MAGIC);
    CHECK(wirq_load_feed(vm, bytes, 1) == WIRQ_BAD_MAGIC); /* it is over, and the reason stays */
    CHECK(wirq_load_end(vm, &module) == WIRQ_BAD_MAGIC);
    CHECK(wirq_last_error(vm)->status == WIRQ_BAD_MAGIC && wirq_last_error(vm)->offset == 4);
    wirq_memory_info(vm, &after);
    CHECK(before.arena_used == after.arena_used);
}

static void the_arenas_end_moves(struct wirq_vm *vm) {
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    uint32_t used = info.arena_used;
    CHECK(wirq_resize_arena(vm, used + 4096) == WIRQ_OK);
    wirq_memory_info(vm, &info);
    CHECK(info.arena_size <= used + 4096 && info.arena_largest_free <= 4096 && info.arena_largest_free > 4000);
    CHECK(wirq_resize_arena(vm, used - 64) == WIRQ_NO_MEMORY);
    CHECK(wirq_resize_arena(vm, sizeof arena) == WIRQ_OK);
}

static void the_exports_can_be_listed(const struct wirq_instance *instance) {
    static const char *const names[] = {"peek", "memory", "again"};
    struct wirq_export export;
    const char *name;
    size_t length;
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(wirq_export_at(instance, i, &export, &name, &length) == WIRQ_OK);
        CHECK(length == strlen(names[i]) && memcmp(name, names[i], length) == 0);
    }
    CHECK(export.kind == WIRQ_FUNCTION);
    CHECK(wirq_export_at(instance, 3, &export, &name, &length) == WIRQ_UNKNOWN_EXPORT);
    CHECK(wirq_find_export(instance, "pee", 3, &export) == WIRQ_UNKNOWN_EXPORT);
}

int main(int count, char **arguments) {
    struct wirq_module *module;
    struct wirq_instance *instance;
    uint32_t size;
    size_t length;
    CHECK(count == 2);
    uint8_t *bytes = read_file(arguments[1], &length);

    struct wirq_vm *vm = open_vm();
    for (int i = 0; i < 4; i++)
        CHECK(wirq_provide(vm, table, 1) == WIRQ_OK);
    CHECK(wirq_provide(vm, table, 1) == WIRQ_NO_MEMORY); /* four tables is all */
    CHECK(wirq_features() & 1u << WIRQ_FEATURE_CUSTOM_PAGE_SIZES);
    CHECK(wirq_operation_count() > 100);
    one_load_at_a_time(vm, bytes, length);

    CHECK(wirq_load(vm, bytes, length, &module) == WIRQ_OK);
    CHECK(wirq_instantiate(vm, module, &instance) == WIRQ_OK);
    the_arenas_end_moves(vm);
    the_exports_can_be_listed(instance);
    CHECK(wirq_memory(instance, &size) != NULL && size == 65536);
    CHECK(wirq_memory_at(instance, 1, &size) == NULL && size == 0);
    CHECK(wirq_memory_at(instance, 0, &size) == wirq_memory(instance, &size));
    CHECK(wirq_throw(instance, 0, NULL) == WIRQ_UNKNOWN_TAG);
    CHECK(wirq_reference(instance, 0) != WIRQ_NULL_REFERENCE && wirq_reference(instance, 10000) == WIRQ_NULL_REFERENCE);
    CHECK(call(vm, instance, "peek", 3, 1) == 'd');
    CHECK(call(vm, instance, "again", 65535, 1) == 0); /* the host's function itself */
    CHECK(call(vm, instance, "peek", 65535, 2) == UINT32_MAX);
    CHECK(call(vm, instance, "peek", UINT32_MAX, 2) == UINT32_MAX);
    CHECK(calls == 4);

    wirq_unload(vm, module); /* it has an instance: nothing happens */
    CHECK(call(vm, instance, "peek", 0, 1) == 'a');
    wirq_release(vm, instance);
    CHECK(wirq_memory_range(vm, 0, 0) == NULL); /* nothing is current any more */
    wirq_unload(vm, module);
    wirq_unload(vm, module); /* a second time does no harm */
    free(bytes);
    puts("done");
    return 0;
}
