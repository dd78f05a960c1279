/* stack_program.c: prints how many bytes of C stack it takes to load a module, instantiate it and call an export, by painting.
 *
 * stack_program MODULE EXPORT ARGUMENT: also prints how the call ended: done and its first result, or the trap. */
#include "port.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_SIZE (1u << 20)
#define ARENA_SIZE (64u << 20)
#define PAINT 0xA5
#define PIECE 97 /* bytes: windows end anywhere */

static const char *path, *export_name;
static uint32_t argument;
static char ending[64];

static void *use_vm(void *unused) {
    (void)unused;
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    struct wirq_config config = {
        .arena = aligned_alloc(8, ARENA_SIZE), .arena_size = ARENA_SIZE, .stack_cells = 1u << 20, .handler_stack_cells = 256};
    CHECK(config.arena != NULL);
    struct wirq_vm *vm = wirq_open(&config);
    struct wirq_module *module;
    struct wirq_instance *instance;
    struct wirq_export export;
    CHECK(vm != NULL && wirq_load_begin(vm, NULL) == WIRQ_OK);
    wirq_status status = WIRQ_OK;
    for (size_t at = 0; status == WIRQ_OK && at < size; at += PIECE)
        status = wirq_load_feed(vm, bytes + at, size - at < PIECE ? size - at : PIECE);
    if (status == WIRQ_OK)
        status = wirq_load_end(vm, &module);
    if (status != WIRQ_OK) {
        snprintf(ending, sizeof ending, "refused %u", (unsigned)status);
    } else {
        CHECK(wirq_instantiate(vm, module, &instance) == WIRQ_OK);
        CHECK(wirq_find_export(instance, export_name, strlen(export_name), &export) == WIRQ_OK);
        CHECK(wirq_call(instance, export.index, &argument, 1) == WIRQ_OK);
        if (wirq_run(vm) == WIRQ_RUN_DONE)
            snprintf(ending, sizeof ending, "done %u", (unsigned)wirq_results(vm)[0]);
        else
            snprintf(ending, sizeof ending, "trap %u", (unsigned)wirq_last_trap(vm)->status);
    }
    free(config.arena);
    free(bytes);
    return NULL;
}

int main(int count, char **arguments) {
    CHECK(count == 4);
    path = arguments[1];
    export_name = arguments[2];
    argument = (uint32_t)strtoul(arguments[3], NULL, 10);
    uint8_t *stack = aligned_alloc(4096, STACK_SIZE);
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(stack != NULL);
    memset(stack, PAINT, STACK_SIZE);
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, stack, STACK_SIZE) == 0);
    CHECK(pthread_create(&thread, &attributes, use_vm, NULL) == 0 && pthread_join(thread, NULL) == 0);
    size_t untouched = 0;
    while (untouched < STACK_SIZE && stack[untouched] == PAINT)
        untouched++;
    printf("%zu %s\n", STACK_SIZE - untouched, ending);
    free(stack);
    return 0;
}
