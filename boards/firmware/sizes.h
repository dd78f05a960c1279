/* sizes.h: how much RAM the firmware gives its own parts. The defaults suit 16 KiB boards; board.toml overrides them in [define].
 * (BOARD_MAX_FRAME, the largest header and payload of a frame, is a fact of every board.toml.) */
#ifndef SIZES_H
#define SIZES_H

#include "board_facts.h"

/* Typed text that nobody has read yet; a power of two. */
#ifndef BOARD_TEXT_RING
#define BOARD_TEXT_RING 128
#endif

/* Frames that the host may send before the first of them is acknowledged, each of which has a buffer. */
#ifndef BOARD_WINDOW
#define BOARD_WINDOW 3
#endif

/* The longest console line. */
#ifndef BOARD_LINE
#define BOARD_LINE 64
#endif

/* Guest timers and scheduled raises that can run at once. */
#ifndef BOARD_TIMERS
#define BOARD_TIMERS 6
#endif

/* Records of `wirq trace` that wait for the host, in builds that have it. */
#ifndef BOARD_TRACE_RECORDS
#define BOARD_TRACE_RECORDS 256
#endif
/* Their RAM, which is taken from the arena: builds without them have it all for the VM. */
#define BOARD_TRACE_RECORD_SIZE 12
#if WIRQ_TRACE
#define BOARD_TRACE_BYTES (BOARD_TRACE_RECORDS * BOARD_TRACE_RECORD_SIZE + 16)
#else
#define BOARD_TRACE_BYTES 0
#endif

/* Instances that the host can have loaded at once. */
#ifndef BOARD_INSTANCES
#define BOARD_INSTANCES 4
#endif

/* Bytes for the module names that instances are registered under. */
#ifndef BOARD_NAMES
#define BOARD_NAMES 48
#endif

/* Records of the store that must stay where they are at once: of each stored module that is loaded, its own and that of its lowered
 * code, if that is there too. */
#ifndef BOARD_PINS
#define BOARD_PINS 8
#endif

/* Bytes of RAM for the module store of a board that has no flash for it, and of its blocks; files begin at blocks. */
#ifndef BOARD_STORE_RAM
#define BOARD_STORE_RAM 2048
#endif
#ifndef BOARD_STORE_RAM_BLOCK
/* The store looks at blocks one after the other: not more than some hundred of them, or `df` takes seconds. */
#define BOARD_STORE_RAM_BLOCK (BOARD_STORE_RAM > 0x10000 ? BOARD_STORE_RAM / 512 : 128)
#endif

/* Whether the level of the button can be read: then holding it at boot keeps the autostart module from starting. */
#ifndef BOARD_HAS_BUTTON
#define BOARD_HAS_BUTTON 0
#endif

/* How long after the boot the autostart module is started: time for a Ctrl-C. */
#ifndef BOARD_AUTOSTART_US
#define BOARD_AUTOSTART_US 500000
#endif

/* Whether an upload stays in memory once it has been loaded, so that sending it again takes no time. */
#ifndef BOARD_KEEP_UPLOAD
#define BOARD_KEEP_UPLOAD 0
#endif

/* The least time from the end of one alarm to the next. What falls due in between is raised together, so that no timer, however
 * fast, takes the whole processor: this must be several times what a raise and its safe point cost, some 1,600 instructions on a
 * Cortex-M0. */
#ifndef BOARD_ALARM_GAP_US
#define BOARD_ALARM_GAP_US 200
#endif

/* Raises of one timer in one alarm: what is more waits for the next one, so that an ISR stays short. */
#ifndef BOARD_ALARM_BATCH
#define BOARD_ALARM_BATCH 64
#endif

_Static_assert((BOARD_TEXT_RING & (BOARD_TEXT_RING - 1)) == 0, "BOARD_TEXT_RING is a power of two");
_Static_assert(BOARD_STORE_RAM % BOARD_STORE_RAM_BLOCK == 0, "a store has whole blocks");
_Static_assert(BOARD_WINDOW >= 1 && BOARD_WINDOW <= 64, "sequence numbers are one byte");
_Static_assert(BOARD_INSTANCES <= 255, "an instance's handle is one byte");

#endif
