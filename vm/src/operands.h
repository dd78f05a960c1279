/* operands.h: how handlers and extended operations read their operand units. ip points at the operation, fp at the frame. */
#ifndef WIRQ_OPERANDS_H
#define WIRQ_OPERANDS_H

#define U16(n) ((uint32_t)ip[n])
#define C16(n) ((uint32_t)(int32_t)(int16_t)ip[n])
#define K32(n) ((uint32_t)ip[n] | (uint32_t)ip[(n) + 1] << 16)
#define S32(n) (fp[ip[n]])
#define GET64(p) ((uint64_t)(p)[0] | (uint64_t)(p)[1] << 32)
#define SET64(p, v) ((p)[0] = (uint32_t)(v), (p)[1] = (uint32_t)((v) >> 32))
#define S64(n) GET64(&fp[ip[n]])
#define PUT64(n, v) SET64(&fp[ip[n]], v)

#endif
