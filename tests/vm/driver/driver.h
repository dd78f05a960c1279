/* driver.h: what the files of the test driver share. */
#ifndef DRIVER_H
#define DRIVER_H

#include "port.h"
#include "vm.h"

#define MAX_HANDLES 4096

/* A command takes what stands behind its name on the line, and prints the one line that answers it. */
struct command {
    const char *name;
    void (*run)(char *arguments);
};
extern const struct command host_commands[], loading_commands[], running_commands[], interrupt_commands[], looking_commands[];

/* ---- driver.c ---- */
extern struct wirq_vm *vm;
extern struct wirq_module *modules[MAX_HANDLES];
extern struct wirq_instance *instances[MAX_HANDLES];
extern uint32_t module_count, instance_count;
/* "ok", or the status. */
void answer(wirq_status status);
/* The status, and what the VM knows of where it was. */
void print_error(wirq_status status);
uint32_t take_number(char **arguments);
struct wirq_instance *take_instance(char **arguments);
/* A name as hexadecimal digits, or "-" for the empty one; decoded where it stands. */
char *take_name(char **arguments, size_t *length);

/* ---- host.c ---- */
enum { HOST_IMPORTS = 12 };
extern const struct wirq_host_import host_table[HOST_IMPORTS];
bool on_fault(struct wirq_vm *of, const struct wirq_trap *trap);

/* ---- loading.c ---- */
/* Gives back what was kept for modules. */
void forget(void);

/* ---- running.c ---- */
void on_sleep(uint64_t deadline);

#endif
