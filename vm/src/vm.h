/* vm.h: the VM's own state: handler table, registers, wasm stacks, interrupt sources. */
#ifndef WIRQ_VM_H
#define WIRQ_VM_H

#include "arena.h"
#include "store.h"
#include "wirq_ops.h" /* generated: OP_…, WIRQ_OPERATIONS, WIRQ_CONTROL_OPERATIONS */

/* Pushed by a call, popped by a return. Records grow down from the end of a wasm stack while frames grow up from its start. */
struct record {
    const uint16_t *ip; /* the operation after the call */
    uint32_t *fp;       /* the caller's frame; for OP_restore_instance the caller's instance */
};

/* The interpreter's registers, written back whenever it is left or a slow path is called. */
struct registers {
    const uint16_t *ip; /* next operation */
    uint32_t *fp;       /* frame of the running function */
    struct record *rs;  /* newest return record */
    struct wirq_instance *instance;
    uint32_t a;      /* accumulator: the last 32-bit result */
    uint32_t memory; /* the instance's memory that accesses work on: 0 but within a few operations (use_memory) */
};

struct wasm_stack {
    uint32_t *base;             /* first cell */
    struct record *top;         /* past the last record: where an empty stack's rs points */
    struct registers thrown_at; /* of the exception thrown last: what a trap says if nobody catches it */
};

/* exception.c. `cells` are as many as the parameters of the tag's type. */
enum reach { UNREACHED, REACHED, SEARCHED };
struct exception {
    struct exception *next; /* made before */
    const struct tag *tag;
    uint8_t reach;  /* enum reach; not UNREACHED except while it is being found out */
    bool is_shared; /* a reference has been handed to a guest */
    uint32_t cells[];
};

/* The level of the guest's ordinary code; handlers run at levels 0 to LEVEL_THREAD - 1, which are their priorities. */
#define LEVEL_THREAD WIRQ_LEVELS

/* A delivery in progress, one a level: what OP_irq_return restores. VM-private, so a guest can neither see nor forge it. */
struct delivery {
    struct registers interrupted;
    struct wirq_instance *instance; /* whose handler runs */
    uint8_t source;                 /* and of what */
    uint8_t outer;                  /* the level that was interrupted */
    uint8_t limits;                 /* enum limit: what its budget has */
    uint32_t saved_sp;              /* __stack_pointer before (R33) */
    uint32_t entered;               /* clock, us; moved on by what preempts it */
    uint32_t fuel;                  /* control operations left */
    uint32_t forbidden;             /* its SETTING_FORBIDDEN */
    uint32_t wait_state;            /* of what was interrupted, which was waiting if it is not 0 */
    uint64_t wait_deadline;
};
enum limit { LIMIT_FUEL = 1, LIMIT_DEADLINE = 2 };

/* What the import that answered WIRQ_WAIT is, and so what may be delivered meanwhile. */
enum wait_kind {
    WAIT_HOST,    /* a host function: quiescent handlers too; the guest's depth and threshold hold */
    WAIT_GUEST,   /* wirq.wait: the same, but depth and threshold are open (R50); wake bits end it */
    WAIT_DELIVER, /* wirq.deliver: only what is due now (R36) */
};

/* The records of a source's raises that its guest has not taken out yet, in an arena block of its own (R21). The ISR pushes them here,
 * the thread copies them into the guest's ring, where each has the same place. */
struct ring {
    volatile uint32_t head; /* Hi: records pushed */
    volatile uint32_t tail; /* the thread: what the guest had taken out when it was last looked */
    uint32_t published;     /* records copied */
    uint32_t last;          /* how many there is room for, less one: 2^n - 1 */
    uint32_t address;       /* of the guest's ring */
    struct ring_record {
        uint32_t argument, stamp;
    } records[];
};

