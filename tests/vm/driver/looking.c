/* looking.c: what is in memories, globals and tables, and what led to a trap. */
#include "driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* global INSTANCE NAME */
static void global(char *arguments) {
    struct wirq_instance *instance = take_instance(&arguments);
    size_t length;
    const char *name = take_name(&arguments, &length);
    struct wirq_export export;
    uint16_t type;
    uint32_t cells[2];
    wirq_status status = wirq_find_export(instance, name, length, &export);
    if (status == WIRQ_OK)
        status = wirq_global_get(instance, export.index, &type, cells);
    if (status != WIRQ_OK)
        answer(status);
    else if (type == WIRQ_I64 || type == WIRQ_F64)
        printf("ok %" PRIu32 " %" PRIu32 "\n", cells[0], cells[1]);
    else
        printf("ok %" PRIu32 "\n", cells[0]);
}

static void memory_info(char *arguments) {
    (void)arguments;
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    printf("ok size %" PRIu32 " used %" PRIu32 " peak %" PRIu32 " largest %" PRIu32 " refused %" PRIu32 " vm %" PRIu32
           " stack %" PRIu32 "\n",
           info.arena_size, info.arena_used, info.arena_peak, info.arena_largest_free, info.arena_refused, info.vm_bytes,
           info.stack_peak_cells);
}

static void digest(char *arguments) {
    struct wirq_digest d;
    wirq_digest(take_instance(&arguments), &d);
    printf("ok %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", d.memory_size, d.memory, d.globals, d.tables);
}

/* read INSTANCE ADDRESS LENGTH: bytes of memory in hexadecimal. */
static void read_memory(char *arguments) {
    struct wirq_instance *instance = take_instance(&arguments);
    unsigned long address = take_number(&arguments), length = take_number(&arguments);
    uint32_t size;
    const uint8_t *memory = wirq_memory(instance, &size);
    if (address + length > size) {
        puts("error 2");
        return;
    }
    printf("ok ");
    for (unsigned long i = 0; i < length; i++)
        printf("%02x", memory[address + i]);
    puts("");
}

/* crc INSTANCE MEMORY: size and CRC-32 of any memory of an instance. */
static void memory_crc(char *arguments) {
    const struct wirq_instance *instance = take_instance(&arguments);
    const struct wirq_memory *memory = instance->memories[take_number(&arguments)];
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < memory->size; i++)
        crc = crc >> 8 ^ table[(crc ^ memory->base[i]) & 255];
    printf("ok %" PRIu32 " %" PRIu32 "\n", memory->size, ~crc);
}

/* Memory of the embedder's, provided as "test" "buffer". */
static uint64_t buffer[32];

/* provide BYTES PAGE_SIZE [OFFSET]: of the buffer, filled with 0, 1, 2 … */
static void provide(char *arguments) {
    uint32_t numbers[3];
    for (int i = 0; i < 3; i++)
        numbers[i] = take_number(&arguments);
    for (unsigned i = 0; i < sizeof buffer; i++)
        ((uint8_t *)buffer)[i] = (uint8_t)i;
    answer(wirq_provide_memory(vm, "test", "buffer", (uint8_t *)buffer + numbers[2], numbers[0], numbers[1]));
}

/* buffer LENGTH: its first bytes in hexadecimal. */
static void show_buffer(char *arguments) {
    uint32_t length = take_number(&arguments);
    printf("ok ");
    for (uint32_t i = 0; i < length && i < sizeof buffer; i++)
        printf("%02x", ((const uint8_t *)buffer)[i]);
    puts("");
}

/* Function, offset and whether it was interrupted, of everything that led to the last trap. */
static void show_callers(char *arguments) {
    (void)arguments;
    struct wirq_caller caller;
    printf("ok");
    for (uint32_t n = 0; wirq_caller(vm, n, &caller); n++)
        printf(" %" PRIi32 " %" PRIu32 " %d", (int32_t)caller.function, caller.code_offset, caller.interrupted);
    puts("");
}

static void show_features(char *arguments) {
    (void)arguments;
    printf("ok %" PRIu32 "\n", wirq_features());
}

const struct command looking_commands[] = {
    {"global", global},   {"memory", memory_info}, {"digest", digest},        {"read", read_memory},       {"crc", memory_crc},
    {"provide", provide}, {"buffer", show_buffer}, {"callers", show_callers}, {"features", show_features}, {NULL, NULL},
};
