/* wirq_guest.h: all that a C program needs to run on a wirq board and to be interrupted there.
 *
 * A whole program:
 *
 *     #include "wirq_guest.h"
 *
 *     static volatile uint32_t presses;
 *
 *     WIRQ_HANDLER(button) {                       // runs in the middle of whatever main is doing
 *         presses += (uint32_t)count;
 *     }
 *
 *     int main(void) {
 *         while (presses < 3) {
 *             wirq_wait(-1);                       // sleeps until an interrupt has come
 *         }
 *         wirq_print("three presses\n");
 *         return 0;                                // anything else counts as failure
 *     }
 *
 * `wirq run app.c` compiles and starts it. With a compiler of your own: target wasm32, no libc, export `__stack_pointer`
 * (guests/README.md has the lines).
 *
 * The four ways to notice an interrupt, weakest first. Use the first that is fast enough:
 *   wait      wirq_wait() sleeps until something was raised; wirq_take() then tells how often. No concurrency at all.
 *   polled    an interrupt block (struct wirq_block) in your own memory, which the board fills: one load tells that nothing
 *             happened. Runs on every WebAssembly engine.
 *   reactor   handlers and no main at all: they run one after the other, whenever one is due.
 *   forced    a handler next to a main that computes: it runs in the middle of main, between any two operations, as an
 *             interrupt service routine does. Whatever both touch must be volatile, and guarded by wirq_mask() if it is more
 *             than one word.
 *
 * This is the guest's header. The header of programs that contain a VM is vm/include/wirq.h; the two are never included together.
 */
#ifndef WIRQ_GUEST_H
#define WIRQ_GUEST_H

#ifndef __wasm__
#error "wirq_guest.h is for programs compiled to WebAssembly: wirq run app.c, or clang --target=wasm32"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WIRQ_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define WIRQ_EXPORT(name) __attribute__((export_name(name)))

/* ---- what every board has ----
 * These four sources and this pin have the same number on all boards (they are in every board.toml), so that one compiled
 * program runs on all of them. Boards may have more: `wirq irq list` shows them. */

enum wirq_source {
    WIRQ_SOURCE_UART = 0,   /* input has arrived that board_read() returns */
    WIRQ_SOURCE_TIMER = 1,  /* the period of board_timer_start() is over */
    WIRQ_SOURCE_BUTTON = 2, /* the board's button, or the line that stands for it */
    WIRQ_SOURCE_SOFT0 = 3,  /* raised by software only: wirq_pend(), `wirq irq raise soft0` */
};

enum wirq_pin {
    WIRQ_PIN_LED = 0,
};

/* Error codes that the functions below answer with, out of the project's one list (vm/include/wirq_errors.h). 0 is "done". */
enum wirq_error {
    WIRQ_OK = 0,
    WIRQ_UNKNOWN_SOURCE = 112,
    WIRQ_HANDLER_TYPE = 113,
    WIRQ_BAD_PRIORITY = 114,
    WIRQ_BAD_BLOCK = 115,
    WIRQ_NULL_HANDLER = 116,
    WIRQ_NOT_SUPPORTED = 117,
    WIRQ_UNKNOWN_PIN = 119,
    WIRQ_BUSY = 128, /* the source belongs to another instance */
};

/* ---- the program's entry ----
 * main takes nothing and returns 0 for success. It is exported under the name "main". The symbol has another name, because
 * LLVM makes two exports of a symbol that is called main. A program of handlers only (a reactor) needs no main. */
WIRQ_EXPORT("main") int main(void) __asm__("wirq_guest_main");

/* ---- the board: import module "board" ----
 * A pointer and a length are a range of the program's memory; out of bounds they trap. */

/* Writes text to the console. Answers how many bytes were taken, or a negative error code. wirq_print() is more convenient. */
WIRQ_IMPORT("board", "write") int32_t board_write(const void *text, size_t length);

/* Moves what has been received into buffer, at most length bytes. Answers how many; 0 means nothing is there. Never waits. */
WIRQ_IMPORT("board", "read") int32_t board_read(void *buffer, size_t length);

/* Drives an output pin: level 0 is low, anything else high. */
WIRQ_IMPORT("board", "pin_write") void board_pin_write(int32_t pin, int32_t level);

