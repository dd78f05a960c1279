/* driver.c: a VM that is driven by lines of text, so that tests of loading, linking and running are written in Python.
 *
 * Every command answers with one line: "ok ..." or "error STATUS ...". See commands() for what there is. */
#include "port.h"
#include "vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WIRQ_TEST_ALLOCATION
extern uint32_t arena_fail_after;
#endif

#define MAX_HANDLES 4096

static struct wirq_vm *vm;
static void *arena;
static struct wirq_module *modules[MAX_HANDLES];
static uint8_t *module_bytes[MAX_HANDLES], *module_code[MAX_HANDLES];
static struct wirq_instance *instances[MAX_HANDLES];
static char *registered_names[MAX_HANDLES];
static uint32_t module_count, instance_count, name_count;

static const char *const source_names[] = {"uart", "timer", "button", "soft0"};

/* ---- host functions for test modules ---- */

static uint32_t log_words[1 << 16];
static uint32_t log_count;
static uint32_t waits_left;

static wirq_status host_log(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    if (log_count < sizeof log_words / sizeof log_words[0])
        log_words[log_count++] = cells[0];
    return WIRQ_OK;
}

/* Raises a source as a device would. */
static wirq_status host_raise(struct wirq_vm *of, uint32_t *cells) {
    wirq_raise(of, cells[0], cells[1]);
    return WIRQ_OK;
}

/* Throws the exception of the first instance's tag 0, an i32. */
static wirq_status host_throw(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    return wirq_throw(instances[0], 0, cells);
}

static wirq_status host_trap(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    (void)cells;
    return WIRQ_TRAP_HOST;
}

/* Waits as often as the argument says, 10 us each time, and answers that number. */
static wirq_status host_slow(struct wirq_vm *of, uint32_t *cells) {
    if (waits_left == 0) {
        waits_left = cells[0] + 1;
    }
    if (--waits_left != 0) {
        (void)wirq_wait_until(of, port_clock + 10);
        return WIRQ_WAIT;
    }
    return WIRQ_OK;
}

static wirq_status host_log64(struct wirq_vm *of, uint32_t *cells) {
    (void)host_log(of, cells);
    return host_log(of, cells + 1);
}

static wirq_status host_add64(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    uint64_t sum = (cells[0] | (uint64_t)cells[1] << 32) + (cells[2] | (uint64_t)cells[3] << 32);
    cells[0] = (uint32_t)sum;
    cells[1] = (uint32_t)(sum >> 32);
    return WIRQ_OK;
}

static wirq_status host_yield(struct wirq_vm *of, uint32_t *cells) {
    (void)cells;
    wirq_yield_soon(of);
    return WIRQ_OK;
}

static wirq_status host_stop(struct wirq_vm *of, uint32_t *cells) {
    (void)cells;
    wirq_stop(of);
    return WIRQ_OK;
}

/* The soft interrupt that `hold` holds off runs here. */
static wirq_status host_soft(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    (void)cells;
    port_soft_interrupt();
    return WIRQ_OK;
}


/* Answers what source SOURCE is told to be: 1 if its handler runs. */
static wirq_status host_active(struct wirq_vm *of, uint32_t *cells) {
    struct wirq_source_info info;
    (void)wirq_source(of, cells[0], &info);
    cells[0] = info.active;
    return WIRQ_OK;
}

/* The clock goes on. */
static wirq_status host_spend(struct wirq_vm *of, uint32_t *cells) {
    (void)of;
    port_clock += cells[0];
    return WIRQ_OK;
}

static const struct wirq_host_import host_table[] = {
    {"test", "log", "i:", host_log, true},      {"test", "raise", "ii:", host_raise, true},
    {"test", "trap", ":", host_trap, true},     {"test", "slow", "i:i", host_slow, false},
    {"test", "add64", "II:I", host_add64, true}, {"test", "yield", ":", host_yield, true},
    {"test", "stop", ":", host_stop, true},     {"test", "soft", ":", host_soft, true},
    {"test", "active", "i:i", host_active, true}, {"test", "spend", "i:", host_spend, true},
    {"test", "log64", "I:", host_log64, true},  {"test", "throw", "i:", host_throw, true},
};

