/* config.h: what this build of the VM can do and how far it goes. The only file with build options of the core. */
#ifndef WIRQ_CONFIG_H
#define WIRQ_CONFIG_H

#include "wirq_errors.h"

/* Bits of enum wirq_feature that are built in. */
#define WIRQ_BUILT_FEATURES                                                                                                  \
    (1u << WIRQ_FEATURE_MUTABLE_GLOBALS | 1u << WIRQ_FEATURE_SIGN_EXTENSION | 1u << WIRQ_FEATURE_SATURATING_TRUNCATION |      \
     1u << WIRQ_FEATURE_MULTI_VALUE | 1u << WIRQ_FEATURE_BULK_COPY_FILL | 1u << WIRQ_FEATURE_CUSTOM_PAGE_SIZES |        \
     1u << WIRQ_FEATURE_TAIL_CALL)

/* Interrupt sources a VM can have (interrupts.md section 2). */
#define WIRQ_MAX_SOURCES 32

/* Priorities of handlers, 0 to WIRQ_LEVELS - 1, each with a wasm stack of its own (interrupts.md R32, R39). */
#ifndef WIRQ_LEVELS
#define WIRQ_LEVELS 2
#endif

/* Control operations between two looks at what a guest's critical section or an interval holds back (R38, R42); a power of two. */
#define WIRQ_WATCH_PERIOD 16

/* Tables of host functions that wirq_provide takes. */
#define WIRQ_MAX_HOST_TABLES 4

/* Cells that every wasm stack keeps free above the running frame. A function whose frame is larger checks for itself (the `enter`
 * operation), so that the common call pays one comparison with a constant. */
#define WIRQ_STACK_SLACK 32

/* Cells of the largest frame: operands of the internal code are 16-bit slot numbers, and the callee's frame begins within. */
#define WIRQ_MAX_FRAME_CELLS 60000

/* Parameters, and results, of a function type. */
#define WIRQ_MAX_TYPE_VALUES 1000

/* Functions a module may have, imports included: a funcref cell is (instance << 16 | function). */
#define WIRQ_MAX_FUNCTIONS 65535
#define WIRQ_MAX_INSTANCES 65534

/* Symbolic operands (locals, constants) that lowering leaves unmaterialised below the top of the operand stack. Bounds the work
 * of a local.set, which must look for operands that still name the local. */
#define WIRQ_MAX_SYMBOLIC 16

/* Bytes of memory.copy and memory.fill done between two safe points (interrupts.md R53). */
#define WIRQ_BULK_CHUNK 256

#endif
