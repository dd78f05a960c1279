/* config.h: what this build of the VM can do and how far it goes. The only file with build options of the core. */
#ifndef WIRQ_CONFIG_H
#define WIRQ_CONFIG_H

#include "wirq_errors.h"

/* Build options: what WebAssembly 1.0 does not have, or what not every guest needs, one each, 1 or 0; -DWIRQ_WITH_…=0 leaves it out. A module that needs what is
 * left out is refused by the feature's name (enum wirq_feature). Sign extension, several results and mutable globals are always
 * there: without them hardly a module of today would load. */
#ifndef WIRQ_WITH_SATURATING_TRUNCATION
#define WIRQ_WITH_SATURATING_TRUNCATION 1
#endif
#ifndef WIRQ_WITH_BULK_COPY_FILL /* memory.copy, memory.fill */
#define WIRQ_WITH_BULK_COPY_FILL 1
#endif
#ifndef WIRQ_WITH_CUSTOM_PAGE_SIZES
#define WIRQ_WITH_CUSTOM_PAGE_SIZES 1
#endif
#ifndef WIRQ_WITH_BULK_MEMORY /* passive segments, memory.init, table.copy … */
#define WIRQ_WITH_BULK_MEMORY 1
#endif
#ifndef WIRQ_WITH_REFERENCE_TYPES
#define WIRQ_WITH_REFERENCE_TYPES 1
#endif
#ifndef WIRQ_WITH_MULTI_TABLE
#define WIRQ_WITH_MULTI_TABLE 1
#endif
#ifndef WIRQ_WITH_EXTENDED_CONST
#define WIRQ_WITH_EXTENDED_CONST 1
#endif
#ifndef WIRQ_WITH_TYPED_FUNCTION_REFERENCES
#define WIRQ_WITH_TYPED_FUNCTION_REFERENCES 1
#endif
#ifndef WIRQ_WITH_TAIL_CALL
#define WIRQ_WITH_TAIL_CALL 1
#endif
#ifndef WIRQ_WITH_MULTI_MEMORY
#define WIRQ_WITH_MULTI_MEMORY 1
#endif
#ifndef WIRQ_WITH_EXCEPTIONS /* tags, throw, throw_ref, try_table, exnref */
#define WIRQ_WITH_EXCEPTIONS 1
#endif
#ifndef WIRQ_WITH_RINGS /* a record of each raise, in a ring of the guest's interrupt block (interrupts.md R21) */
#define WIRQ_WITH_RINGS 1
#endif
#if WIRQ_WITH_TYPED_FUNCTION_REFERENCES && !WIRQ_WITH_REFERENCE_TYPES
#error "function references need WIRQ_WITH_REFERENCE_TYPES"
#endif

/* Bits of enum wirq_feature that are built in. */
#define WIRQ_FEATURE_BIT(name) ((uint32_t)WIRQ_WITH_##name << WIRQ_FEATURE_##name)
#define WIRQ_BUILT_FEATURES                                                                                             \
    (1u << WIRQ_FEATURE_MUTABLE_GLOBALS | 1u << WIRQ_FEATURE_SIGN_EXTENSION | 1u << WIRQ_FEATURE_MULTI_VALUE |          \
     WIRQ_FEATURE_BIT(SATURATING_TRUNCATION) | WIRQ_FEATURE_BIT(BULK_COPY_FILL) | WIRQ_FEATURE_BIT(CUSTOM_PAGE_SIZES) | \
     WIRQ_FEATURE_BIT(BULK_MEMORY) | WIRQ_FEATURE_BIT(REFERENCE_TYPES) | WIRQ_FEATURE_BIT(MULTI_TABLE) |                \
     WIRQ_FEATURE_BIT(EXTENDED_CONST) | WIRQ_FEATURE_BIT(TYPED_FUNCTION_REFERENCES) | WIRQ_FEATURE_BIT(TAIL_CALL) |     \
     WIRQ_FEATURE_BIT(MULTI_MEMORY) | WIRQ_FEATURE_BIT(EXCEPTIONS) | WIRQ_FEATURE_BIT(RINGS))

/* Whether lowered code holds operations and slots as distances in bytes (code_scale in code.c): 1 where a load has no scaled index, which
 * then takes an instruction less for each. */