/* Level of a pin, 0 or 1. Of an output pin: what it is driven to. */
WIRQ_IMPORT("board", "pin_read") int32_t board_pin_read(int32_t pin);

/* Raises source every period_us microseconds from now on, until board_timer_stop(). Answers 0 or an error code. */
WIRQ_IMPORT("board", "timer_start") int32_t board_timer_start(int32_t source, uint32_t period_us);
WIRQ_IMPORT("board", "timer_stop") int32_t board_timer_stop(int32_t source);

/* Microseconds since the board was started. Never goes back. */
WIRQ_IMPORT("board", "clock_us") uint64_t board_clock_us(void);

/* ---- interrupts: import module "wirq" ----
 * Where an answer is an int32_t called error, 0 means done. */

/* A handler. source: which source it is. count: how often that source was raised since its last handler run, at least 1 (one
 * run takes all raises so far). context: the number given to wirq_attach(), or 0 for handlers attached by their name. */
typedef void wirq_handler(int32_t source, int32_t count, int32_t context);

/* Makes handler the handler of source. priority: 0 is the most urgent, wirq_query(WIRQ_QUERY_LEVELS) - 1 the least; a more urgent
 * handler interrupts a less urgent one. See WIRQ_HANDLER_FUNCTION for how to define one. */
WIRQ_IMPORT("wirq", "attach") int32_t wirq_attach(int32_t source, wirq_handler *handler, int32_t context, int32_t priority);

/* Takes the handler away. Raises go on to be counted and stay pending. */
WIRQ_IMPORT("wirq", "detach") int32_t wirq_detach(int32_t source);

/* Holds one source back (on = 0) or lets it through again (on = 1). Raises meanwhile stay pending. */
WIRQ_IMPORT("wirq", "enable") int32_t wirq_enable(int32_t source, int32_t on);

/* Raises a source from the program itself. */
WIRQ_IMPORT("wirq", "pend") int32_t wirq_pend(int32_t source);

/* How often source was raised since the last wirq_take() of it, for sources that have neither handler nor block. */
WIRQ_IMPORT("wirq", "take") int32_t wirq_take(int32_t source);

/* Has the board write what is new into the interrupt block now. wirq does that by itself at every safe point; other engines
 * do it only here. */
WIRQ_IMPORT("wirq", "poll") void wirq_poll(void);

/* Sleeps until a source is raised, at most timeout_us microseconds; a negative timeout means for ever. Due handlers run
 * meanwhile, also within wirq_mask(). Bit i of the answer: source i (modulo 32) was raised; 0: time is up. It may return early
 * with nothing new, so call it in a loop that looks at what you wait for. It loses no interrupt that comes between that look
 * and the sleep. Handlers may not call it. */
WIRQ_IMPORT("wirq", "wait") uint32_t wirq_wait(int64_t timeout_us);

/* Runs due handlers now. Needed after a critical section that held one back; wirq_unmask() does it. */
WIRQ_IMPORT("wirq", "deliver") void wirq_deliver(void);

/* Limits every run of a source's handler: fuel in control operations (branches, calls, returns), deadline_us in microseconds; 0 is
 * no limit. A handler that overruns is treated as one that traps. */
WIRQ_IMPORT("wirq", "budget") int32_t wirq_budget(int32_t source, uint32_t fuel, uint32_t deadline_us);

/* A figure of the interrupt system; -1 if it is not known. */
enum wirq_query_key {
    WIRQ_QUERY_VERSION = 0, /* of this interface and of the block's layout: 1 */
    WIRQ_QUERY_LEVELS = 1,  /* priorities of handlers */
    WIRQ_QUERY_CLOCK = 2,   /* microseconds, as board_clock_us() */
    WIRQ_QUERY_BOUND = 3,   /* with 256 * source added: the longest time from a raise of it to its handler, microseconds */
};
WIRQ_IMPORT("wirq", "query") int64_t wirq_query(int32_t key);

/* Tells the board where the interrupt block is. wirq_block_open() fills it in and calls this. */
WIRQ_IMPORT("wirq", "block") int32_t wirq_block_register(void *block, size_t length, uint32_t version);

