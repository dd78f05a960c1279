/* digest.c: CRC-32 over what a guest can see, to tell whether two runs came to the same state. */
#include "vm.h"

static uint32_t crc32(uint32_t crc, const void *bytes, uint32_t count) {
    /* CRC of each 4-bit value, polynomial 0xEDB88320: a sixteenth of the usual table's size. */
    static const uint32_t nibble[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const uint8_t *p = bytes;
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return ~crc;
}

void wirq_digest(const struct wirq_instance *instance, struct wirq_digest *digest) {
    const struct wirq_module *module = instance->module;
    const uint8_t *memory = wirq_memory(instance, &digest->memory_size);
    digest->memory = crc32(0, memory, digest->memory_size);
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
