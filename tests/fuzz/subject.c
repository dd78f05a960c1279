#include "subject.h"
#include "surroundings.inc" /* generated: surroundings[], the module of the instance "h" */
#include "vm.h"
#include "wirq_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (4u << 20)
#define LENT_MEMORY_SIZE 48
#define SOURCES 4
/* Of one call. A module that loops for ever is stopped there. */
#define MOST_SAFE_POINTS 400
#define MOST_CALLS 12
#define MOST_ARGUMENT_CELLS 32

static _Alignas(8) uint8_t arena[ARENA_SIZE], lent_memory[LENT_MEMORY_SIZE];
static const char *const source_names[SOURCES] = {"uart", "timer", "button", "soft0"};

void require_failed(const char *text, const char *file, int line) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    abort();
}

/* ---- random numbers ---- */

static uint64_t random_state;

void random_seed(const uint8_t *bytes, size_t size) {
    random_state = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < size; i++)
        random_state = (random_state ^ bytes[i]) * UINT64_C(0x100000001B3);
}

uint32_t random_below(uint32_t bound) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 32) * bound >> 32);
}

/* ---- the port ---- */

static uint64_t clock_us;
static uint32_t sleeps_left;
static bool holds_requests; /* the soft interrupt is held off */
static struct wirq_vm *opened;
static struct wirq_instance *surrounding_instance;
static uint32_t opened_bytes; /* used by the VM alone */

uint64_t wirq_port_clock_us(void) {
    return clock_us;
}

uintptr_t wirq_port_mask(void) {
    return 0;
}

void wirq_port_unmask(uintptr_t before) {
    (void)before;
}

void wirq_port_request_safe_point(struct wirq_vm *vm) {
    if (!holds_requests)
        wirq_poison(vm);
}

void wirq_port_sleep(uint64_t deadline_us) {
    if (sleeps_left-- == 0) {
        sleeps_left = 0;
        wirq_stop(opened);
        return;
    }
    clock_us = random_below(2) != 0 && deadline_us != UINT64_MAX ? deadline_us : clock_us + random_below(100);
    if (random_below(3) == 0)
        wirq_raise(opened, random_below(SOURCES), random_below(1000));
}

/* ---- host functions ---- */

static wirq_status host_take(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    (void)cells;
    return WIRQ_OK;
}

static wirq_status host_raise(struct wirq_vm *vm, uint32_t *cells) {
    wirq_raise(vm, cells[0], cells[1]);
    return WIRQ_OK;
}

static wirq_status host_trap(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    (void)cells;
    return WIRQ_TRAP_HOST;
}

static wirq_status host_slow(struct wirq_vm *vm, uint32_t *cells) {
    if (clock_us < wirq_wait_until(vm, clock_us + cells[0] % 100))
        return WIRQ_WAIT;
    cells[0]++;
    return WIRQ_OK;
}

static wirq_status host_yield(struct wirq_vm *vm, uint32_t *cells) {
    (void)cells;
    wirq_yield_soon(vm);
    return WIRQ_OK;
}

static wirq_status host_stop(struct wirq_vm *vm, uint32_t *cells) {
    (void)cells;
    wirq_stop(vm);
    return WIRQ_OK;
}

/* Every byte of a range that the VM says is the guest's can be read. */
static wirq_status host_read(struct wirq_vm *vm, uint32_t *cells) {
    const uint8_t *bytes = wirq_memory_range(vm, cells[0], cells[1]);
    uint32_t sum = 0;
    if (bytes == NULL)
        return WIRQ_TRAP_MEMORY;
    for (uint32_t i = 0; i < cells[1]; i++)
        sum += bytes[i];
    cells[0] = sum;
    return WIRQ_OK;
}

static wirq_status host_swap(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    for (int i = 0; i < 2; i++) {
        uint32_t cell = cells[i];
        cells[i] = cells[2 + i];
        cells[2 + i] = cell;
    }
    return WIRQ_OK;
}

/* An exception with the tag of the instance "h". */
static wirq_status host_throw(struct wirq_vm *vm, uint32_t *cells) {
    (void)vm;
    return wirq_throw(surrounding_instance, 0, cells);
}

static const struct wirq_host_import host_table[] = {
    {"test", "log", "i:", host_take, true},     {"test", "log64", "I:", host_take, true},
    {"test", "raise", "ii:", host_raise, true}, {"test", "trap", ":", host_trap, true},
    {"test", "slow", "i:i", host_slow, false},  {"test", "yield", ":", host_yield, true},
    {"test", "stop", ":", host_stop, true},     {"test", "read", "ii:i", host_read, true},
    {"test", "swap", "IF:FI", host_swap, true}, {"test", "throw", "i:", host_throw, true},
};