/* ---- handlers ----
 *
 *     WIRQ_HANDLER(button) {
 *         // here: source, count and context, as in wirq_handler
 *     }
 *
 * defines the handler of the source with that name and exports it as "irq:button"; it is attached when the program is loaded.
 * A source that the board does not have is an error at loading.
 *
 * A handler must be quick, must not call wirq_wait(), and must not call what the interrupted code may be in the middle of
 * (malloc, for one).
 *
 * The stack pointer. C keeps some locals in linear memory, below a pointer called __stack_pointer, and LLVM lets a function use
 * 128 bytes under it without saying so (the "red zone"). A handler that used the same bytes would destroy the interrupted
 * function's locals, so it has to start 128 bytes lower. There are two ways, and the program needs one of them:
 *   - the module exports __stack_pointer, and the VM moves it (wirq run does this: it links with --export=__stack_pointer and
 *     compiles with -DWIRQ_STACK_POINTER_EXPORTED);
 *   - else the handler is entered through a few instructions that move it. That is what these macros produce unless
 *     WIRQ_STACK_POINTER_EXPORTED is defined. Always right, and about ten instructions slower.
 * The program's stack (-z stack-size) must hold main's frames, 128 bytes and the handlers' frames. */

#ifdef WIRQ_STACK_POINTER_EXPORTED

#define WIRQ_HANDLER(name)                                                                              \
    WIRQ_EXPORT("irq:" #name) wirq_handler wirq_irq_##name;                                             \
    void wirq_irq_##name(__attribute__((unused)) int32_t source, __attribute__((unused)) int32_t count, \
                         __attribute__((unused)) int32_t context)

/* The same for wirq_attach(): WIRQ_HANDLER_FUNCTION(on_button) { … } and then wirq_attach(WIRQ_SOURCE_BUTTON, on_button, 0, 0). */
#define WIRQ_HANDLER_FUNCTION(function)                                                          \
    wirq_handler function;                                                                       \
    void function(__attribute__((unused)) int32_t source, __attribute__((unused)) int32_t count, \
                  __attribute__((unused)) int32_t context)

#else

/* SP := (SP - 128) & ~15, call the body, put SP back. */
#define WIRQ_TRAMPOLINE(function)                                  \
    wirq_handler function, function##_body;                        \
    __asm__(".globaltype __stack_pointer, i32\n"                   \
            ".functype " #function "_body (i32, i32, i32) -> ()\n" \
            ".globl " #function "\n"                               \
            ".hidden " #function "\n"                              \
            ".type " #function ",@function\n" #function ":\n"      \
            ".functype " #function " (i32, i32, i32) -> ()\n"      \
            ".local i32\n"                                         \
            "global.get __stack_pointer\n"                         \
            "local.tee 3\n"                                        \
            "i32.const 128\n"                                      \
            "i32.sub\n"                                            \
            "i32.const -16\n"                                      \
            "i32.and\n"                                            \
            "global.set __stack_pointer\n"                         \
            "local.get 0\n"                                        \
            "local.get 1\n"                                        \
            "local.get 2\n"                                        \
            "call " #function "_body\n"                            \
            "local.get 3\n"                                        \
            "global.set __stack_pointer\n"                         \
            "end_function\n")

#define WIRQ_HANDLER_FUNCTION(function)                                                                 \
    WIRQ_TRAMPOLINE(function);                                                                          \
    void function##_body(__attribute__((unused)) int32_t source, __attribute__((unused)) int32_t count, \
                         __attribute__((unused)) int32_t context)

/* The compiler exports a function written in assembly only if C code mentions it: that is what wirq_mention_… is for. Nothing
 * calls it, so the linker drops it again. */
