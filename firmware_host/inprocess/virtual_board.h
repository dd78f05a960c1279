/* virtual_board.h: what virtual.py declares of virtual_board.c. */
#ifndef VIRTUAL_BOARD_H
#define VIRTUAL_BOARD_H

#include <stddef.h>

#include "wirq.h"

enum virtual_output { VIRTUAL_TEXT, VIRTUAL_HANDLER_TEXT, VIRTUAL_PINS, VIRTUAL_OUTPUTS };

struct wirq_vm *virtual_open(void *arena, size_t size);
void virtual_close(void);
void virtual_script(const uint8_t *text, uint32_t size, const uint8_t *sources, uint32_t count);
void *virtual_state(uint32_t *size);
const uint8_t *virtual_written(uint32_t which, uint32_t *size);
bool virtual_waits_for_ever(void);

#endif