/* ---- loading ---- */

struct wirq_vm *subject_open(size_t size) {
    arena_note_access(arena, arena + sizeof arena, true);
    struct wirq_config config = {.arena = arena,
                                 .arena_size = size < ARENA_SIZE ? size : ARENA_SIZE,
                                 .stack_cells = 1024,
                                 .handler_stack_cells = 256,
                                 .source_count = SOURCES,
                                 .source_names = source_names};
    clock_us = 0;
    holds_requests = false;
    struct wirq_vm *vm = opened = wirq_open(&config);
    if (vm == NULL)
        return NULL;
    REQUIRE(wirq_provide(vm, host_table, sizeof host_table / sizeof host_table[0]) == WIRQ_OK);
    if (wirq_provide_memory(vm, "test", "lent", lent_memory, sizeof lent_memory, 1) != WIRQ_OK)
        return NULL;
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    opened_bytes = info.arena_used;
    struct wirq_module *module;
    if (wirq_load(vm, surroundings, sizeof surroundings, &module) != WIRQ_OK ||
        wirq_instantiate(vm, module, &surrounding_instance) != WIRQ_OK)
        return NULL;
    REQUIRE(wirq_register(vm, "h", 1, surrounding_instance) == WIRQ_OK);
    return vm;
}

/* As the arena counts a block. */
static uint32_t block_bytes(uint32_t size) {
    return (size + 4 + 7) & ~7u;
}

/* What guests can make grow and what stays grown when they are gone. */
static uint32_t surroundings_bytes(void) {
    const struct wirq_module *module = surrounding_instance->module;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < module->memory_count; i++)
        sum += block_bytes(surrounding_instance->memories[i]->size);
    for (uint32_t i = 0; i < module->table_count; i++)
        sum += block_bytes(surrounding_instance->tables[i]->size * 4);
    return sum;
}

/* Exceptions with the tag of "h" that nothing names any more are given back as another call begins. Cells that were left on the
 * stack count as names, so this call has arguments that take their place. */
static void end_exceptions(struct wirq_vm *vm) {
    static const uint32_t arguments[32];
    struct wirq_export export;
    enum wirq_run how;
    REQUIRE(wirq_find_export(surrounding_instance, "nothing", 7, &export) == WIRQ_OK);
    REQUIRE(wirq_call(surrounding_instance, export.index, arguments, 32) == WIRQ_OK);
    while ((how = wirq_run(vm)) == WIRQ_RUN_SUSPENDED) /* a yield that nobody has waited for */
        ;
    REQUIRE(how == WIRQ_RUN_DONE);
}

uint32_t subject_used(struct wirq_vm *vm) {
    struct wirq_memory_info info;
    if (vm->exceptions != NULL)
        end_exceptions(vm);
    wirq_memory_info(vm, &info);
    return info.arena_used - surroundings_bytes();
}

bool subject_lends_functions(const struct wirq_module *module) {
    return module->imported_tables != 0;
}

bool subject_resets(struct wirq_vm *vm) {
    struct wirq_memory_info info;
    wirq_reset(vm);
    wirq_memory_info(vm, &info);
    return info.arena_used == opened_bytes;
}

void subject_fail_allocation(uint32_t n) {
    arena_fail_after = n;
}

wirq_status subject_load_in_pieces(struct wirq_vm *vm, const uint8_t *bytes, size_t size, struct wirq_module **module) {
    wirq_status status = wirq_load_begin(vm, NULL);
    size_t most = 1u << random_below(10);
    for (size_t at = 0; status == WIRQ_OK && at < size;) {
        size_t count = 1 + random_below((uint32_t)most);
        count = count < size - at ? count : size - at;
        uint8_t *piece = malloc(count);
        REQUIRE(piece != NULL);
        memcpy(piece, bytes + at, count);
        status = wirq_load_feed(vm, piece, count);
        free(piece);
        at += count;
    }
    return status == WIRQ_OK ? wirq_load_end(vm, module) : status;
}

/* ---- running ---- */

/* To its end, or until it has had its safe points. */
static enum wirq_run run(struct wirq_vm *vm) {
    sleeps_left = 20;
    uint32_t every = random_below(4) == 0 ? 1 : 40; /* mean distance of raises, in safe points */
    for (uint32_t i = 0;; i++) {
        if (i == MOST_SAFE_POINTS)
            wirq_stop(vm);
        wirq_yield_soon(vm);
        holds_requests = i < MOST_SAFE_POINTS && random_below(50) == 0;
        if (random_below(every) == 0)
            wirq_raise(vm, random_below(SOURCES), random_below(1000));
        enum wirq_run how = wirq_run(vm);
        if (holds_requests) {
            holds_requests = false;
            wirq_poison(vm);
        }
        if (how == WIRQ_RUN_DONE || how == WIRQ_RUN_TRAPPED)
            return how;
        REQUIRE(i < MOST_SAFE_POINTS + 4); /* a stop is obeyed */
        if (how == WIRQ_RUN_WAITING)
            wirq_idle(vm, random_below(2) != 0 ? UINT64_MAX : clock_us + 10);
    }
}