/* ---- faults of handlers: recorded, and answered as the test wants ---- */

static bool fault_answer;
static uint32_t fault_words[64], fault_count; /* source and status of each */
static uint32_t fault_value;                  /* first cell of the exception that a handler did not catch */

static bool on_fault(struct wirq_vm *of, const struct wirq_trap *trap) {
    struct wirq_exception exception;
    if (wirq_uncaught(of, &exception))
        fault_value = exception.values[0];
    if (fault_count + 1 < sizeof fault_words / sizeof fault_words[0]) {
        fault_words[fault_count++] = trap->source;
        fault_words[fault_count++] = trap->status;
    }
    return fault_answer;
}

/* ---- commands ---- */

static void print_error(wirq_status status) {
    const struct wirq_load_error *error = wirq_last_error(vm);
    printf("error %u offset %" PRIu32 " function %" PRIi32 " detail %" PRIu32 "\n", (unsigned)status, error->offset,
           (int32_t)error->function, error->detail);
}

static void answer(wirq_status status) {
    if (status == WIRQ_OK)
        puts("ok");
    else
        printf("error %u\n", (unsigned)status);
}

/* Round figures, so that bounds can be worked out by hand in tests. */
static const struct wirq_costs costs = {
    .raise = 100, .deliver = 50, .operation = 10, .stub = 5, .chunk = 600, .import = 300, .per_us = 10};

/* bound SOURCE */
static void bound(char *arguments) {
    struct wirq_bound b;
    wirq_status status = wirq_bound(vm, (uint32_t)strtoul(arguments, NULL, 10), &b);
    if (status != WIRQ_OK)
        answer(status);
    else
        printf("ok gap %" PRIu32 " wait %" PRIu32 " handlers %" PRIu32 " section %" PRIu32 " total %" PRIu32 " us %" PRIu32
               " demanded %" PRIu32 " unlimited %" PRIi32 "\n",
               b.gap, b.wait, b.handlers, b.section, b.total, b.us, b.demanded_us, (int32_t)b.unlimited);
}

/* Without a VM yet: open ARENA_BYTES STACK_CELLS HANDLER_STACK_CELLS */
static void open_vm(char *arguments) {
    unsigned long size = strtoul(arguments, &arguments, 10), stack = strtoul(arguments, &arguments, 10),
                  handler_stack = strtoul(arguments, &arguments, 10);
    free(arena);
    arena = aligned_alloc(8, (size + 7) & ~7ul);
    CHECK(arena != NULL);
    struct wirq_config config = {.arena = arena,
                                 .arena_size = size,
                                 .stack_cells = (uint32_t)stack,
                                 .handler_stack_cells = (uint32_t)handler_stack,
                                 .source_count = 4,
                                 .source_names = source_names,
                                 .on_fault = on_fault,
                                 .costs = &costs};
    vm = wirq_open(&config);
    if (vm != NULL)
        CHECK(wirq_provide(vm, host_table, sizeof host_table / sizeof host_table[0]) == WIRQ_OK);
    puts(vm != NULL ? "ok" : "error 96");
}

/* ---- code outside the arena ---- */

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
    code_mode = strtoul(arguments, NULL, 10);
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
    unsigned long module = strtoul(arguments, NULL, 10);
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

/* unslept SOURCE: raised the next time that the guest waits, after it has looked and before the machine sleeps; -1: nothing is. */
static int raised_before_sleep = -1;

