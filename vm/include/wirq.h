/* wirq.h: the whole interface of the wirq VM for embedders. Read from top to bottom it is the manual.
 *
 * wirq runs WebAssembly on microcontrollers and answers interrupts while it runs: a device's interrupt service routine (ISR)
 * calls wirq_raise(), and at its next safe point the running guest is interrupted, its handler runs on a wasm stack of its
 * own, and the interrupted code goes on as if nothing had been.
 *
 *     static uint64_t arena[2000];
 *     struct wirq_config config = {.arena = arena, .arena_size = sizeof arena, .stack_cells = 512,
 *                                  .handler_stack_cells = 128, .source_count = 4, .source_names = names};
 *     struct wirq_vm *vm = wirq_open(&config);
 *     wirq_load(vm, bytes, size, &module);              // validated and lowered whole; nothing has run
 *     wirq_instantiate(vm, module, &instance);          // imports resolved, segments written
 *     wirq_call(instance, function, arguments, count);  // prepares a call
 *     while ((run = wirq_run(vm)) == WIRQ_RUN_WAITING)  // runs it
 *         wirq_idle(vm, UINT64_MAX);                    // sleeps until an interrupt or the deadline of the wait
 *
 * examples/embed/embed.c is a whole program. These rules hold for every function unless its comment says otherwise:
 *
 *   Context    One thread, or the main loop: never from an ISR, never from a host function, never two at once on one VM.
 *              "Any ISR" marks what ISRs, signal handlers and other threads may call at any time after wirq_open, "host
 *              function" what host functions and on_fault may call, too.
 *   Time       Nothing blocks but wirq_idle, and wirq_run for as long as guests run. Nothing recurses: C stack use is
 *              constant.
 *   Ownership  The arena is the embedder's; the VM lies in it, and whatever it hands out points into it. What the embedder
 *              hands in is read during the call only, but for what is called "kept": that must stay, unchanged, for as long
 *              as is said there.
 *   Lifetime   A module lives from wirq_load_end to wirq_unload, an instance from wirq_instantiate to wirq_release, both at
 *              most to wirq_reset. A handle that is no longer alive must not be given in again, and no pointer may be NULL:
 *              nothing checks that.
 *   Errors     A status other than WIRQ_OK says that nothing has changed: what the call had taken is given back. What has no
 *              status cannot fail. The numbers are in wirq_errors.h; their texts are the host's.
 *
 * Memory. Everything lies in the one arena of wirq_config, which is all the RAM the VM and its guests have. Running out of
 * it is WIRQ_NO_MEMORY at the call that needed it. While guests run nothing is allocated but what they ask for; memory.grow
 * and table.grow answer -1 when there is none.
 *
 * Several at once. A VM has any number of modules, and of instances of each; instances of one module share its code. One
 * call runs at a time in a VM. Several VMs share nothing, for the VM has no variables outside its arena; even the table of
 * handlers, which interrupts overwrite, lies in it. So threads may each run a VM of their own; the port's functions must
 * then be fit for that.
 *
 * Values travel in 32-bit cells: i32 and f32 (bit pattern) take one, i64 and f64 two, low word first; references take one.
 */
#ifndef WIRQ_H
#define WIRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wirq_errors.h"

typedef uint8_t wirq_status; /* one of enum wirq_status; WIRQ_OK is 0 */

struct wirq_vm;
struct wirq_module;
struct wirq_instance;

/* ---- value types: the byte of the binary format; what that takes more bytes for, has the bits below ---- */
enum wirq_type {
    WIRQ_I32 = 0x7F,
    WIRQ_I64 = 0x7E,
    WIRQ_F32 = 0x7D,
    WIRQ_F64 = 0x7C,
    WIRQ_FUNCREF = 0x70,
    WIRQ_EXTERNREF = 0x6F,
    WIRQ_EXNREF = 0x69,
    WIRQ_NULLFUNCREF = 0x73, /* (ref null nofunc): these three have no value but null */
    WIRQ_NULLEXTERNREF = 0x72,
    WIRQ_NULLEXNREF = 0x74,
    WIRQ_NON_NULL = 0x1000, /* with a reference type: without null */
    WIRQ_INDEXED = 0x2000,  /* a reference to a function type: with the type's index in its module */
    WIRQ_INDEX_MASK = 0x0FFF,
};

