/* lowering_map.c: tells which WebAssembly instruction each operation of the internal code was made from.
 *
 * Lowering is deterministic (docs/reference/interrupts.md, R62), so the VM built for this computer makes of a module the very code
 * that the board made, and a board needs no map. The module is fed to the loader byte by byte; what has appeared when an item is
 * consumed was made from that item. Reads a module from standard input, takes names of interrupt sources as arguments (a module may
 * name its handlers' sources in its exports), and prints, for each function it defines,
 *
 *     function INDEX BYTES          its lowered code
 *     LOWERED WASM                  from this byte of it on, the instruction at this offset of the module, ascending
 *     units UNIT...                 the code itself
 *
 * and at the end "lowered BYTES". A module that is refused: "refused STATUS OFFSET", exit status 1. */
#include <stdio.h>
#include <stdlib.h>

#include "load.h"
#include "wirq_port.h"

enum { HEADER_UNITS = 5, ARENA_SLACK = 1 << 22, ARENA_FACTOR = 24 };

/* The machine: none of it is used while nothing runs. */
uint64_t wirq_port_clock_us(void) {
    return 0;
}
uintptr_t wirq_port_mask(void) {
    return 0;
}
void wirq_port_unmask(uintptr_t before) {
    (void)before;
}
void wirq_port_request_safe_point(struct wirq_vm *vm) {
    (void)vm;
}
void wirq_port_sleep(uint64_t deadline_us) {
    (void)deadline_us;
}

/* Where the units of the running function come from; index 0 is the first unit after the room for the header. */
static uint32_t *origins;
static size_t origin_count, origin_room;

static void attribute(size_t from, size_t to, uint32_t item) {
    if (to > origin_room) {
        origin_room = 2 * to + 64;
        origins = realloc(origins, origin_room * sizeof *origins);
        if (origins == NULL)
            exit(3);
    }
    for (size_t i = from < origin_count ? from : origin_count; i < to; i++)
        origins[i] = item;
    origin_count = to;
}

/* Bytes of what stands before the body: see finish_function in lower_control.c. */
static uint32_t header_units(const uint16_t *start) {
    uint32_t units = 0;
    if (start[units] == OP_enter)
        units += 2;
    if (start[units] == OP_zero)
        units += 3;
    return units;
}

static void print_function(uint32_t function, const struct lower *lower) {
    uint32_t header = header_units(lower->start);
    size_t units = (size_t)(lower->code - lower->start) - header;
    printf("function %u %zu\n", (unsigned)function, 2 * (units + header));
    for (size_t i = 0; i < units && i < origin_count; i++)
        if (i == 0 || origins[i] != origins[i - 1])
            printf("%zu %u\n", i == 0 ? 0 : 2 * (i + header), (unsigned)origins[i]);
    origin_count = 0;
    printf("units");
    for (size_t i = 0; i < units + header; i++)
        printf(" %u", (unsigned)lower->start[i]);
    printf("\n");
}

/* Can this instruction trap? Then an operation that it was folded into is its own, not that of what it was folded with. */
static bool traps(uint8_t opcode) {
    return opcode == 0x00 || opcode == 0x08 || opcode == 0x0A || (opcode >= 0x10 && opcode <= 0x15) || opcode == 0x25 ||
           opcode == 0x26 || (opcode >= 0x28 && opcode <= 0x40) || (opcode >= 0x6D && opcode <= 0x70) ||
           (opcode >= 0x7F && opcode <= 0x82) || (opcode >= 0xA8 && opcode <= 0xB1) || opcode >= 0xD4;
}

/* One byte of the module more. What it completes, if anything, is the item that began at load->offset. */
static wirq_status feed(struct wirq_vm *vm, const uint8_t *module, size_t at) {
    const struct wirq_load *load = vm->load;
    const struct lower *lower = &load->lower;
    uint32_t item = load->offset, function = load->function_in_code;
    bool lowering = function != UINT32_MAX && lower->start != NULL && lower->code >= lower->start + HEADER_UNITS && !lower->done;
    const uint16_t *last = lower->last;
    wirq_status status = wirq_load_feed(vm, module + at, 1);
    if (status != WIRQ_OK || !lowering || load->offset == item)
        return status;
    size_t moved = lower->done ? HEADER_UNITS - header_units(lower->start) : 0;
    size_t units = (size_t)(lower->code - lower->start) + moved - HEADER_UNITS;
    size_t from = origin_count;
    /* An operation that merely changed its form belongs to the instruction that it was made for. */
    if ((lower->last != last || traps(module[item])) && lower->last >= lower->start + HEADER_UNITS)
        from = (size_t)(lower->last - lower->start) - HEADER_UNITS;
    attribute(from, units, item);
    if (lower->done)
        print_function(function, lower);
    return status;
}

static uint8_t *read_input(size_t *size) {
    uint8_t *bytes = NULL;
    size_t room = 0;
    *size = 0;
    for (;;) {
        if (*size == room) {
            room = 2 * room + 65536;
            bytes = realloc(bytes, room);
            if (bytes == NULL)
                exit(3);
        }
        size_t read = fread(bytes + *size, 1, room - *size, stdin);
        if (read == 0)
            return bytes;
        *size += read;
    }
}

int main(int count, char **arguments) {
    static const char *names[WIRQ_MAX_SOURCES];
    for (int i = 0; i < WIRQ_MAX_SOURCES; i++)
        names[i] = i + 1 < count ? arguments[i + 1] : "";
    size_t size;
    uint8_t *bytes = read_input(&size);
    size_t arena_size = (ARENA_SLACK + ARENA_FACTOR * size) & ~(size_t)7;
    struct wirq_config config = {.arena = aligned_alloc(8, arena_size),
                                 .arena_size = arena_size,
                                 .stack_cells = 64,
                                 .handler_stack_cells = 64,
                                 .source_count = WIRQ_MAX_SOURCES,
                                 .source_names = names};
    struct wirq_vm *vm = config.arena != NULL ? wirq_open(&config) : NULL;
    struct wirq_module *module;
    if (vm == NULL)
        return 3;
    wirq_status status = wirq_load_begin(vm, NULL);
    for (size_t i = 0; i < size && status == WIRQ_OK; i++)
        status = feed(vm, bytes, i);
    if (status == WIRQ_OK)
        status = wirq_load_end(vm, &module);
    if (status != WIRQ_OK) {
        printf("refused %u %u\n", (unsigned)status, (unsigned)wirq_last_error(vm)->offset);
        return 1;
    }
    struct wirq_module_info info;
    wirq_module_info(module, &info);
    printf("lowered %u\n", (unsigned)info.lowered_code_bytes);
    return 0;
}