struct source {
    volatile uint32_t raised; /* Hi: counted by wirq_raise */
    volatile uint32_t argument, stamp;
    volatile uint8_t wake; /* since the last return of wait (R50) */
    uint8_t number;
    uint8_t class_, priority;
    bool enabled, attached;
    bool bound;                     /* the embedder has chosen the class: attaching does not change it */
    uint8_t urgency;                /* its priority if raises of it are delivered, else NEVER_URGENT */
    uint32_t function;              /* handler */
    uint32_t faults;                /* its traps and overruns */
    struct wirq_instance *instance; /* in which it is defined */
    struct wirq_instance *owner;    /* which attached it */
    uint32_t context;
    const uint16_t *entry;    /* of the handler, and … */
    struct record *record;    /* … where it returns from: all that there is to know when it is entered */
    uint32_t taken;           /* raised as of the last take */
    uint32_t delivered;       /* handler runs */
    volatile uint32_t missed; /* Hi: raises whose record found the ring full */
#if WIRQ_WITH_RINGS
    struct ring *volatile ring; /* NULL: none */
#endif
    uint32_t worst_latency_us;
    uint32_t delivered_us; /* clock at the last handler run */
    uint32_t special;      /* not 0: of class Q or with settings, which take a closer look at a delivery */
    struct handler_settings settings;
};
#define NEVER_URGENT 0xFF

/* Why a pending source was passed over in the last look, which asks for another look now and then, and so for counting stubs (R38,
 * R42). HELD_BY_CHAIN: so many handlers have been chained that there was no look; the next operation is begun without one. */
enum held { HELD_BY_GUEST = 1, HELD_BY_INTERVAL = 2, HELD_BY_CHAIN = 4 };

/* Why counting stubs are installed (R65): every control operation is a safe point until none of these is left. */
enum counting { COUNTING_INJECTION = 1, COUNTING_BUDGET = 2, COUNTING_HELD = 4 };

/* The guest's interrupt block (R17-R23), private copies of everything address-like. */
struct block {
    struct wirq_instance *instance;   /* NULL: none */
    const struct wirq_memory *memory; /* its first one */
    uint32_t address, slots;
    uint32_t records;           /* that all of its rings hold */
    uint32_t delivered, faults; /* what the block's words of these names are told */
};

/* The call in progress. VM_BEGINS with either: nothing of it has run yet, a quiescent moment. */
enum vm_mode { VM_IDLE = 0, VM_CALL = 1, VM_REACTOR = 2, VM_BEGINS = 4 };

/* Where the handlers of operations are, from OPERATION_BIAS on, and last what a poisoned entry holds. What a safe point restores is
 * there as it is in the table, so that it is only copied; the others as distances from the first one, which on chips take half the
 * flash. */
#if UINTPTR_MAX == UINT32_MAX && defined(__ELF__)
#define HANDLER_LABELS_ASM
typedef int16_t handler_distance;
#else
typedef ptrdiff_t handler_distance;
#endif
struct handler_labels {
    const void *entries[WIRQ_RESTORED_OPERATIONS];
    handler_distance distances[WIRQ_OPERATIONS + 1 - WIRQ_RESTORED_OPERATIONS];
};
#ifdef HANDLER_LABELS_ASM
extern const struct handler_labels handler_labels; /* in interpret.c */
#endif
static inline const void *handler_label(const struct handler_labels *labels, uint32_t i) {
    if (i < WIRQ_RESTORED_OPERATIONS)
        return labels->entries[i];
    return (const uint8_t *)labels->entries[0] + labels->distances[i - WIRQ_RESTORED_OPERATIONS];
}

struct wirq_vm {
    /* What is looked at most lies in the first OPERATION_BIAS words, where short instructions reach it; the handler table follows.
     * So the register that holds the VM is the table's base too: operation n is word n of the VM (VM_HANDLERS). */

    union {
        void *hot_words[OPERATION_BIAS];
        struct {
            /* Flags first, where byte accesses are short. */
            union {
                volatile uint32_t attention; /* 0: neither a run's begin nor a handler's return need look whether one is due */
                struct {
                    union {
                        uint16_t looked; /* both of what the last look found: */
                        struct {
                            uint8_t held;     /* enum held, more than one */
                            bool passed_over; /* something that is not more urgent than what runs, or whose moment it is not */
                        };
                    };
                    uint8_t counting;          /* enum counting: while it is not 0 the handler table stays poisoned */
                    volatile uint8_t poisoned; /* somebody has asked for a safe point since the last one */
                };
            };
            union {
                uint32_t
                    state; /* these four at once: just the mode in nearly every call, and then nothing else need be looked at */
                struct {
                    uint8_t mode; /* enum vm_mode; the lowest byte of state */
                    bool call_is_start : 1;
                    bool call_is_host : 1;  /* the function called is the host's: nothing to interpret */
                    bool has_quiescent : 1; /* a source is or was of class Q: look at the begin of a run */
                    bool inject_wanted : 1; /* for the next run */
                    bool has_remains : 1;   /* of calls before: a trap's records, exceptions */
                    bool has_faulted : 1;   /* an instance has: which one, it knows */
                    bool suspended;         /* at a safe point, by a yield: the run goes on behind it */
                    volatile uint8_t stop_requested;
                };
            };
            union {
                uint32_t wait_state; /* all of it; 0: nothing waits */
                struct {
                    bool waiting; /* registers.ip is a host call that answered WIRQ_WAIT */
                    bool wait_begun;
                    uint8_t wait_kind; /* enum wait_kind */
                };
            };
            volatile uint8_t yield_requested;
            uint8_t level; /* that executes: a priority, or LEVEL_THREAD */
            bool is_open;  /* handlers run that were entered in a wirq.wait, which holds nothing back (R50) */
            bool inject_every;
            bool inject_skip;  /* the operation that comes next was counted before it was interrupted */
            uint8_t counted;   /* control operations at counting stubs, modulo 256 */
            uint16_t held_for; /* of them, by the guest whose critical section holds a handler back (R38) */