/* A function type. results follow the parameters in types[]. Belongs to the module it came from and lives as long. */
struct wirq_functype {
    uint16_t parameter_count, result_count;
    uint16_t parameter_cells, result_cells;
    uint16_t types[]; /* enum wirq_type */
};

/* The cell of a null reference. An externref is otherwise whatever the host likes: the VM only hands it on. A reference to a
 * function comes from the VM, by wirq_reference, as a result or as an argument of a host function. */
#define WIRQ_NULL_REFERENCE UINT32_C(0)

/* ---- opening a VM ---- */

/* What the parts of an interrupt's latency cost at most on this machine, in executed instructions (R68). */
struct wirq_costs {
    uint16_t raise;     /* from the pended interrupt to the end of the soft interrupt that asks for a safe point */
    uint16_t deliver;   /* from the safe point to the first operation of the handler */
    uint16_t operation; /* an ordinary operation */
    uint16_t stub;      /* what a counting stub adds to one */
    uint16_t chunk;     /* WIRQ_BULK_CHUNK bytes of a bulk operation */
    uint32_t import;    /* the longest host function that does not wait */
    uint32_t per_us;    /* instructions executed in a microsecond, at least; 0: not known, so no time can be promised */
};
struct wirq_trap;
/* A handler has trapped or overrun its budget: the embedder is told, from within wirq_run, in thread context. It may call
 * what host functions may; `trap` is valid until it returns. The answer counts for sources of policy WIRQ_POLICY_HOST: true
 * drops the handler and disables its source, as WIRQ_POLICY_CONTAIN does; false is fatal. */
typedef bool wirq_fault_function(struct wirq_vm *vm, const struct wirq_trap *trap);
struct wirq_config {
    void *arena;                     /* 8-byte aligned RAM; kept: the VM is in it until the embedder makes no more calls */
    size_t arena_size;               /* bytes */
    uint32_t stack_cells;            /* main wasm stack; 512 run every embedded guest measured (2 KiB) */
    uint32_t handler_stack_cells;    /* wasm stack of each interrupt level; 0 = no handlers */
    uint32_t source_count;           /* interrupt sources, at most 32 */
    const char *const *source_names; /* their names, for exports "irq:NAME"; kept, not copied */
    void *user;                      /* for host functions: wirq_user() */
    wirq_fault_function *on_fault;   /* told of every handler that trapped; may be NULL */
    const struct wirq_costs *costs;  /* what the latency bound is computed with; kept; NULL: no bound can be promised */
};

/* Makes a VM at the start of the arena. NULL if the arena is too small or the configuration is out of range. The
 * configuration itself may go; what its pointers point at is kept. A VM needs no closing: when no ISR and no thread calls it
 * any more, the arena may be used for something else. */
struct wirq_vm *wirq_open(const struct wirq_config *config);

/* Releases every instance and module, gives up a load, and forgets handlers and pending raises; whatever ran is over, and
 * nothing answers for it. All handles are dead, all of their memory is free again. Host functions that were provided and
 * classes that were bound stay, and so do settings of the arena's end. */
void wirq_reset(struct wirq_vm *vm);

/* Moves the end of the arena to `size` bytes from its start: gives the VM more of the memory that follows it, or takes back
 * what is free there, for the embedder's own use, such as a module on its way. Blocks are not moved. WIRQ_NO_MEMORY if
 * something lies beyond the new end, WIRQ_BUSY during a load. */
wirq_status wirq_resize_arena(struct wirq_vm *vm, size_t size);

/* wirq_config.user. Host function; any ISR. */
void *wirq_user(const struct wirq_vm *vm);

/* The instance whose code runs now: what a host function was called by. Host function. Between runs it is the one that ran
 * last; NULL if there is none. */
struct wirq_instance *wirq_current(const struct wirq_vm *vm);

/* ---- host functions ---- */

/* A function of the embedder's that guests call. Runs inside wirq_run, in thread context, interrupts enabled; it should be
 * short, for no handler is delivered meanwhile. It must not call the VM but for what is marked "host function". cells holds
 * the arguments, parameter_cells of them, and takes the results from index 0 on; it is valid until the function returns. The
 * memory of the calling instance is reached by wirq_memory_range(). Answers WIRQ_OK, a trap code, or WIRQ_WAIT: then the
 * VM's run returns WIRQ_RUN_WAITING when no handler is deliverable, and calls the function again, with its arguments as they
 * were, after each wake-up; see wirq_wait_until. A function that answers WIRQ_WAIT must not have changed cells. */
