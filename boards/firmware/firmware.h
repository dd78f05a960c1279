/* firmware.h: what the parts of the firmware share. */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* The one VM; made before interrupts are let through, never NULL afterwards. */
extern struct wirq_vm *firmware_vm;

/* Does the VM run something? Then ISRs ask it for a safe point when they need the main loop. */
extern volatile bool firmware_guest_runs;

/* Finds a source by its name or number, as people type it. BOARD_SOURCE_COUNT if there is none. */
uint32_t firmware_find_source(const char *name);
extern const char *const firmware_source_names[];
/* Hardware interrupt numbers, 0xFFFF for sources that software raises. */
extern const uint16_t firmware_source_vectors[];

/* Gives the VM the import module "board". */
void imports_provide(void);

#endif
