/* recorder.h: interrupts by signals of the operating system: a log of when they came, and the same ones again from the log. */
#ifndef RECORDER_H
#define RECORDER_H

#include "wirq.h"

/* A raise as the log has it, RECORDER_FIELDS words: the control operation before which it came, counted from 1 since the begin, those of
 * handlers and each chunk of a bulk operation too; source; argument; then what must be the same when it comes again: the level that
 * was interrupted, function, byte of its lowered code, and how often in a row this operation was come to (of a bulk operation: how far
 * it is); and whether it ended a wait that nothing else would have ended. */
enum { RECORDER_FIELDS = 8 };

/* From now on signals are held until the running code comes to a control operation, raised and logged there. With a log, what is in it is
 * raised instead, at the same operations. The log must stay until the end. */
void recorder_begin(struct wirq_vm *vm, const uint32_t *log, uint32_t count);

/* This signal raises this source until the end; its argument is how many of it have come. False: there is no room, or no such signal. */
bool recorder_listen(uint32_t signal, uint32_t source);

/* Signals do what they did before. */
void recorder_end(void);

/* What was raised since the begin. Of a run from a log these are the raises that came as logged; fewer than in the log: the next one
 * would have come elsewhere, and the run is another one. */
const uint32_t *recorder_log(uint32_t *count);

/* Signals that came when there was no more room to hold or log them. */
uint32_t recorder_lost(void);

/* The guest sleeps, and nothing but a signal will wake it. False: none will. */
bool recorder_sleep(struct wirq_vm *vm);

#endif