typedef wirq_status wirq_host_function(struct wirq_vm *vm, uint32_t *cells);

struct wirq_host_import {
    const char *module, *name;
    const char *type; /* "ii:i": parameters, colon, results; i = i32, I = i64, f = f32, F = f64, r = funcref, x = externref */
    wirq_host_function *function;
    bool handler_may_call; /* whether a forced handler may call it (R46); else it traps WIRQ_TRAP_FORBIDDEN_IN_HANDLER */
};

/* Adds a table of host functions for modules that are instantiated from now on; the first of a name counts. The table is
 * kept, with its strings, for as long as the VM; it may lie in flash. WIRQ_NO_MEMORY if there are 4 tables already, or if
 * count is over 65535. The VM's own module "wirq" is always there and comes first. */
wirq_status wirq_provide(struct wirq_vm *vm, const struct wirq_host_import *table, size_t count);

/* Provides memory of the embedder's own for import as MODULE.NAME: a DMA buffer, a frame buffer, something shared with other
 * software. A module that imports it, most likely beside a memory of its own (multi-memory), works on these very bytes. Its size in
 * pages of page_size bytes, 65536 or 1, is minimum and maximum at once, so memory.grow answers -1.
 *   Ownership: base stays the embedder's. It must stay there, readable and writable and 8-byte aligned, until the VM is no longer
 * used; wirq_reset keeps what was provided. The names are kept, not copied. A description of some 40 bytes comes from the arena.
 *   Others may write to it while code runs, an ISR or a DMA channel for instance: loads and stores of the guest are plain accesses,
 * at most 32 bits wide and in no promised order, so bytes that change hands need a flag or an interrupt beside them.
 *   WIRQ_BAD_LIMITS if page_size is something else or size is no multiple of it; WIRQ_BAD_REQUEST if base is not aligned;
 * WIRQ_NO_MEMORY. Thread context, also while nothing is loaded yet. An instance registered as MODULE comes first. */
wirq_status wirq_provide_memory(struct wirq_vm *vm, const char *module, const char *name, void *base, uint32_t size,
                                uint32_t page_size);

/* For a host function that answers WIRQ_WAIT: the wait also ends at this clock value (wirq_port_clock_us). Kept for the
 * whole of one wait, restarts after handlers included: only the first call of a wait sets it. Returns the deadline in force.
 * Host function. */
uint64_t wirq_wait_until(struct wirq_vm *vm, uint64_t deadline_us);

/* ---- loading: one streaming pass that validates and lowers ---- */

struct wirq_load_error {
    wirq_status status;
    uint32_t offset;   /* bytes from the start of the module: where it was noticed */
    uint32_t function; /* index of the function being lowered, or UINT32_MAX */
    uint32_t detail;   /* WIRQ_ABSENT_FEATURE: enum wirq_feature. Space: bytes needed. UNKNOWN_IMPORT, IMPORT_TYPE: import index */
};

/* Begins a load; one at a time, also between two wirq_run of a call. WIRQ_BUSY if one has begun, WIRQ_NO_MEMORY. in_place !=
 * NULL: the whole module lies there, stays readable and unchanged until the module is released, and is referred to instead
 * of copied (names, data segments). Pieces are then fed from that very buffer. */
wirq_status wirq_load_begin(struct wirq_vm *vm, const uint8_t *in_place);

/* Writes the next bytes of lowered code, from base on. It is called in wirq_load_feed only, in thread context, and must not call the
 * VM. What cannot be written is the embedder's to remember: the module of such a load must not be instantiated. */
typedef void wirq_append_function(void *user, const void *bytes, uint32_t size);

/* Memory of the embedder's for the lowered code of one module, which is executed where it lies: flash, say. There it survives a
 * reset, and takes no RAM. */
struct wirq_code_memory {
    const uint8_t *base; /* aligned as a pointer. Kept, with what is there, until the module is unloaded */
    uint32_t size;       /* bytes that are there from an earlier load; 0: they are to be written */
    wirq_append_function *append;
    void *user;
};

