/* loading.c: modules are fed to the VM, whole and in pieces, with their code in the arena and outside of it. */
#include "driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *module_bytes[MAX_HANDLES], *module_code[MAX_HANDLES];
static char *registered_names[MAX_HANDLES];
static uint32_t name_count;

/* How loads treat lowered code: it goes to the arena; to memory of the driver's, as to flash; there, and is found again by a second
 * load, for which the code section is overwritten, as nobody reads it any more. */
static enum { CODE_IN_ARENA, CODE_OUTSIDE, CODE_FOUND_AGAIN } code_mode;

struct written {
    uint8_t *bytes; /* NULL: they are only counted */
    uint32_t size;
};

static void append(void *user, const void *bytes, uint32_t size) {
    struct written *written = user;
    if (written->bytes != NULL)
        memcpy(written->bytes + written->size, bytes, size);
    written->size += size;
}

/* Feeds a module. PIECE 0: whole and in place; n: pieces of n bytes; -n: pieces of random size, seed n. */
static wirq_status load_from(const uint8_t *bytes, size_t size, long piece, const struct wirq_code_memory *code,
                             struct wirq_module **module) {
    size_t at = 0;
    uint32_t random = (uint32_t)-piece;
    wirq_status status = wirq_load_begin(vm, piece == 0 ? bytes : NULL);
    if (status == WIRQ_OK && code != NULL)
        status = wirq_load_code_memory(vm, code);
    if (status == WIRQ_OK && piece == 0) {
        status = wirq_load_feed(vm, bytes, size);
        at = size;
    }
    while (status == WIRQ_OK && at < size) {
        size_t count = (size_t)piece;
        if (piece < 0) {
            random = random * 1664525 + 1013904223;
            count = 1 + (random >> 24) % 67;
        }
        count = count < size - at ? count : size - at;
        uint8_t *copy = malloc(count); /* freed at once: nothing may refer to a piece */
        CHECK(copy != NULL);
        memcpy(copy, bytes + at, count);
        status = wirq_load_feed(vm, copy, count);
        free(copy);
        at += count;
    }
    return status == WIRQ_OK ? wirq_load_end(vm, module) : status;
}

static uint32_t read_leb(const uint8_t **p) {
    uint32_t value = 0, shift = 0;
    do
        value |= (uint32_t)(**p & 0x7F) << shift, shift += 7;
    while (*(*p)++ & 0x80);
    return value;
}

/* Overwrites the bodies in a module's code section. */
static void forget_bodies(uint8_t *bytes, size_t size) {
    const uint8_t *p = bytes + 8;
    while (p < bytes + size) {
        uint8_t id = *p++;
        uint32_t length = read_leb(&p);
        const uint8_t *end = p + length;
        if (id == 10) {
            (void)read_leb(&p);
            memset(bytes + (p - bytes), 0xFF, (size_t)(end - p));
        }
        p = end;
    }
}

/* As load_from, but the code goes to memory of its own: *kept. */
static wirq_status load_outside(uint8_t *bytes, size_t size, long piece, uint8_t **kept, struct wirq_module **module) {
    struct written written = {NULL, 0};
    struct wirq_code_memory code = {.base = (const uint8_t *)vm, .append = append, .user = &written};
    wirq_status status = load_from(bytes, size, piece, &code, module);
    if (status != WIRQ_OK)
        return status;
    wirq_unload(vm, *module);
    uint32_t counted = written.size;
    written = (struct written){malloc(counted + 1), 0};
    CHECK(written.bytes != NULL);
    *kept = written.bytes;
    code.base = written.bytes;
    status = load_from(bytes, size, piece, &code, module);
    if (status != WIRQ_OK)
        return status;
    CHECK(written.size == counted);
    if (code_mode == CODE_FOUND_AGAIN && counted != 0) {
        struct wirq_module_info before, after;
        wirq_module_info(*module, &before);
        wirq_unload(vm, *module);
        forget_bodies(bytes, size);
        code.size = 1; /* less than what stands behind the code */
        status = load_from(bytes, size, piece, &code, module);
        CHECK(status == WIRQ_BAD_REQUEST || status == WIRQ_NO_MEMORY);
        code.size = counted;
        code.base = memcpy(malloc(counted), written.bytes, counted); /* not where it was written for */
        status = load_from(bytes, size, piece, &code, module);
        CHECK(status == WIRQ_BAD_REQUEST || status == WIRQ_NO_MEMORY);
        free((void *)(uintptr_t)code.base);
        code.base = written.bytes;
        status = load_from(bytes, size, piece, &code, module);
        CHECK(written.size == counted);
        if (status != WIRQ_OK)
            return status;
        wirq_module_info(*module, &after);
        CHECK(memcmp(&before, &after, sizeof before) == 0);
    }
    return status;
}

