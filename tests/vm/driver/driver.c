/* driver.c: a VM that is driven by lines of text, so that tests of loading, linking and running are written in Python.
 *
 * Every command answers with one line: "ok ..." or "error STATUS ...". The tables at the end of each file say what there is.
 */
#include "driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WIRQ_TEST_ALLOCATION
extern uint32_t arena_fail_after;
#endif

struct wirq_vm *vm;
static void *arena;
struct wirq_module *modules[MAX_HANDLES];
struct wirq_instance *instances[MAX_HANDLES];
uint32_t module_count, instance_count;

static const char *const source_names[] = {"uart", "timer", "button", "soft0"};

void print_error(wirq_status status) {
    const struct wirq_load_error *error = wirq_last_error(vm);
    printf("error %u offset %" PRIu32 " function %" PRIi32 " detail %" PRIu32 "\n", (unsigned)status, error->offset,
           (int32_t)error->function, error->detail);
}

void answer(wirq_status status) {
    if (status == WIRQ_OK)
        puts("ok");
    else
        printf("error %u\n", (unsigned)status);
}

uint32_t take_number(char **arguments) {
    return (uint32_t)strtoul(*arguments, arguments, 10);
}

struct wirq_instance *take_instance(char **arguments) {
    return instances[take_number(arguments)];
}

char *take_name(char **arguments, size_t *length) {
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

/* Round figures, so that bounds can be worked out by hand in tests. */
static const struct wirq_costs costs = {
    .raise = 100, .deliver = 50, .operation = 10, .stub = 5, .chunk = 600, .import = 300, .per_us = 10};

/* Without a VM yet: open ARENA_BYTES STACK_CELLS HANDLER_STACK_CELLS */
static void open_vm(char *arguments) {
    unsigned long size = take_number(&arguments), stack = take_number(&arguments), handler_stack = take_number(&arguments);
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
        CHECK(wirq_provide(vm, host_table, HOST_IMPORTS) == WIRQ_OK);
    puts(vm != NULL ? "ok" : "error 96");
}

#ifdef WIRQ_TEST_ALLOCATION
/* fail ALLOCATIONS: how many still succeed. Answers how many of the last number were left. */
static void fail(char *arguments) {
    printf("ok %" PRIu32 "\n", arena_fail_after);
    arena_fail_after = take_number(&arguments);
}
#endif

static const struct command commands[] = {
    {"open", open_vm},
#ifdef WIRQ_TEST_ALLOCATION
    {"fail", fail},
#endif
    {NULL, NULL},
};

static const struct command *const tables[] = {
    commands, host_commands, loading_commands, running_commands, interrupt_commands, looking_commands,
};

static void command(char *line) {
    char *space = strchr(line, ' ');
    char *arguments = space == NULL ? line + strlen(line) : space + 1;
    if (space != NULL)
        *space = '\0';
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct command *row = tables[i]; row->name != NULL; row++) {
            if (strcmp(line, row->name) == 0) {
                row->run(arguments);
                return;
            }
        }
    }
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