/* Says where the code of the load that has just begun goes, instead of the arena; `memory` is kept until the load ends. The arena
 * needs room for the largest function then, while it is lowered.
 *   size == 0: the code is handed to `append`, function by function. How much that is in all shows when wirq_load_end has answered,
 * by when everything was handed out; an `append` that only counts tells it before anything is written.
 *   size != 0: what `append` was given for the very same module by the very same build of the VM, to be found at the same base. That
 * it is and is whole is the embedder's to make sure, with a digest of the module, a number of the build and a checksum. The code
 * section is passed over then. WIRQ_BAD_REQUEST from wirq_load_feed if it was written for another base.
 *   WIRQ_BAD_REQUEST without a load; WIRQ_NOT_SUPPORTED in a build without WIRQ_CODE_MEMORY (config.h). */
wirq_status wirq_load_code_memory(struct wirq_vm *vm, const struct wirq_code_memory *memory);

/* Feeds the next piece, any size from one byte; 0 bytes are fine. What was fed is not needed any more after the call (but
 * in_place). On an error the load is over, everything it took is given back, and wirq_last_error says more: WIRQ_NO_MEMORY,
 * WIRQ_MODULE_TOO_LARGE, or a code from 32 to 79, which is what is wrong with the module; WIRQ_BAD_CONFIG or WIRQ_UNKNOWN_SOURCE if
 * that is its section wirq.cfg. It does not depend on the pieces. Feeding a load that is over answers its error again; WIRQ_BAD_REQUEST if none was begun. */
wirq_status wirq_load_feed(struct wirq_vm *vm, const uint8_t *bytes, size_t size);

/* Ends the load: the module is whole and valid and *module is it, or an error as above and *module is NULL; WIRQ_UNKNOWN_SOURCE,
 * WIRQ_BAD_PRIORITY or WIRQ_HANDLER_TYPE for a handler that it exports. The module belongs to the VM; give it back with wirq_unload.
 * Nothing of it has run. */
wirq_status wirq_load_end(struct wirq_vm *vm, struct wirq_module **module);

/* Gives up a load that was begun and gives its memory back. Does nothing if there is none. */
void wirq_load_abort(struct wirq_vm *vm);

/* Begin, feed and end in one call, in place: bytes are kept until wirq_unload. Errors of all three. */
wirq_status wirq_load(struct wirq_vm *vm, const uint8_t *bytes, size_t size, struct wirq_module **module);

/* Why the last load or instantiation failed. Belongs to the VM; valid until the next of them begins. */
const struct wirq_load_error *wirq_last_error(const struct wirq_vm *vm);

/* Sizes of a module, for reports. */
struct wirq_module_info {
    uint32_t wasm_code_bytes;    /* bodies of the code section */
    uint32_t lowered_code_bytes; /* internal code made of them */
    uint32_t module_bytes;       /* arena bytes of the module, code included */
};
void wirq_module_info(const struct wirq_module *module, struct wirq_module_info *info);

/* Ends a module and gives all of its memory back. While it has instances, and for a module that is not loaded, it does
 * nothing. */
void wirq_unload(struct wirq_vm *vm, struct wirq_module *module);

/* ---- instances ---- */

/* Makes an instance: imports are resolved against instances registered by name and host functions; memory, table and globals
 * are made; segments are written; handlers that are exported as "irq:SOURCE" are attached (held until the start function is
 * done, R7). The start function does not run here: see wirq_call_start. *instance is the new instance, or NULL; it belongs
 * to the VM; give it back with wirq_release. Any number of instances of one module may live at once. Errors:
 *   WIRQ_NO_MEMORY, WIRQ_LINEAR_MEMORY_TOO_LARGE        the arena is full; detail of wirq_last_error: bytes needed, if it
 * was one block
 *   WIRQ_UNKNOWN_IMPORT, WIRQ_IMPORT_TYPE               detail of wirq_last_error: the import's index
 *   WIRQ_TRAP_MEMORY, WIRQ_TRAP_TABLE                   a segment is out of bounds
 *   WIRQ_HANDLER_TYPE, WIRQ_BAD_PRIORITY, WIRQ_BUSY,    an exported handler cannot be attached: see wirq_attach
 *   WIRQ_NOT_SUPPORTED, WIRQ_HANDLER_STACK, WIRQ_LATENCY_BOUND
 *   WIRQ_BAD_BLOCK                                      the interrupt block that it exports is not one
 * On an error everything is given back, but what earlier segments wrote into imported memories and tables stays (WebAssembly
 * 2.0); if functions of the module stand in a table of another instance now, the instance stays out of reach until
 * wirq_reset. */
