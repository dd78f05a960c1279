/* port.h: the machine that the VM's tests run on: a clock that tests move, a sleep that tests look into. */
#ifndef TESTS_VM_PORT_H
#define TESTS_VM_PORT_H

#include "wirq.h"
#include "wirq_port.h"

extern uint64_t port_clock;  /* moved by tests only, and by sleeping */
extern uint32_t port_masked; /* nesting of mask sections */
extern uint32_t port_sleeps; /* how often the VM has slept */
extern uint32_t port_safe_points_asked;
extern bool port_holds_requests;                 /* the soft interrupt is held off: port_soft_interrupt() is when it runs */
extern struct wirq_vm *port_vm;                  /* who asked */
extern void (*port_on_sleep)(uint64_t deadline); /* runs masked, in the sleep: a place for ISRs */
extern void (*port_on_mask)(bool masked);        /* for tests with real asynchronous events */

void port_soft_interrupt(void);

/* Ends the test program with a message if the condition does not hold. */
#define CHECK(condition) check(condition, #condition, __FILE__, __LINE__)
void check(bool condition, const char *text, const char *file, int line);

/* A whole file; the bytes are exactly as long as the file, so that a sanitizer sees every read beyond them. */
uint8_t *read_file(const char *path, size_t *size);

#endif
