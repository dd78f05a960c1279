/* upload.h: the one module that is sent to the board: where its bytes are until it is loaded.
 *
 * It lies at the end of the memory that the VM's arena begins in: the arena ends where the upload starts. So there is one pool of
 * memory, and an upload takes exactly what it needs. Memory that a guest uses is never taken from it. */
#ifndef UPLOAD_H
#define UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* Begins an upload, or goes on with the one of that hash: *offset is where. Another one is replaced, once it is certain that the
 * new one fits. */
wirq_status upload_begin(uint32_t size, const uint8_t *sha256, uint32_t *offset);
/* The next piece; *next is where the following one goes. */
wirq_status upload_write(uint32_t offset, const uint8_t *bytes, uint32_t length, uint32_t *next);
/* Checks the hash. A wrong one ends the upload. */
wirq_status upload_commit(void);
/* Not while its bytes are read by a load. */
void upload_drop(void);
/* Its memory has another use already. */
void upload_forget(void);

/* The upload's bytes once it is committed, else NULL. */
const uint8_t *upload_bytes(uint32_t *size);
/* Its SHA-256. */
const uint8_t *upload_hash(void);
/* Bytes of memory that the upload takes now. */
uint32_t upload_memory(void);

#endif