wirq_status wirq_instantiate(struct wirq_vm *vm, struct wirq_module *module, struct wirq_instance **instance);

/* Later instantiations find the instance's exports under this module name. name is kept until the instance is released or
 * the name replaced; it need not be terminated. An instance has one name, a name one instance: the later call wins. Never
 * fails. */
wirq_status wirq_register(struct wirq_vm *vm, const char *name, size_t length, struct wirq_instance *instance);

/* Ends the instance: its handlers are detached, all of its memory is given back, and tables that named its functions have
 * null there. No other live instance may have imported anything of it: release importers first. Not while a call, a reactor
 * or a handler runs or is suspended: end that first, by running on to its end or by wirq_reset. */
void wirq_release(struct wirq_vm *vm, struct wirq_instance *instance);

enum wirq_kind { WIRQ_FUNCTION = 0, WIRQ_TABLE = 1, WIRQ_MEMORY = 2, WIRQ_GLOBAL = 3, WIRQ_TAG = 4 };

struct wirq_export {
    uint8_t kind;   /* enum wirq_kind */
    uint32_t index; /* in the index space of its kind */
};

/* Looks an export up by its name, which need not be terminated. WIRQ_UNKNOWN_EXPORT if there is none. Host function. */
wirq_status wirq_find_export(const struct wirq_instance *instance, const char *name, size_t length, struct wirq_export *found);

/* Iterates over exports, in the module's order: WIRQ_UNKNOWN_EXPORT past the last. name is not terminated, belongs to the
 * module and lives as long. Host function. */
wirq_status wirq_export_at(const struct wirq_instance *instance, uint32_t i, struct wirq_export *found, const char **name,
                           size_t *length);

/* The cell of a reference to a function, for arguments and host functions; WIRQ_NULL_REFERENCE if there is no such function.
 * Valid as long as the instance and those it imports functions from. Host function. */
uint32_t wirq_reference(struct wirq_instance *instance, uint32_t function);

/* Type of a function by its index, imported ones first, which must be in range. Belongs to the module. Host function. */
const struct wirq_functype *wirq_function_type(const struct wirq_instance *instance, uint32_t function);

/* Type (enum wirq_type) and current value of a global by its index, imported ones first: one cell, or two of an i64 or f64.
 * WIRQ_UNKNOWN_GLOBAL past the last. Host function. */
wirq_status wirq_global_get(const struct wirq_instance *instance, uint32_t global, uint16_t *type, uint32_t cells[2]);

/* Linear memory 0: base and size in bytes; NULL and 0 if there is none. Both hold until the guest grows its memory: until
 * the next wirq_run, in a host function until it returns. The embedder may read and write it, also from an ISR if it bears
 * with a guest that does the same. Host function. */
uint8_t *wirq_memory(const struct wirq_instance *instance, uint32_t *size);

/* The same of any memory of the instance's index space, of which wirq_find_export gives the numbers. */
uint8_t *wirq_memory_at(const struct wirq_instance *instance, uint32_t memory, uint32_t *size);

/* A range of wirq_current()'s memory 0, checked; NULL if it is out of bounds or there is none. Lifetime as above. Host
 * function. */
uint8_t *wirq_memory_range(const struct wirq_vm *vm, uint32_t address, uint32_t length);

/* CRC-32 (IEEE) over linear memories, one after the other, over globals, and over table elements: what interruption must leave as it was. */
struct wirq_digest {
    uint32_t memory_size, memory, globals, tables; /* memory_size: bytes of memory 0 */
};
void wirq_digest(const struct wirq_instance *instance, struct wirq_digest *digest);

/* ---- running ---- */

/* Prepares a call of a function, by its index, on the main stack: wirq_run runs it. Arguments are cells and are copied.
 * Errors:
 *   WIRQ_BUSY                  a call or a reactor has not ended: one at a time in a VM
 *   WIRQ_FAULTED               a handler of the instance trapped fatally; release it
 *   WIRQ_UNKNOWN_FUNCTION      the module has no function of that index
 *   WIRQ_ARGUMENT_TYPES        count is not the type's parameter_cells, or a reference is not of its
 *                              parameter's type
 *   WIRQ_TRAP_STACK_EXHAUSTED  the main stack is too small for the arguments; for what the function needs: the run traps */