/* What is told of the last trap can be read. */
static void read_trap(const struct wirq_vm *vm) {
    struct wirq_exception exception;
    struct wirq_caller caller;
    for (uint32_t n = 0; wirq_caller(vm, n, &caller); n++)
        REQUIRE(caller.function < caller.instance->module->function_count);
    if (wirq_uncaught(vm, &exception)) {
        for (uint32_t i = 0; i < exception.type->parameter_cells; i++)
            (void)((const volatile uint32_t *)exception.values)[i];
        REQUIRE(exception.tag < exception.instance->module->tag_count);
    }
}

static uint32_t interesting_cell(void) {
    static const uint32_t cells[] = {0,          1,          2,          7,          31,         32,
                                     33,         63,         64,         255,        65535,      65536,
                                     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FC00000, 0x7FA00000,
                                     0xFF800000, 0x3F800000, 0x00000001, 0x7FF00000, 0x7FF80000, 0x43E00000};
    return random_below(3) == 0 ? (uint32_t)random_below(UINT32_MAX) : cells[random_below(sizeof cells / sizeof cells[0])];
}

static bool takes_references(const struct wirq_functype *type) {
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        uint16_t t = type->types[i];
        if (t != WIRQ_I32 && t != WIRQ_I64 && t != WIRQ_F32 && t != WIRQ_F64)
            return true;
    }
    return false;
}

static void call(struct wirq_vm *vm, struct wirq_instance *instance, uint32_t function) {
    const struct wirq_functype *type = wirq_function_type(instance, function);
    uint32_t cells[MOST_ARGUMENT_CELLS];
    if (type->parameter_cells > MOST_ARGUMENT_CELLS)
        return;
    bool references = takes_references(type);
    for (uint32_t i = 0; i < type->parameter_cells; i++)
        cells[i] = references ? WIRQ_NULL_REFERENCE : interesting_cell();
    if (random_below(4) == 0)
        wirq_inject(vm, random_below(SOURCES), 1 + random_below(60), random_below(2) != 0);
    if (wirq_call(instance, function, cells, type->parameter_cells) != WIRQ_OK)
        return;
    if (run(vm) == WIRQ_RUN_TRAPPED) {
        read_trap(vm);
        return;
    }
    for (uint32_t i = 0; i < type->result_cells; i++) /* all of them can be read */
        (void)((const volatile uint32_t *)wirq_results(vm))[i];
}

struct wirq_instance *subject_run_exports(struct wirq_vm *vm, struct wirq_module *module) {
    struct wirq_instance *instance;
    if (wirq_instantiate(vm, module, &instance) != WIRQ_OK)
        return NULL;
    bool needed;
    if (wirq_call_start(instance, &needed) == WIRQ_OK && needed)
        run(vm);
    struct wirq_export export;
    const char *name;
    size_t length;
    uint32_t calls = 0;
    for (uint32_t round = 0; round < 2; round++) { /* the second time on what the first has left */
        for (uint32_t i = 0; wirq_export_at(instance, i, &export, &name, &length) == WIRQ_OK && calls < MOST_CALLS; i++) {
            uint16_t type;
            uint32_t cells[2];
            struct wirq_export found;
            REQUIRE(wirq_find_export(instance, name, length, &found) == WIRQ_OK && found.index == export.index);
            if (export.kind == WIRQ_FUNCTION && ++calls != 0)
                call(vm, instance, export.index);
            else if (export.kind == WIRQ_GLOBAL)
                (void)wirq_global_get(instance, export.index, &type, cells);
        }
    }
    if (random_below(4) == 0 && wirq_react(instance) == WIRQ_OK)
        run(vm);
    struct wirq_digest digest;
    wirq_digest(instance, &digest);
    return instance;
}

void subject_check(void) {
    struct wirq_vm *vm = subject_open(SIZE_MAX);
    struct wirq_export add;
    static const uint32_t arguments[2] = {40, 2};
    REQUIRE(vm != NULL && wirq_find_export(surrounding_instance, "add", 3, &add) == WIRQ_OK);
    REQUIRE(wirq_call(surrounding_instance, add.index, arguments, 2) == WIRQ_OK);
    REQUIRE(run(vm) == WIRQ_RUN_DONE && wirq_results(vm)[0] == 42);
}