#ifndef WIRQ_SCALED_UNITS
#if (defined(__thumb__) && !defined(__thumb2__)) || (defined(__riscv) && __riscv_xlen == 32)
#define WIRQ_SCALED_UNITS 1
#else
#define WIRQ_SCALED_UNITS 0
#endif
#endif

/* Interrupt sources a VM can have (interrupts.md section 2). */
#define WIRQ_MAX_SOURCES 32

/* log2 of the most records that a ring may have: all of them are copied between two safe points, in less time than a chunk of a bulk
 * operation takes (interrupts.md R21, R68). */
#define WIRQ_MAX_RING_LOG2 5

/* Priorities of handlers, 0 to WIRQ_LEVELS - 1, each with a wasm stack of its own (interrupts.md R32, R39). */
#ifndef WIRQ_LEVELS
#define WIRQ_LEVELS 2
#endif

/* Computing the latency bound and the stack that handlers need when a module is loaded (R32, R67-R69). Without it handlers get the
 * whole stack of their level and a demanded latency is ignored. */
#ifndef WIRQ_COMPUTE_BOUNDS
#define WIRQ_COMPUTE_BOUNDS 1
#endif

/* How many ordinary operations a heavy one counts as in the bound (vm/ops/internal.py). */
#define WIRQ_HEAVY_OPERATION 16

/* What the search for a handler's stack need may cost: depth of direct calls, and operations looked at. A handler beyond that needs a
 * declared stack, as one that recurses does (R32). */
#define WIRQ_MAX_HANDLER_CALLS 12
#define WIRQ_MAX_HANDLER_OPERATIONS 4096

/* Lowered code in memory of the embedder's, such as flash (wirq_load_code_memory). Without it all of it goes to the arena. */
#ifndef WIRQ_CODE_MEMORY
#define WIRQ_CODE_MEMORY 1
#endif

/* Telling the port of every raise, handler and wait and of growing memory (wirq_port_trace): for timelines. 2: of calls, too, which
 * makes them slower. Off, nothing of it is in the code. */
#ifndef WIRQ_TRACE
#define WIRQ_TRACE 0
#endif

/* Telling the port of every operation at counting stubs (wirq_port_counted): for logs of interrupts. Off, nothing of it is in the code. */
#ifndef WIRQ_RECORD
#define WIRQ_RECORD 0
#endif

/* Control operations between two looks at what a guest's critical section or an interval holds back (R38, R42); a power of two. */
#define WIRQ_WATCH_PERIOD 16

/* Handlers that are chained before what they interrupt gets on by an operation (R42). */
#define WIRQ_LONGEST_CHAIN 32

/* Tables of host functions that wirq_provide takes. */
#define WIRQ_MAX_HOST_TABLES 4

/* Cells that every wasm stack keeps free above the running frame. A function whose frame is larger checks for itself (the `enter`
 * operation), so that the common call pays one comparison with a constant. */
#define WIRQ_STACK_SLACK 32

/* Cells of the largest frame: operands of the internal code are 16-bit slot numbers, and the callee's frame begins within. */
#if WIRQ_SCALED_UNITS
#define WIRQ_MAX_FRAME_CELLS 16000
#else
#define WIRQ_MAX_FRAME_CELLS 60000
#endif

/* Parameters, and results, of a function type. */
#define WIRQ_MAX_TYPE_VALUES 1000

/* Other function types that a function type may mention, itself or through those, to be found equal to one of another module. */
#define WIRQ_MAX_SHARED_TYPES 16

/* Functions a module may have, imports included: a funcref cell is (instance << 16 | function). */
#define WIRQ_MAX_FUNCTIONS 65535
#define WIRQ_MAX_INSTANCES 65534

/* Symbolic operands (locals, constants) that lowering leaves unmaterialised below the top of the operand stack. Bounds the work
 * of a local.set, which must look for operands that still name the local. */
#define WIRQ_MAX_SYMBOLIC 16

/* Bytes of memory.copy and memory.fill done between two safe points (interrupts.md R53). */
#define WIRQ_BULK_CHUNK 256
/* Elements of table.copy, table.fill and table.init. */
#define WIRQ_TABLE_CHUNK 32

/* Exceptions that may live at once: thrown and not caught yet, or named by an exnref. */
#ifndef WIRQ_MAX_EXCEPTIONS
#define WIRQ_MAX_EXCEPTIONS 32
#endif

/* Values that a constant expression may have on its operand stack. */
#define WIRQ_MAX_CONSTANT_DEPTH 16

#endif