            /* Of the current instance, for the interpreter; set by vm_enter_instance. */
            uint32_t *globals;
            const uint16_t *const *code; /* of defined functions */
            uint8_t *memory_base;
            uint32_t memory_limit; /* size - 3, or 0: a 4-byte access at ea is in bounds if and only if ea < memory_limit */
            uint32_t memory_size;

            struct registers registers;
            const struct handler_labels *labels;
            const void *poison_label; /* what a poisoned entry holds */

            struct block block;
            struct source *sources;
            uint32_t source_count;
            struct wirq_instance *instance_list;
            struct wirq_module *module_list;
            struct wirq_instance *call_instance;
            struct wirq_load *load; /* a load in progress, or NULL */
        };
    };

    /* Entries of control operations are overwritten by wirq_poison and restored by the next safe point (R56, R57). */
    const void *volatile handlers[WIRQ_OPERATIONS];

    struct arena arena;
    uint32_t arena_size, own_bytes;            /* all of it, and what the VM itself takes of it */
    struct wasm_stack stacks[WIRQ_LEVELS + 1]; /* by level; the last is the main one */

    struct wirq_instance **instances; /* by id; grown as needed */
    uint16_t instance_capacity;

    const struct wirq_host_import *call_host;
    struct wirq_trap trap;
    const struct record *trap_records; /* the newest when it trapped; NULL: they are gone */
    uint8_t trap_level;                /* on whose stack they are */
    uint32_t *trap_frame;              /* fp and accumulator at the trap; valid while trap_records is */
    uint32_t trap_accumulator;
    struct wirq_load_error error;

    /* Interrupts. */
    const char *const *source_names;
    union { /* by source: what is raised and not taken. Stored whole, so that ISRs share no read-modify-write (R12) */
        volatile uint8_t pending[WIRQ_MAX_SOURCES];
        volatile uint32_t pending_words[WIRQ_MAX_SOURCES / 4];
    };
    uint32_t open_depth;                     /* if is_open: the guest's depth that counts as none */
    uint8_t chained[WIRQ_LEVELS + 1];        /* by level: handlers chained since code of that level has run */
    struct delivery deliveries[WIRQ_LEVELS]; /* by level */
    wirq_fault_function *on_fault;
    const struct wirq_costs *costs;
    uint64_t wait_deadline;
    uint32_t inject_source, inject_at, inject_count;

#define HOST_TABLES (WIRQ_MAX_HOST_TABLES + 1) /* the first is that of the VM's own module "wirq" */
    const struct wirq_host_import *host_tables[HOST_TABLES];
    uint16_t host_table_sizes[HOST_TABLES];
    struct provided_memory *provided_memories; /* newest first */
    struct exception *exceptions;              /* newest first */
    struct exception *uncaught;                /* that the last trap was for, as long as it is kept */
    void *user;
};

