/* subject.h: the VM that is fuzzed, over a port whose clock, sleeps and interrupts come from a generator of random numbers that is
 * seeded with the input. So an input alone says everything that happens. */
#ifndef TESTS_FUZZ_SUBJECT_H
#define TESTS_FUZZ_SUBJECT_H

#include "wirq.h"

/* Ends the process with a message, which the fuzzer takes for a crash. */
#define REQUIRE(condition) ((condition) ? (void)0 : require_failed(#condition, __FILE__, __LINE__))
_Noreturn void require_failed(const char *text, const char *file, int line);

/* Begins a sequence of random numbers with what the bytes hash to. */
void random_seed(const uint8_t *bytes, size_t size);
uint32_t random_below(uint32_t bound);

/* A VM in the one arena, whose first `size` bytes it may have, with the host functions and the instance "h" (surroundings.wat).
 * NULL if that does not fit. */
struct wirq_vm *subject_open(size_t size);
/* Bytes of the arena that are in use, but for the memories and tables of "h", which guests may have grown, and exceptions nothing names. */
uint32_t subject_used(struct wirq_vm *vm);

/* Loads in pieces of random sizes, each gone before the next comes. */
wirq_status subject_load_in_pieces(struct wirq_vm *vm, const uint8_t *bytes, size_t size, struct wirq_module **module);

/* Instantiates, starts and calls exported functions, for a limited number of safe points, with interrupts at random ones. The
 * instance, or NULL. */
struct wirq_instance *subject_run_exports(struct wirq_vm *vm, struct wirq_module *module);

/* Whether instances of the module can put functions where "h" finds them. */
bool subject_lends_functions(const struct wirq_module *module);

/* Gives everything up; whether the VM is then as it was when it was opened. */
bool subject_resets(struct wirq_vm *vm);

/* How many of the next allocations succeed; 0: all. */
void subject_fail_allocation(uint32_t n);

/* That calls run to their end here: else all that follows would find nothing and say that there is nothing. */
void subject_check(void);

#endif
