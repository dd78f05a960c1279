/* files.h: the files of the board: those in its store, and modules frozen into the firmware. Thread only.
 *
 * The store lies in flash if the board has some that can be written, which is found out at boot, else in RAM, which is taken from the
 * end of the arena when the first file is written and holds until the next reset. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

void files_open(void);

/* LINK_STORE_RAM, LINK_STORE_FLASH or LINK_STORE_FILE. */
uint8_t files_store_kind(void);
/* Bytes of the whole store; what of them is in use is files_space(), which looks at every block. */
uint32_t files_store_size(void);
void files_space(struct store_space *space);
/* Bytes of memory that a store in RAM has taken from the arena. */
uint32_t files_memory(void);

/* A file of the store, or a frozen module if there is none of that name. */
wirq_status files_find(const char *name, uint32_t length, struct store_file *file, bool *frozen);
/* All files one after the other, from *position = 0 on: those of the store, then the frozen ones. */
bool files_next(uint32_t *position, struct store_file *file, bool *frozen);
wirq_status files_remove(const char *name, uint32_t length);

/* As those of store.h. WIRQ_NO_MEMORY if the arena has no room for a store in RAM. */
wirq_status files_begin(const char *name, uint32_t length, uint32_t size, const uint8_t *sha256, uint32_t *offset);

wirq_status files_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next);
wirq_status files_commit(void);

/* Keeps a module's bytes where they are for as long as it is loaded. */
bool files_keep(const struct store_file *file, bool frozen);
/* How much is kept, lowered code included; and lets go of what came after so much. */
uint32_t files_kept(void);
void files_release(uint32_t kept);

/* ---- the module that is started at boot ---- */

/* Sets it; no name: none, not even a frozen one. */
wirq_status files_set_autostart(const char *name, uint32_t length);
/* The one that was set; else the first frozen one. WIRQ_UNKNOWN_FILE if there is none. */
wirq_status files_autostart(struct store_file *file, bool *frozen);
bool files_is_autostart(const struct store_file *file);

#endif