/* To whom it concerns: wirq_port.h. */
#if WIRQ_TRACE
#include "wirq_port.h"
#define TRACE(event, source) wirq_port_trace((event), (uint32_t)(source), 0)
/* A run of an instance begins. */
void trace_run(const struct wirq_instance *instance);
#define TRACE_RUN(instance) trace_run(instance)
#define TRACE_MEMORY(size, number) wirq_port_trace(WIRQ_TRACE_MEMORY, (size), (number))
#else
#define TRACE(event, source) ((void)0)
#define TRACE_RUN(instance) ((void)0)
#define TRACE_MEMORY(size, number) ((void)0)
#endif
#if WIRQ_TRACE >= 2
/* The function at registers.ip has been entered. Of a host function: it will be, with one level more. */
void trace_call(const struct wirq_vm *vm, const uint16_t *code, const struct record *rs);
void trace_host_call(const struct wirq_vm *vm, const struct wirq_host_import *host);
void trace_return(const struct wirq_vm *vm, const struct record *rs);
#define TRACE_CALL(vm, code, rs) trace_call((vm), (code), (rs))
#define TRACE_HOST_CALL(vm, host) trace_host_call((vm), (host))
#define TRACE_RETURN(vm, rs) trace_return((vm), (rs))
#else
#define TRACE_CALL(vm, code, rs) ((void)0)
#define TRACE_HOST_CALL(vm, host) ((void)0)
#define TRACE_RETURN(vm, rs) ((void)0)
#endif

/* The handler table, indexed by operation. */
#define VM_HANDLERS(vm) ((const void *volatile *)(void *)(vm))
_Static_assert(offsetof(struct wirq_vm, handlers) == OPERATION_BIAS * sizeof(void *), "operation n is word n of the VM");

/* Makes an instance current: caches its globals, code, memory. Called by the interpreter and at delivery. */
void vm_enter_instance(struct wirq_vm *vm, struct wirq_instance *instance);
/* Reloads memory_base, memory_limit, memory_size after growth, a host call, or for another memory. */
void vm_reload_memory(struct wirq_vm *vm);

/* run.c: nothing runs any more. */
void run_end(struct wirq_vm *vm);

/* ---- interpret.c ---- */

/* Fills labels, poison_label and the handler table. */
void interpreter_init(struct wirq_vm *vm);
/* Runs from vm->registers until the call returns, traps, is suspended or waits. On a trap fills vm->trap. */
enum wirq_run interpret(struct wirq_vm *vm);
/* Entry that a call from the host returns to (OP_exit), a handler's (OP_irq_return), a cross-instance call's
 * (OP_restore_instance); what runs where nothing does (OP_idle). */
extern const uint16_t code_exit[], code_irq_return[], code_restore_instance[], code_idle[], code_unwind[];
/* Restores every poisoned entry. R57: always before the pending set is read. Not while stubs count. */
void interpreter_unpoison(struct wirq_vm *vm);
/* Overwrite entries, of all operations or of the control operations. Nobody has asked for a safe point by that. */
void interpreter_poison_all(struct wirq_vm *vm);
void interpreter_poison_control(struct wirq_vm *vm);

static inline bool vm_in_handler(const struct wirq_vm *vm) {
    return vm->level != LEVEL_THREAD;
}
static inline struct wasm_stack *vm_main_stack(struct wirq_vm *vm) {
    return &vm->stacks[LEVEL_THREAD];
}

/* ---- interrupt.c: safe points ---- */

enum safe_point { SAFE_POINT_RESUME, SAFE_POINT_STOP, SAFE_POINT_YIELD, SAFE_POINT_TRAP };
/* At a safe point: registers are written back, ip names the operation that has not begun. Unpoisons, then (in this order) answers
 * a stop, charges the running handler's budget, publishes the interrupt block, delivers what is due by changing vm->registers
 * (RESUME goes on from them), answers a yield. */
enum safe_point interrupt_safe_point(struct wirq_vm *vm);
/* Is anything due that ends or interrupts a wait? Called masked. */
bool interrupt_due(struct wirq_vm *vm);
/* Publishes source counters into the guest's block (C2, R28); called at safe points and after every host call. */
void interrupt_publish(struct wirq_vm *vm);
/* Checks the exports "irq:SOURCE[:PRIO]" of a module: source, priority, type (R26). */
wirq_status interrupt_check_exports(const struct wirq_module *module);
/* Whether an export of that name declares what becomes of a source (R24). */
bool interrupt_declares(const struct wirq_name *name);
/* Attaches those of a new instance, and registers the block that it exports as "wirq_block". */
wirq_status interrupt_attach_exports(struct wirq_instance *instance);
/* A function of an instance as handler of a source, its type checked. `from` is whose wish it is; another's source is BUSY. */
wirq_status interrupt_attach(struct wirq_instance *from, uint32_t source, struct wirq_instance *instance, uint32_t function,
                             uint32_t context, uint32_t priority);