/* Runs what was prepared. True: it was done, and the line may go on; false: it trapped, and the line is whole. */
static bool run(void) {
    enum wirq_run how;
    uint32_t suspended = 0;
    for (;;) {
        how = wirq_run(vm);
        if (how == WIRQ_RUN_WAITING) {
            if (raised_before_sleep >= 0)
                wirq_raise(vm, (uint32_t)raised_before_sleep, 0);
            raised_before_sleep = -1;
            wirq_idle(vm, UINT64_MAX);
        }
        else if (how == WIRQ_RUN_SUSPENDED)
            suspended++;
        else
            break;
    }
    if (how == WIRQ_RUN_TRAPPED) {
        const struct wirq_trap *trap = wirq_last_trap(vm);
        printf("trap %u function %" PRIi32 " offset %" PRIu32 " depth %" PRIu32 " source %" PRIi32 "\n", (unsigned)trap->status,
               (int32_t)trap->function, trap->code_offset, trap->depth, (int32_t)trap->source);
        return false;
    }
    printf("ok %" PRIu32, suspended);
    return true;
}

/* The exception that ended the last run: instance of its tag, tag, values in cells. And what a handler's was. */
static void uncaught(void) {
    struct wirq_exception exception;
    if (!wirq_uncaught(vm, &exception)) {
        printf("ok %" PRIu32 "\n", fault_value);
        return;
    }
    uint32_t instance = 0;
    while (instances[instance] != exception.instance)
        instance++;
    printf("ok %" PRIu32 " %" PRIu32, instance, exception.tag);
    for (uint32_t i = 0; i < exception.type->parameter_cells; i++)
        printf(" %" PRIu32, exception.values[i]);
    puts("");
}

static void start(char *arguments) {
    bool needed;
    wirq_status status = wirq_call_start(instances[strtoul(arguments, NULL, 10)], &needed);
    if (status != WIRQ_OK || !needed) {
        answer(status);
        return;
    }
    if (run())
        puts("");
}

/* A name as hexadecimal digits, or "-" for the empty one; decoded where it stands. */
static char *take_name(char **arguments, size_t *length) {
    char *name = *arguments + 1, *digits = name;
    *length = 0;
    while (digits[0] != '\0' && digits[0] != ' ' && digits[0] != '-') {
        char two[3] = {digits[0], digits[1], '\0'};
        name[(*length)++] = (char)strtoul(two, NULL, 16);
        digits += 2;
    }
    *arguments = digits[0] == '-' ? digits + 1 : digits;
    return name;
}

/* call INSTANCE NAME CELLS... */
static void call(char *arguments) {
    struct wirq_instance *instance = instances[strtoul(arguments, &arguments, 10)];
    size_t length;
    const char *name = take_name(&arguments, &length);
    uint32_t cells[2048], count = 0;
    struct wirq_export export;
    while (*arguments == ' ' && count < 2048)
        cells[count++] = (uint32_t)strtoul(arguments, &arguments, 10);
    wirq_status status = wirq_find_export(instance, name, length, &export);
    if (status == WIRQ_OK && export.kind != WIRQ_FUNCTION)
        status = WIRQ_UNKNOWN_EXPORT;
    if (status == WIRQ_OK)
        status = wirq_call(instance, export.index, cells, count);
    if (status != WIRQ_OK) {
        answer(status);
        return;
    }
    const struct wirq_functype *type = wirq_function_type(instance, export.index);
    if (!run())
        return;
    for (uint32_t i = 0; i < type->result_cells; i++)
        printf(" %" PRIu32, wirq_results(vm)[i]);
    puts("");
}