wirq_status wirq_call(struct wirq_instance *instance, uint32_t function, const uint32_t *arguments, size_t count);

/* Prepares the call of the start function, if there is one that has not run to its end; *needed tells whether there is
 * anything to run. Handlers are held until it is done. If it traps, the instance is whole but has not started: it may be
 * tried again or released. Errors of wirq_call. */
wirq_status wirq_call_start(struct wirq_instance *instance, bool *needed);

/* Keeps an instance running as a reactor: nothing is called, handlers run as interrupts come; wirq_run answers WAITING,
 * until wirq_stop. WIRQ_BUSY, WIRQ_FAULTED. */
wirq_status wirq_react(struct wirq_instance *instance);

enum wirq_run {
    WIRQ_RUN_DONE,      /* the call returned; wirq_results has its results */
    WIRQ_RUN_TRAPPED,   /* the call trapped; wirq_trap says how. The instance may be called again unless it FAULTED */
    WIRQ_RUN_SUSPENDED, /* wirq_yield_soon was asked for: look after your business and run again */
    WIRQ_RUN_WAITING,   /* a host function waits and no handler is due: wirq_idle, then run again */
};

/* Runs what was prepared until one of the above; DONE if nothing was. How long that takes is the guest's affair:
 * wirq_yield_soon and wirq_stop bound it. */
enum wirq_run wirq_run(struct wirq_vm *vm);

/* Result cells of the last call that was DONE, result_cells of its type. They lie on the wasm stack: valid until anything is
 * prepared or run again. */
const uint32_t *wirq_results(const struct wirq_vm *vm);

/* How the last run that was TRAPPED ended, or the last handler that did. Belongs to the VM; valid until the next trap. Host
 * function. */
struct wirq_trap {
    wirq_status status;
    struct wirq_instance *instance;
    uint32_t function;    /* index in the instance's function index space */
    uint32_t code_offset; /* bytes from the start of that function's lowered code to the operation that trapped */
    uint32_t depth;       /* calls on the stack */
    uint32_t source;      /* the interrupt source whose handler it was, or UINT32_MAX */
};
const struct wirq_trap *wirq_last_trap(const struct wirq_vm *vm);

/* The exception that nobody caught: of the last trap, if its status is WIRQ_TRAP_UNCAUGHT_EXCEPTION; else false. The trap itself says
 * where it was thrown, wirq_caller who had called. The exception belongs to the VM: it can be read until the next trap, wirq_call,
 * wirq_react or wirq_reset, or the release of the instance that defines its tag. on_fault may read that of a handler. A build without
 * exceptions has none. Host function. */
struct wirq_exception {
    struct wirq_instance *instance;   /* which defines the tag */
    uint32_t tag;                     /* index in that instance's tag index space */
    const struct wirq_functype *type; /* of the tag: its parameters are the values' types */
    const uint32_t *values;           /* parameter_cells cells */
};
bool wirq_uncaught(const struct wirq_vm *vm, struct wirq_exception *exception);

/* For host functions: throws an exception with a tag of an instance (wirq_find_export finds it), where the host function was called.
 * The function must return at once what this answers, and nothing may have been thrown before. values are parameter_cells cells of the
 * tag's type and are copied; references among them must come from the VM. At most WIRQ_MAX_EXCEPTIONS live at once, in the arena: then
 * the answer is WIRQ_TRAP_TOO_MANY_EXCEPTIONS, which is a trap of the caller. WIRQ_UNKNOWN_TAG if there is none. Host function. */
wirq_status wirq_throw(struct wirq_instance *instance, uint32_t tag, const uint32_t *values);

/* Who called it: caller 0 called the function that trapped, caller 1 called that one. A handler's chain goes on with what it
 * interrupted. False past the last. Until the next wirq_call, wirq_release or wirq_reset. */
struct wirq_caller {
    struct wirq_instance *instance;
    uint32_t function;    /* as in wirq_trap */
    uint32_t code_offset; /* of a unit within the call; where interrupted, of the operation that comes next */
    bool interrupted;     /* it called nothing: an interrupt came between two of its operations */
};
bool wirq_caller(const struct wirq_vm *vm, uint32_t n, struct wirq_caller *caller);

/* What the operation that trapped had before it, so that a report can name the address of an access: operands name cells of the frame
 * (docs/reference/operations.md). False when it is gone, as for wirq_caller. */