/* The embedder's default class, priority and settings of a source that nobody is attached to. interrupt_attach.c */
void interrupt_detach(struct wirq_vm *vm, struct source *source);
/* After a change of its class, priority or settings, or of whether it has a handler or is enabled. What was raised while nobody could
 * be told is told now. */
void interrupt_refresh(struct wirq_vm *vm, struct source *source);
/* Removes the pending raises of a source and counts them (section 2, "take"). */
uint32_t interrupt_take(struct wirq_vm *vm, struct source *source);

/* ---- interrupt_deliver.c: from one level to another and back ---- */

/* Enters the handler of what is due and more urgent than what runs, if anything is. */
void interrupt_deliver(struct wirq_vm *vm);
/* Is a handler due that could be entered now? Notes what is held back. */
bool interrupt_deliverable(struct wirq_vm *vm);
/* OP_irq_return: the handler has returned. Tail-chains the next due handler (R41) or goes on with what was interrupted. */
void interrupt_return(struct wirq_vm *vm);
/* A handler trapped; vm->trap is filled in but for the source. By its policy (R44) the interrupted code goes on, in vm->registers
 * (true), or the whole run ends with the trap (false). */
bool interrupt_handler_faulted(struct wirq_vm *vm);
/* At a control operation of counting stubs: charges the running handler (R43), and the guest whose critical section holds handlers
 * back (R38). WIRQ_OK, or the trap that it is. */
wirq_status interrupt_charge(struct wirq_vm *vm);
/* The clock value at which a source that is held back by its interval is to be looked at, if it is before `limit`. */
uint64_t interrupt_next_look(const struct wirq_vm *vm, uint64_t limit);

/* ---- interrupt_bound.c, load_settings.c ---- */

/* The settings that a module's wirq.cfg section has for a source, or NULL; if there are several, the last ones. */
const struct handler_settings *interrupt_find_settings(const struct wirq_module *module, uint32_t source);
/* R32: does the handler, a defined function, fit the stack of a level, and what it declares? */
wirq_status interrupt_check_stack(struct wirq_vm *vm, const struct wirq_instance *instance, uint32_t function,
                                  const struct handler_settings *settings);
/* R69: can every latency that was demanded be promised? */
wirq_status interrupt_check_latency(struct wirq_vm *vm);
/* The cells of the stack that a handler may use: those of its level, or those it declares. */
uint32_t interrupt_stack_cells(const struct wirq_vm *vm, const struct handler_settings *settings);
/* Measures a function that has just been lowered (R67). */
void interrupt_measure(struct wirq_module *module, const uint16_t *code, const uint16_t *end);

/* ---- interrupt_block.c, interrupt_imports.c ---- */

/* Forgets the block, and its rings. */
void interrupt_close_block(struct wirq_vm *vm);
/* Registers the block (R20). */
wirq_status interrupt_register_block(struct wirq_instance *instance, uint32_t address, uint32_t length, uint32_t version);
/* Whether the guest's depth or threshold holds a source's handler back. */
bool interrupt_masked_by_guest(const struct wirq_vm *vm, const struct source *source);
/* The guest's depth; 0 without a block. */
uint32_t interrupt_depth(const struct wirq_vm *vm);
/* Whether a source that nobody is attached to has no raise that its reader has not seen. */
bool interrupt_acknowledged(const struct wirq_vm *vm, const struct source *source);
/* Tells the block that a delivery was held back. */
void interrupt_hold(struct wirq_vm *vm);
/* Tells the block what level runs now, and the totals. */
void interrupt_publish_level(struct wirq_vm *vm);
/* Before the first operation of a run, a quiescent moment: arms the counting stubs, delivers what has waited for it. */
void interrupt_begin_run(struct wirq_vm *vm);
/* After the last: takes the counting stubs out. */
void interrupt_end_run(struct wirq_vm *vm);
/* Forgets handlers, raises and block. */
void interrupt_reset(struct wirq_vm *vm);
void interrupt_detach_instance(struct wirq_instance *instance);
/* The import module "wirq" (interrupts.md section 5): block, attach, attach_ref, detach, enable, pend, take, poll, wait,
 * deliver, budget, query. */
#define INTERRUPT_IMPORT_COUNT 12
extern const struct wirq_host_import interrupt_imports[INTERRUPT_IMPORT_COUNT];

#endif