/* global INSTANCE NAME */
static void global(char *arguments) {
    struct wirq_instance *instance = instances[strtoul(arguments, &arguments, 10)];
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

/* register INSTANCE NAME */
static void register_instance(char *arguments) {
    struct wirq_instance *instance = instances[strtoul(arguments, &arguments, 10)];
    size_t length;
    const char *text = take_name(&arguments, &length);
    char *name = malloc(length + 1); /* kept by the VM, not copied */
    CHECK(name != NULL && name_count < MAX_HANDLES);
    memcpy(name, text, length);
    registered_names[name_count++] = name;
    answer(wirq_register(vm, name, length, instance));
}

static void forget(void) {
    for (uint32_t i = 0; i < module_count; i++)
        free(module_bytes[i]), free(module_code[i]);
    for (uint32_t i = 0; i < name_count; i++)
        free(registered_names[i]);
    module_count = instance_count = name_count = 0;
}

static void memory_info(void) {
    struct wirq_memory_info info;
    wirq_memory_info(vm, &info);
    printf("ok size %" PRIu32 " used %" PRIu32 " peak %" PRIu32 " largest %" PRIu32 " refused %" PRIu32 " vm %" PRIu32
           " stack %" PRIu32 "\n",
           info.arena_size, info.arena_used, info.arena_peak, info.arena_largest_free, info.arena_refused, info.vm_bytes,
           info.stack_peak_cells);
}

static void digest(char *arguments) {
    struct wirq_digest d;
    wirq_digest(instances[strtoul(arguments, NULL, 10)], &d);
    printf("ok %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", d.memory_size, d.memory, d.globals, d.tables);
}

static void source(char *arguments) {
    struct wirq_source_info info;
    wirq_status status = wirq_source(vm, (uint32_t)strtoul(arguments, NULL, 10), &info);
    if (status != WIRQ_OK) {
        answer(status);
        return;
    }
    printf("ok class %u attached %d enabled %d pending %d raised %" PRIu32 " delivered %" PRIu32 " missed %" PRIu32
           " faults %" PRIu32 " priority %u active %d\n",
           info.class_, info.attached, info.enabled, info.pending, info.raised, info.delivered, info.missed, info.faults,
           info.priority, info.active);
}

static void inject(char *arguments) {
    uint32_t of = (uint32_t)strtoul(arguments, &arguments, 10), n = (uint32_t)strtoul(arguments, &arguments, 10);
    wirq_inject(vm, of, n, strtoul(arguments, NULL, 10) != 0);
    puts("ok");
}

/* What happens in the next sleeps: a source raised each time, none (the clock goes on) for -1. Sleeping without end when there is
 * nothing left stops the run, so that a lost wake-up shows as the trap "stopped". */
static int sleep_plan[64];
static uint32_t sleep_count, sleep_at;

static void on_sleep(uint64_t deadline) {
    if (sleep_at < sleep_count) {
        int next = sleep_plan[sleep_at++];
        port_clock += 3;
        if (next >= 0)
            wirq_raise(vm, (uint32_t)next, 0);
    } else if (deadline == UINT64_MAX) {
        wirq_stop(vm);
    }
}

/* sleeps SOURCE... */
static void plan_sleeps(char *arguments) {
    sleep_count = sleep_at = 0;
    while (*arguments != '\0' && sleep_count < 64)
        sleep_plan[sleep_count++] = (int)strtol(arguments, &arguments, 10);
    puts("ok");
}

/* One turn of wirq_run, of a call that was begun: 0 done, 1 trapped, 2 suspended, 3 waiting. */
static void turn(void) {
    printf("ok %d\n", (int)wirq_run(vm));
}

/* begin INSTANCE NAME: prepares a call without arguments. */
static void begin_call(char *arguments) {
    struct wirq_instance *instance = instances[strtoul(arguments, &arguments, 10)];
    size_t length;
    const char *name = take_name(&arguments, &length);
    struct wirq_export export;
    wirq_status status = wirq_find_export(instance, name, length, &export);
    answer(status == WIRQ_OK ? wirq_call(instance, export.index, NULL, 0) : status);
}

static void react(char *arguments) {
    wirq_status status = wirq_react(instances[strtoul(arguments, NULL, 10)]);
    if (status != WIRQ_OK)
        answer(status);
    else if (run())
        puts("");
}

/* attach INSTANCE SOURCE FUNCTION CONTEXT PRIORITY */
static void attach(char *arguments) {
    unsigned long numbers[5];
    for (int i = 0; i < 5; i++)
        numbers[i] = strtoul(arguments, &arguments, 10);
    answer(wirq_attach(instances[numbers[0]], (uint32_t)numbers[1], (uint32_t)numbers[2], (uint32_t)numbers[3],
                       (uint32_t)numbers[4]));
}

/* budget SOURCE FUEL DEADLINE INTERVAL */
static void budget(char *arguments) {
    uint32_t numbers[4];
    for (int i = 0; i < 4; i++)
        numbers[i] = (uint32_t)strtoul(arguments, &arguments, 10);
    answer(wirq_budget(vm, numbers[0], numbers[1], numbers[2], numbers[3]));
}

/* read INSTANCE ADDRESS LENGTH: bytes of memory in hexadecimal. */
static void read_memory(char *arguments) {
    struct wirq_instance *instance = instances[strtoul(arguments, &arguments, 10)];
    unsigned long address = strtoul(arguments, &arguments, 10), length = strtoul(arguments, &arguments, 10);
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
    const struct wirq_instance *instance = instances[strtoul(arguments, &arguments, 10)];
    const struct wirq_memory *memory = instance->memories[strtoul(arguments, NULL, 10)];
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
    unsigned long numbers[3];
    for (int i = 0; i < 3; i++)
        numbers[i] = strtoul(arguments, &arguments, 10);
    for (unsigned i = 0; i < sizeof buffer; i++)
        ((uint8_t *)buffer)[i] = (uint8_t)i;
    answer(wirq_provide_memory(vm, "test", "buffer", (uint8_t *)buffer + numbers[2], (uint32_t)numbers[0], (uint32_t)numbers[1]));
}

/* buffer LENGTH: its first bytes in hexadecimal. */
static void show_buffer(char *arguments) {
    unsigned long length = strtoul(arguments, NULL, 10);
    printf("ok ");
    for (unsigned long i = 0; i < length && i < sizeof buffer; i++)
        printf("%02x", ((const uint8_t *)buffer)[i]);
    puts("");
}

static void show_log(void) {
    printf("ok");
    for (uint32_t i = 0; i < log_count; i++)
        printf(" %" PRIu32, log_words[i]);
    puts("");
    log_count = 0;
}

static void show_faults(void) {
    printf("ok");
    for (uint32_t i = 0; i < fault_count; i++)
        printf(" %" PRIu32, fault_words[i]);
    puts("");
    fault_count = 0;
}

/* Function, offset and whether it was interrupted, of everything that led to the last trap. */
static void show_callers(void) {
    struct wirq_caller caller;
    printf("ok");
    for (uint32_t n = 0; wirq_caller(vm, n, &caller); n++)
        printf(" %" PRIi32 " %" PRIu32 " %d", (int32_t)caller.function, caller.code_offset, caller.interrupted);
    puts("");
}

static void command(char *line) {
    char *space = strchr(line, ' ');
    char *arguments = space == NULL ? line + strlen(line) : space + 1;
    if (space != NULL)
        *space = '\0';
    if (strcmp(line, "open") == 0)
        open_vm(arguments);
    else if (strcmp(line, "load") == 0)
        load(arguments);
    else if (strcmp(line, "code") == 0)
        set_code_mode(arguments);
    else if (strcmp(line, "instantiate") == 0)
        instantiate(arguments);
    else if (strcmp(line, "start") == 0)
        start(arguments);
    else if (strcmp(line, "call") == 0)
        call(arguments);
    else if (strcmp(line, "global") == 0)
        global(arguments);
    else if (strcmp(line, "register") == 0)
        register_instance(arguments);
    else if (strcmp(line, "release") == 0)
        wirq_release(vm, instances[strtoul(arguments, NULL, 10)]), puts("ok");
    else if (strcmp(line, "unload") == 0)
        wirq_unload(vm, modules[strtoul(arguments, NULL, 10)]), puts("ok");
    else if (strcmp(line, "reset") == 0)
        wirq_reset(vm), forget(), puts("ok");
    else if (strcmp(line, "memory") == 0)
        memory_info();
    else if (strcmp(line, "digest") == 0)
        digest(arguments);
    else if (strcmp(line, "source") == 0)
        source(arguments);
    else if (strcmp(line, "raise") == 0)
        wirq_raise(vm, (uint32_t)strtoul(arguments, NULL, 10), 0), puts("ok");
    else if (strcmp(line, "inject") == 0)
        inject(arguments);
    else if (strcmp(line, "injected") == 0)
        printf("ok %" PRIu32 "\n", wirq_injection_count(vm));
    else if (strcmp(line, "log") == 0)
        show_log();
    else if (strcmp(line, "callers") == 0)
        show_callers();
    else if (strcmp(line, "faults") == 0)
        show_faults();
    else if (strcmp(line, "sleeps") == 0)
        plan_sleeps(arguments);
    else if (strcmp(line, "unslept") == 0)
        raised_before_sleep = (int)strtol(arguments, NULL, 10), puts("ok");
    else if (strcmp(line, "begin") == 0)
        begin_call(arguments);
    else if (strcmp(line, "yield") == 0)
        wirq_yield_soon(vm), printf("ok\n");
    else if (strcmp(line, "turn") == 0)
        turn();
    else if (strcmp(line, "react") == 0)
        react(arguments);
    else if (strcmp(line, "attach") == 0)
        attach(arguments);
    else if (strcmp(line, "detach") == 0)
        answer(wirq_detach(vm, (uint32_t)strtoul(arguments, NULL, 10)));
    else if (strcmp(line, "enable") == 0)
        answer(wirq_enable(vm, (uint32_t)(arguments[0] - '0'), arguments[2] == '1'));
    else if (strcmp(line, "bind") == 0)
        answer(wirq_bind(vm, (uint32_t)(arguments[0] - '0'), (enum wirq_class)(arguments[2] - '0')));
    else if (strcmp(line, "policy") == 0) /* policy SOURCE POLICY ANSWER */
        fault_answer = arguments[4] == '1',
        answer(wirq_set_policy(vm, (uint32_t)(arguments[0] - '0'), (enum wirq_policy)(arguments[2] - '0')));
    else if (strcmp(line, "budget") == 0)
        budget(arguments);
    else if (strcmp(line, "bound") == 0)
        bound(arguments);
    else if (strcmp(line, "levels") == 0)
        printf("ok %" PRIu32 "\n", wirq_levels());
    else if (strcmp(line, "read") == 0)
        read_memory(arguments);
    else if (strcmp(line, "crc") == 0)
        memory_crc(arguments);
    else if (strcmp(line, "uncaught") == 0)
        uncaught();
    else if (strcmp(line, "features") == 0)
        printf("ok %" PRIu32 "\n", wirq_features());
    else if (strcmp(line, "provide") == 0)
        provide(arguments);
    else if (strcmp(line, "buffer") == 0)
        show_buffer(arguments);
    else if (strcmp(line, "hold") == 0)
        port_holds_requests = arguments[0] == '1', puts("ok");
    else if (strcmp(line, "preset") == 0) /* all counters of source 0, as after nearly 2^32 raises */
        vm->sources[0].raised = vm->sources[0].taken = (uint32_t)strtoul(arguments, NULL, 10), puts("ok");
    else if (strcmp(line, "clock") == 0)
        printf("ok %" PRIu64 " %" PRIu32 "\n", port_clock, port_sleeps);
#ifdef WIRQ_TEST_ALLOCATION
    else if (strcmp(line, "fail") == 0)
        printf("ok %" PRIu32 "\n", arena_fail_after), arena_fail_after = (uint32_t)strtoul(arguments, NULL, 10);
#endif
    else
        puts("error unknown command");
}

int main(void) {
    static char line[1 << 16];
    port_on_sleep = on_sleep;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        command(line);
        fflush(stdout);
    }
    forget();
    free(arena);
    return 0;
}
