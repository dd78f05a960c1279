/* kept_code.h: lowered code of stored and frozen modules, in flash: it takes no RAM there, survives a reset, and is found again by
 * the next load, which lowers nothing then.
 *
 * It is a record of the store beside the module's own, under the same name, which tells the digest of the module that it was made of.
 * Behind the code stand the build of the firmware that made it, and a checksum. A first load only counts: so a module is known to be
 * valid, and the room to be there, before anything is written. A second one writes, and the record is committed when it is whole. So
 * whenever the power fails there is all of it or nothing, and what does not fit, is of another module or another build, or does not
 * have its checksum is not used: the code goes to RAM then, or is made anew.
 *
 * Kept code only saves time and RAM: it gives way to files when the store is full. Thread only. */
#ifndef KEPT_CODE_H
#define KEPT_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* Can lowered code lie in the store at all? The store must be open. */
bool kept_code_possible(void);

/* A module of the store or a frozen one, which stays where it is, is about to be loaded. */
void kept_code_begin(const struct store_file *module);
/* Its load has begun, for the first time or again: wirq_load_begin was called. */
void kept_code_load_begun(void);
/* Its load has ended, with this status and, if that is WIRQ_OK, this module. True: it must be loaded once more from its beginning
 * (the module is gone then), false: that was it. */
bool kept_code_load_ended(wirq_status status, struct wirq_module *module);
/* Its load was given up. */
void kept_code_abort(void);

/* LINK_CODE_RAM, LINK_CODE_WRITTEN or LINK_CODE_FOUND: what came of the module loaded last. */
uint8_t kept_code_outcome(void);
/* What is loaded next is no such module. */
void kept_code_none(void);

/* Removes what is kept of one module; of modules that are not there any more; of all. */
void kept_code_remove(const char *name, uint32_t length);
void kept_code_remove_stale(void);
void kept_code_remove_all(void);
/* Bytes that it takes of the store. */
uint32_t kept_code_bytes(void);

#endif