/* code MODE */
static void set_code_mode(char *arguments) {
    code_mode = take_number(&arguments);
    puts("ok");
}

/* load PIECE PATH */
static void load(char *arguments) {
    long piece = strtol(arguments, &arguments, 10);
    size_t size;
    uint8_t *bytes = read_file(arguments + 1, &size), *code = NULL;
    struct wirq_module *module = NULL;
    wirq_status status = code_mode == CODE_IN_ARENA ? load_from(bytes, size, piece, NULL, &module)
                                                    : load_outside(bytes, size, piece, &code, &module);
    if (status != WIRQ_OK || piece != 0) {
        free(bytes);
        bytes = NULL;
    }
    if (status != WIRQ_OK) {
        free(code);
        print_error(status);
        return;
    }
    CHECK(module_count < MAX_HANDLES);
    struct wirq_module_info info;
    wirq_module_info(module, &info);
    modules[module_count] = module;
    module_bytes[module_count] = bytes;
    module_code[module_count] = code;
    printf("ok %" PRIu32 " wasm %" PRIu32 " lowered %" PRIu32 " bytes %" PRIu32 "\n", module_count++, info.wasm_code_bytes,
           info.lowered_code_bytes, info.module_bytes);
}

static void instantiate(char *arguments) {
    uint32_t module = take_number(&arguments);
    struct wirq_instance *instance;
    wirq_status status = wirq_instantiate(vm, modules[module], &instance);
    if (status != WIRQ_OK) {
        print_error(status);
        return;
    }
    CHECK(instance_count < MAX_HANDLES);
    instances[instance_count] = instance;
    printf("ok %" PRIu32 "\n", instance_count++);
}

/* register INSTANCE NAME */
static void register_instance(char *arguments) {
    struct wirq_instance *instance = take_instance(&arguments);
    size_t length;
    const char *text = take_name(&arguments, &length);
    char *name = malloc(length + 1); /* kept by the VM, not copied */
    CHECK(name != NULL && name_count < MAX_HANDLES);
    memcpy(name, text, length);
    registered_names[name_count++] = name;
    answer(wirq_register(vm, name, length, instance));
}

/* release INSTANCE */
static void release(char *arguments) {
    wirq_release(vm, take_instance(&arguments));
    answer(WIRQ_OK);
}

/* unload MODULE */
static void unload(char *arguments) {
    wirq_unload(vm, modules[take_number(&arguments)]);
    answer(WIRQ_OK);
}

void forget(void) {
    for (uint32_t i = 0; i < module_count; i++)
        free(module_bytes[i]), free(module_code[i]);
    for (uint32_t i = 0; i < name_count; i++)
        free(registered_names[i]);
    module_count = instance_count = name_count = 0;
}

static void reset(char *arguments) {
    (void)arguments;
    wirq_reset(vm);
    forget();
    answer(WIRQ_OK);
}

const struct command loading_commands[] = {
    {"load", load},
    {"code", set_code_mode},
    {"instantiate", instantiate},
    {"register", register_instance},
    {"release", release},
    {"unload", unload},
    {"reset", reset},
    {NULL, NULL},
};
