/* bytes.h: the four functions that C compilers expect of every target, also of one without a libc, and so the only ones used. */
#ifndef WIRQ_BYTES_H
#define WIRQ_BYTES_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);

#endif
