/* extended.c: the rare operations: 64-bit division and counting, f64 arithmetic, conversions. One function each, from vm/ops. */
#include "interpret.h"
#include "numeric.h"
#include "operands.h"

#include "wirq_extended.inc"