struct wirq_trap_operands {
    const uint32_t *cells; /* of the frame; what of them belongs to the function its code says */
    uint32_t cell_count;
    uint32_t accumulator;
    uint32_t memory_size; /* bytes of the instance's first memory, 0 without one */
};
bool wirq_trap_operands(const struct wirq_vm *vm, struct wirq_trap_operands *operands);

/* Ends whatever runs with WIRQ_TRAP_STOPPED at the next safe point; a wait, too. Nothing happens if nothing runs. Any ISR;
 * host function. */
void wirq_stop(struct wirq_vm *vm);

/* Makes the running wirq_run return WIRQ_RUN_SUSPENDED at the next safe point, or the next one. That run goes on with an operation at
 * least before it yields again, so a program that yields before every run ends, too. Any ISR; host function. */
void wirq_yield_soon(struct wirq_vm *vm);

/* Masked: is anything due (a wake-up, a deliverable handler, a stop, a yield)? If not, sleeps by wirq_port_sleep until the
 * deadline of the wait or limit_us (a value of wirq_port_clock_us; UINT64_MAX: none), whichever is first; then unmasks.
 * Loses no wake-up (R51). May return early: run again and see. */
void wirq_idle(struct wirq_vm *vm, uint64_t limit_us);

/* ---- interrupts (docs/reference/interrupts.md) ---- */

/* Raises a source: count, pending, safe-point request. Any ISR; host function. O(1). One raising context a source (R10): two
 * ISRs that interrupt one another must not raise the same one. A source that is out of range is ignored. */
void wirq_raise(struct wirq_vm *vm, uint32_t source, uint32_t argument);

/* Overwrites the handler-table entries of the control operations, so that the next of them is a safe point. Called by the
 * one context that wirq_port_request_safe_point asks for, and by no other. */
void wirq_poison(struct wirq_vm *vm);

/* Attaches a handler: a function of the instance, by index, of type [i32 source, i32 count, i32 context] -> []. Host
 * function. Errors:
 *   WIRQ_UNKNOWN_SOURCE, WIRQ_UNKNOWN_FUNCTION, WIRQ_HANDLER_TYPE (host functions are none), WIRQ_BAD_PRIORITY (see
 * wirq_levels)
 *   WIRQ_NOT_SUPPORTED  handler_stack_cells was 0
 *   WIRQ_BUSY           another instance has a handler there: detach it first
 *   WIRQ_HANDLER_STACK  it needs more stack than its level has, or than it declares; detail of wirq_last_error: bytes needed
 *   WIRQ_LATENCY_BOUND  with it, a latency that is demanded cannot be promised; function and detail of wirq_last_error: the source
 * that demands it, and the bound in microseconds. The source has no handler then; after the other errors it has the one that it had
 *   WIRQ_ASYNCIFIED     its class would be forced, which code that asyncify has rewritten cannot be (R52) */
wirq_status wirq_attach(struct wirq_instance *instance, uint32_t source, uint32_t function, uint32_t context, uint32_t priority);

/* What becomes of a handler that traps or overruns its budget (R44). */
enum wirq_policy {
    WIRQ_POLICY_FATAL,   /* its instance is FAULTED; a run that has functions of it in progress ends with the trap */
    WIRQ_POLICY_CONTAIN, /* the handler is dropped, its source disabled, the interrupted code goes on */
    WIRQ_POLICY_HOST,    /* wirq_config.on_fault decides */
};

/* Settings of one source. Host function. WIRQ_UNKNOWN_SOURCE past the last source.
 *
 * Limits of its handler: control operations and microseconds of one run (R43), and the least time between two runs (R42);
 * 0: none. They last until the handler is detached. */
wirq_status wirq_budget(struct wirq_vm *vm, uint32_t source, uint32_t fuel, uint32_t deadline_us, uint32_t interval_us);
/* What becomes of it when it fails; until it is detached. policy is one of the enum: it is not checked. */
wirq_status wirq_set_policy(struct wirq_vm *vm, uint32_t source, enum wirq_policy policy);
/* Takes the handler away; one that runs goes on to its end. What is raised from then on stays pending. */
wirq_status wirq_detach(struct wirq_vm *vm, uint32_t source);
/* Unmasks or masks the source; it stays so for whatever handler comes. What is raised meanwhile is pending. */
wirq_status wirq_enable(struct wirq_vm *vm, uint32_t source, bool on);