#define WIRQ_HANDLER(name)                                                 \
    WIRQ_EXPORT("irq:" #name) wirq_handler wirq_irq_##name;                \
    void wirq_mention_##name(void);                                        \
    __attribute__((visibility("hidden"))) void wirq_mention_##name(void) { \
        wirq_irq_##name(0, 0, 0);                                          \
    }                                                                      \
    WIRQ_HANDLER_FUNCTION(wirq_irq_##name)

#endif

/* ---- the interrupt block ----
 * Memory of yours that the board writes into. Every word has one writer: B the board, G the guest (this program); only doorbell
 * and need have both, and there the board only ever stores 1 and the guest only ever stores 0. So plain loads and stores do, and
 * no interrupt is lost. All counters are modulo 2^32.
 *
 *     static struct wirq_block block;
 *
 *     int main(void) {
 *         wirq_block_open(&block);
 *         for (;;) {
 *             work();
 *             if (wirq_block_rang(&block)) {                                  // one load and one branch when nothing happened
 *                 uint32_t presses = wirq_block_take(&block, WIRQ_SOURCE_BUTTON);
 *                 …look at every source you care for…
 *             }
 *         }
 *     }
 */

/* Source slots in the block: sources 0 to WIRQ_BLOCK_SLOTS - 1. Define it before the #include for boards with more sources. */
#ifndef WIRQ_BLOCK_SLOTS
#define WIRQ_BLOCK_SLOTS 4
#endif

#define WIRQ_BLOCK_VERSION 1

struct wirq_slot {
    volatile uint32_t raised;   /* B: raises so far. Pending are raised - acked */
    volatile uint32_t acked;    /* G: raises this program has seen */
    volatile uint32_t arg;      /* B: what came with the last raise */
    volatile uint32_t stamp;    /* B: low word of the clock (us) at the first raise not yet acked */
    volatile uint32_t head;     /* B: records put into the ring */
    volatile uint32_t tail;     /* G: records taken out of the ring */
    volatile uint32_t ring_off; /* G: address of the ring, 0 = none; later changes do not matter */
    volatile uint32_t shape;    /* G: 8, the size of a record, and log2 of their number in bits 8-15; likewise */
};

struct wirq_block {
    volatile uint32_t magic;       /* G: the bytes "WIRQ" */
    volatile uint32_t version_n;   /* G: WIRQ_BLOCK_VERSION, and the number of slots in bits 16-31 */
    volatile uint32_t doorbell;    /* B stores 1, G stores 0: something has changed */
    volatile uint32_t depth;       /* G: nesting of critical sections; handlers are held while it is not 0 */
    volatile uint32_t threshold;   /* G: only priorities below it are delivered; 0xFF = all */
    volatile uint32_t need;        /* B stores 1, G stores 0: a handler was held back */
    volatile uint32_t level;       /* B: priority that runs now */
    volatile uint32_t delivered;   /* B: handler runs so far */
    volatile uint32_t faults;      /* B: handlers that trapped or overran */
    volatile uint32_t reserved[7]; /* zero */
    struct wirq_slot slots[WIRQ_BLOCK_SLOTS];
} __attribute__((aligned(8)));

#ifndef __cplusplus
_Static_assert(sizeof(struct wirq_slot) == 32, "a slot is 32 bytes");
_Static_assert(offsetof(struct wirq_block, slots) == 64, "the slots begin at offset 64");
_Static_assert(offsetof(struct wirq_block, doorbell) == 8 && offsetof(struct wirq_block, need) == 20, "layout version 1");
#endif

/* Fills the block in and tells the board. Call it once, with a static block. Answers 0 or an error code. */
static inline int32_t wirq_block_open(struct wirq_block *block) {
    block->magic = 0x51524957; /* "WIRQ", little-endian */
    block->version_n = WIRQ_BLOCK_VERSION | (uint32_t)WIRQ_BLOCK_SLOTS << 16;
    block->depth = 0;
    block->threshold = 0xFF;
    return wirq_block_register(block, sizeof *block, WIRQ_BLOCK_VERSION);
}

/* Has anything happened since the last call? The doorbell is cleared before anybody looks at the slots: a raise in between rings
 * again, whereas the other order would lose it. After a true, look at every slot you care for. */
static inline bool wirq_block_rang(struct wirq_block *block) {
    if (block->doorbell == 0) {
        return false;
    }
    block->doorbell = 0;
    return true;
}

/* How often source was raised and not yet taken. */
static inline uint32_t wirq_block_pending(const struct wirq_block *block, uint32_t source) {
    return block->slots[source].raised - block->slots[source].acked;
}

/* The same, and they are taken. */
static inline uint32_t wirq_block_take(struct wirq_block *block, uint32_t source) {
    struct wirq_slot *slot = &block->slots[source];
    uint32_t raised = slot->raised;
    uint32_t count = raised - slot->acked;
    slot->acked = raised;
    return count;
}

/* ---- rings ----
 * A record of each single raise of a source, where a count is not enough: what came with it, and when. A ring belongs to a slot of the
 * block. The newest record is the one that is lost if the program takes them out too slowly; the raise is counted all the same.
 *
 *     static struct wirq_block block;
 *     static struct wirq_record edges[16];                        // 1, 2, 4, 8, 16 or 32
 *
 *     int main(void) {
 *         wirq_ring_use(&block, WIRQ_SOURCE_BUTTON, edges, 16);   // before the block is opened
 *         wirq_block_open(&block);
 *         …
 *         struct wirq_record edge;
 *         while (wirq_ring_take(&block, WIRQ_SOURCE_BUTTON, &edge)) {
 *             …edge.stamp…
 *         }
 *     }
 *
 * One reader: either the source's handler takes records out, or the main program does. */

struct wirq_record {
    uint32_t arg;   /* what came with the raise */
    uint32_t stamp; /* low word of the clock (us) at the raise */
};

/* Gives a source a ring of count records, a power of two up to 32. For wirq_block_open(), which answers WIRQ_BAD_BLOCK for another
 * count and WIRQ_NOT_SUPPORTED on a board that has no rings (wirq irq config --ring has it refuse the program when it is loaded). */
static inline void wirq_ring_use(struct wirq_block *block, uint32_t source, struct wirq_record *records, uint32_t count) {
    struct wirq_slot *slot = &block->slots[source];
    uint32_t log2n = 0;
    while (log2n < 31 && (UINT32_C(1) << log2n) < count) {
        log2n++;
    }
    slot->tail = 0;
    slot->ring_off = (uint32_t)(uintptr_t)records;
    slot->shape = count == UINT32_C(1) << log2n ? sizeof *records | log2n << 8 : UINT32_MAX;
}

/* Takes the oldest record out, if there is one. */
static inline bool wirq_ring_take(struct wirq_block *block, uint32_t source, struct wirq_record *record) {
    struct wirq_slot *slot = &block->slots[source];
    uint32_t tail = slot->tail;
    if (slot->head == tail) {
        return false;
    }
    uint32_t last = (UINT32_C(1) << (slot->shape >> 8)) - 1;
    const volatile struct wirq_record *from = (const volatile struct wirq_record *)(uintptr_t)slot->ring_off + (tail & last);
    record->arg = from->arg;
    record->stamp = from->stamp;
    slot->tail = tail + 1; /* after it has been read: now its place may be used again */
    return true;
}

/* Raises that have no record: the ring was full, or not there yet. For a moment a raise may be missing in it, never one too many. */
static inline uint32_t wirq_ring_missed(const struct wirq_block *block, uint32_t source) {
    const struct wirq_slot *slot = &block->slots[source];
    uint32_t missed = slot->raised - slot->head;
    return (int32_t)missed < 0 ? 0 : missed;
}

/* ---- critical sections ----
 * Between wirq_mask() and wirq_unmask() no handler runs. They nest, cost no call to the board, and need an opened block.
 * Keep them short: they delay this program's handlers (and nobody else's). A handler leaves the depth as it found it. */

/* The compiler must not move ordinary memory accesses out of the section. */
#define WIRQ_COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

static inline void wirq_mask(struct wirq_block *block) {
    block->depth = block->depth + 1;
    WIRQ_COMPILER_BARRIER();
}

/* Ends the section. A handler that was held back runs before this returns. First the depth, then the look at need: the other
 * order loses a raise that comes in between. */
static inline void wirq_unmask(struct wirq_block *block) {
    WIRQ_COMPILER_BARRIER();
    uint32_t depth = block->depth - 1;
    block->depth = depth;
    if (depth == 0 && block->need != 0) {
        block->need = 0;
        wirq_deliver();
    }
}

/* ---- text ---- */

/* Writes all of a text, whatever pieces the console takes it in. */
static inline void wirq_print(const char *text) {
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    while (length > 0) {
        int32_t taken = board_write(text, length);
        if (taken < 0) {
            return;
        }
        text += taken;
        length -= (size_t)taken;
    }
}

/* Writes a number in decimal. */
static inline void wirq_print_number(uint32_t value) {
    char digits[11];
    uint32_t first = sizeof digits - 1;
    digits[first] = '\0';
    do {
        first--;
        digits[first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    wirq_print(&digits[first]);
}

#ifdef __cplusplus
}
#endif

#endif
