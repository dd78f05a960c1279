/* digest.c: CRC-32 over what a guest can see, to tell whether two runs came to the same state. */
#include "vm.h"

/* Bit by bit: this is for tests, and a table would take as much flash as the rest of the file. */
static uint32_t crc32(uint32_t crc, const void *bytes, uint32_t count) {
    const uint8_t *p = bytes;
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= p[i];
        for (uint32_t bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xEDB88320) & -(crc & 1));
    }
    return ~crc;
}

void wirq_digest(const struct wirq_instance *instance, struct wirq_digest *digest) {
    const struct wirq_module *module = instance->module;
    const uint8_t *memory = wirq_memory(instance, &digest->memory_size);
    digest->memory = crc32(0, memory, digest->memory_size);
    for (uint32_t i = 1; i < module->memory_count; i++)
        digest->memory = crc32(digest->memory, instance->memories[i]->base, instance->memories[i]->size);
    digest->globals = 0;
    digest->tables = 0;
    for (uint32_t i = 0; i < module->global_count; i++) {
        uint32_t cells = type_cells(module->globals[i].type);
        digest->globals = crc32(digest->globals, instance_global(instance, i), cells * (uint32_t)sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < module->table_count; i++) {
        const struct wirq_table *table = instance->tables[i];
        digest->tables = crc32(digest->tables, table->elements, table->size * (uint32_t)sizeof *table->elements);
    }
}
