/* injection.h: interrupts at chosen safe points of a run, and the state that it ends in. */
#ifndef INJECTION_H
#define INJECTION_H

#include "wirq.h"

/* Raises sources at safe points of the next run: `count` pairs of a point's number and a source, ascending by point; points are counted
 * from 1. `every`: dispatches are counted instead. They stay the caller's until the run is over. */
void injection_arm(struct wirq_vm *vm, const uint32_t *schedule, uint32_t count, bool every);

/* The port tells of every raise, in whose course the next one is armed. */
void injection_raised(struct wirq_vm *vm);

/* Where the n-th of them came: function and byte of its lowered code. The instance, or NULL if it did not come. */
struct wirq_instance *injection_place(uint32_t n, uint32_t fields[2]);

/* What was raised in the last armed run by anything else than the schedule, as a schedule that raises it again: pairs of the point that
 * comes next and the source. Of raises within handlers the point is not known: they are left out. */
const uint32_t *injection_log(uint32_t *count);

/* The heaviest run of operations between two safe points, as the loader has found it (R67). */
uint32_t injection_gap(const struct wirq_instance *instance);

/* Bytes in use, from the VM on: what has to be saved and put back. */
uint32_t injection_extent(const struct wirq_vm *vm);

/* The first byte that differs from a copy of these, or UINT32_MAX: of all that guests can see, in whatever instance. What the VM itself
 * keeps is left out: registers, stacks, counts. */
uint32_t injection_difference(const struct wirq_vm *vm, const uint8_t *copy, uint32_t size);

/* The n-th memory, global or table (enum wirq_kind) of an instance; NULL past the last. */
const void *injection_state(const struct wirq_instance *instance, uint32_t kind, uint32_t n, uint32_t *size);

/* Handler runs of a source, and whether it has a handler now. */
uint32_t injection_delivered(const struct wirq_vm *vm, uint32_t source, bool *attached);

/* Raises a source and has its handler run, if it has one, while nothing else does. The VM is idle before and after. */
void injection_serve(struct wirq_vm *vm, struct wirq_instance *instance, uint32_t source);

#endif