/* Delivery class of a source's handler (interrupts.md section 2). Once bound, it stays whatever handler comes. WIRQ_UNKNOWN_SOURCE
 * past the last source; WIRQ_ASYNCIFIED: it has a handler that is never forced (R52). */
enum wirq_class { WIRQ_CLASS_POLLED, WIRQ_CLASS_QUIESCENT, WIRQ_CLASS_FORCED };
wirq_status wirq_bind(struct wirq_vm *vm, uint32_t source, enum wirq_class class_);

/* Priorities of handlers that this build has: 0 to one less. */
uint32_t wirq_levels(void);

/* What a source is and how it has fared, in one look. name is the embedder's own. WIRQ_UNKNOWN_SOURCE past the last. Host
 * function. */
struct wirq_source_info {
    const char *name;
    uint8_t class_, priority, policy;
    bool attached, enabled, pending, active;
    uint32_t function;                    /* handler's function index if attached, … */
    const struct wirq_instance *instance; /* … in this instance */
    uint32_t raised, delivered, missed, faults;
    uint32_t worst_latency_us; /* from raise to handler entry */
};
wirq_status wirq_source(const struct wirq_vm *vm, uint32_t source, struct wirq_source_info *info);

/* The longest time from a raise to the handler's first operation, its parts in executed instructions (interrupts.md section
 * 12). Where other handlers come first, each is counted once. */
struct wirq_bound {
    uint32_t raise, deliver; /* as in wirq_costs */
    uint32_t gap;            /* the heaviest run of operations between two safe points, in ordinary operations (R67) */
    uint32_t wait;           /* for a safe point: the gap, or a chunk or a host function if there are any, whichever is longest */
    uint32_t handlers;       /* budgets of all other handlers that are as urgent */
    uint32_t section;        /* the longest critical section that is declared; 0: none is, and they are not in the bound */
    uint32_t total;          /* UINT32_MAX: there is no bound */
    uint32_t us;             /* the same in microseconds; UINT32_MAX: not known */
    uint32_t demanded_us;    /* what the module demands; 0: nothing */
    uint32_t unlimited;      /* a source whose handler comes first and has neither fuel nor deadline; UINT32_MAX: none */
};
/* Of a source with a handler, for what is loaded now. WIRQ_NOT_SUPPORTED without wirq_config.costs or in a build without
 * WIRQ_COMPUTE_BOUNDS (config.h), WIRQ_UNKNOWN_SOURCE past the last source, WIRQ_NULL_HANDLER if it has no handler. */
wirq_status wirq_bound(const struct wirq_vm *vm, uint32_t source, struct wirq_bound *bound);

/* Testing: raises source at the n-th dispatch (every != 0) or the n-th safe point (control operation) of the next run,
 * counted from 1; n = 0 only counts. Stays until the run ends. wirq_injection_count gives how many of them the run had.
 * With source UINT32_MAX the program is stopped there instead, as by wirq_stop: its fuel. That holds for all runs together, until
 * wirq_reset or the next wirq_inject. What handlers execute is not counted (they have wirq_budget), nor is waiting. */
void wirq_inject(struct wirq_vm *vm, uint32_t source, uint32_t n, bool every);
uint32_t wirq_injection_count(const struct wirq_vm *vm);

/* ---- figures; host functions may ask for them, too ---- */

/* Where the arena went. Walks the main stack to find how far it was used. */
struct wirq_memory_info {
    uint32_t arena_size, arena_used, arena_peak, arena_largest_free; /* bytes */
    uint32_t arena_refused;       /* how often there was no room, as for a memory that was to grow, since wirq_open */
    uint32_t vm_bytes;            /* the VM itself, handler table and stacks included */
    uint32_t handler_table_bytes; /* of which the handler table (R62) */
    uint32_t stack_peak_cells;    /* main wasm stack, cells and return records, since wirq_open or wirq_reset */
};
void wirq_memory_info(const struct wirq_vm *vm, struct wirq_memory_info *info);

/* Bits 1 << enum wirq_feature of what this build has. Any context. */
uint32_t wirq_features(void);
/* The number of its internal operations: builds in which it is the same lower a module to the same code. Any context. */
uint32_t wirq_operation_count(void);

#endif
