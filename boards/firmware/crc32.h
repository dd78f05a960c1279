/* crc32.h: CRC-32 (IEEE), a byte at a time. */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

#define CRC32_START UINT32_C(0xFFFFFFFF)
/* What the CRC of anything followed by its CRC comes to, before it is inverted. */
#define CRC32_RESIDUE UINT32_C(0xDEBB20E3)

/* Adds a byte to a CRC that began as CRC32_START; the CRC is ~ of the end. */
uint32_t crc32_add(uint32_t crc, uint8_t byte);

#endif
