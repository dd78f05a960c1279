/* wirq_port.h: what the VM asks of the machine it runs on. An embedder defines these five functions, once a program.
 *
 * They are the only way from the VM to the outside but the host functions that the embedder registers.
 */
#ifndef WIRQ_PORT_H
#define WIRQ_PORT_H

#include <stdbool.h>
#include <stdint.h>

struct wirq_vm;

/* Microseconds since start, never going back. Called from thread context and from wirq_raise (any ISR), so it must be ISR-safe. */
uint64_t wirq_port_clock_us(void);

/* Holds off every context that may call wirq_raise, and lets it go again. Not nested by the VM. Returns what unmask must be
 * given, so that the pair may also be used where interrupts are already masked. Held for a few dozen instructions at most. */
uintptr_t wirq_port_mask(void);
void wirq_port_unmask(uintptr_t before);

/* Sees to it that wirq_poison(vm) is called soon, in ONE context: the lowest-priority soft interrupt (PendSV; RISC-V msip), or
 * the signal handler itself on POSIX. Called from any ISR and from thread context; must not block, may be called repeatedly.
 * interrupts.md R13: device ISRs never patch the table themselves and stay a few stores long. */
void wirq_port_request_safe_point(struct wirq_vm *vm);

/* Sleeps until an interrupt or until the clock reaches deadline_us (UINT64_MAX: no deadline), whichever is first. Entered
 * MASKED and returns masked; it must wake for an interrupt that became pending before or after the call
 * (Arm: dsb; wfi wakes with PRIMASK set; RISC-V: wfi with MIE = 0; POSIX: sigsuspend or ppoll with the old mask), and that
 * interrupt's handler runs when the caller unmasks. May return early. interrupts.md R51. */
void wirq_port_sleep(uint64_t deadline_us);

/* What a build with WIRQ_TRACE=1 tells as it happens, and one with WIRQ_TRACE=2 of calls, too: no other build has or needs this
 * function. `subject` is the source, where one is meant; `detail` is 0 unless said. Called from any ISR (raises) and from thread
 * context; it must be short, for the handlers wait meanwhile. */
enum wirq_trace_event {
    WIRQ_TRACE_RUN,    /* a call, or a reactor, begins */
    WIRQ_TRACE_END,    /* … ends */
    WIRQ_TRACE_RAISE,  /* of a source */
    WIRQ_TRACE_ENTER,  /* the handler of a source is entered */
    WIRQ_TRACE_LEAVE,  /* … and left, by its return or by a trap */
    WIRQ_TRACE_MASK,   /* a source is masked */
    WIRQ_TRACE_UNMASK, /* … and unmasked */
    WIRQ_TRACE_WAIT,   /* the guest begins to wait in a host function */
    WIRQ_TRACE_WOKE,   /* … and goes on */
    WIRQ_TRACE_CALL, /* a function is entered: its index in the low half of `subject`, its instance's number in the high one; `detail` is
                        * the depth of the stack in it */
    WIRQ_TRACE_RETURN, /* the function that had depth `detail` returns; one that is left otherwise does not tell */
    WIRQ_TRACE_MEMORY, /* linear memory `detail` has `subject` bytes: told of all when a run begins, and of what has grown */
};
void wirq_port_trace(enum wirq_trace_event event, uint32_t subject, uint32_t detail);

/* What a build with WIRQ_RECORD=1 tells of every operation at counting stubs, handlers' too, before it looks what is due there: what is
 * raised now is seen now. No other build has or needs this function. Thread context. */
void wirq_port_counted(struct wirq_vm *vm);

#endif
