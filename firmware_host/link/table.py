"""The one table of the serial link: frame kinds, channels, commands, events and their payloads.

The Python side builds its `construct` structures from these rows (`firmware_host.link.messages`); the firmware's C header is
generated from them (`firmware_host.build.generate`). Nothing about the wire is written anywhere else.

Field types: u8, u16, u32, u64 (little-endian), `bytes:N` (fixed), `text` and `bytes` (the rest of the payload). A response begins
with one status byte (`vm/include/wirq_errors.h`); if it is 0 the fields of `response` follow, else those of `FAILURE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 0

DELIMITER = 0x00
STOP_BYTE = 0x03
STOP_SEQUENCE = b"\x00\x03\x00"

Fields = tuple[tuple[str, str], ...]

#: In a u8 that names an instance, a u16 that is a vector, and a u32 that is an index, a source, or a figure: there is none.
NONE = {"instance": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF}

#: How many bytes of the SHA-256 of a module a board keeps, and tells.
APP_ID_SIZE = 8

HEADER: Fields = (
    ("kind", "u8"),
    ("channel", "u8"),
    ("sequence", "u8"),
    ("acknowledge", "u8"),
    ("request_id", "u16"),
)

KINDS = {"hello": 1, "welcome": 2, "request": 3, "response": 4, "event": 5, "ack": 6, "bye": 7, "nack": 8, "stamp": 9}

#: Kinds that are counted by `sequence` and retransmitted until acknowledged; ack and nack carry there the number that their
#: sender will use next, so that the receiver sees what it lacks; the others carry 0.
SEQUENCED = ("request", "response", "event")

CHANNELS = {"control": 0, "console": 1, "files": 2, "app": 3, "irq": 4, "trap": 5, "log": 6, "trace": 7, "debug": 8}

HELLO: Fields = (("nonce", "u32"), ("major", "u8"), ("minor", "u8"))

#: When the next line of text began, on the channel log, right before that line; sent if the host asked for it. Text needs no frame,
#: and a stamp that is lost costs its line the time, no more.
STAMP: Fields = (("board_time_us", "u64"),)

#: Store kinds in the welcome.
STORES = {"ram": 0, "flash": 1, "file": 2}

WELCOME: Fields = (
    ("nonce", "u32"),
    ("major", "u8"),
    ("minor", "u8"),
    ("session", "u16"),
    ("max_frame", "u16"),  # bytes of header and payload that the board takes in one frame
    ("window", "u8"),
    ("receive_buffers", "u8"),
    ("features", "u32"),  # bits of enum wirq_feature
    ("build_id", "bytes:8"),
    ("unique_id", "bytes:8"),
    ("operations", "u16"),  # internal operations of this build (the set the host lowers alike)
    ("store_kind", "u8"),
    ("store_size", "u32"),
    ("code_kind", "u8"),  # STORES: where lowered code of stored modules goes
    ("arena_size", "u32"),
    ("names", "text"),  # "board\0vm version\0"
)

#: What follows a status byte other than 0. For loads: byte offset, function index, detail (wirq_load_error). For traps: code offset,
#: function index, depth. `text` names the thing, such as the import that is missing; it may be empty.
FAILURE: Fields = (("offset", "u32"), ("function", "u32"), ("detail", "u32"), ("text", "text"))


@dataclass(frozen=True)
class Command:
    """One request: its number within the channel, the payload after the command byte, and the response after status 0."""

    channel: str
    number: int
    name: str
    request: Fields = ()
    response: Fields = ()
    deferred: bool = False  # answered when the thing it starts has ended; other requests are answered meanwhile
    help: str = field(default="", compare=False)


COMMANDS: tuple[Command, ...] = (
    # -- control
    Command(
        "control",
        1,
        "set_tick",
        (("hz", "u32"),),
        help="tick rate of the target behind the wire, within the limits above",
    ),
    Command("control", 2, "stop", help="end what runs at its next safe point"),
    Command("control", 3, "reset", help="restart the firmware; the response comes before it"),
    Command(
        "control",
        4,
        "memory",
        response=(
            ("arena_size", "u32"),
            ("arena_used", "u32"),
            ("arena_peak", "u32"),
            ("arena_largest_free", "u32"),
            ("vm_bytes", "u32"),
            ("handler_table_bytes", "u32"),
            ("stack_peak_cells", "u32"),
            ("c_stack_peak", "u32"),
            ("static_bytes", "u32"),  # .data and .bss without arena and C stack
            ("ram_size", "u32"),
            ("ram_free", "u32"),  # RAM that nothing has claimed: free arena and untouched C stack
            ("arena_refused", "u32"),  # how often there was no room, as for a memory that was to grow
        ),
        help="where the board's RAM went",
    ),
    # -- log
    Command(
        "log",
        1,
        "stamp",
        (("on", "u8"),),
        help="tell the board's time before each line of text, in this session, or no longer",
    ),
    # -- console
    Command("console", 1, "input", (("data", "bytes"),), (("taken", "u16"),), help="what is typed"),
    # -- files: one at a time is written: an upload into RAM, or a file of the store
    Command(
        "files",
        1,
        "begin",
        (("size", "u32"), ("sha256", "bytes:32"), ("name", "text")),
        (("offset", "u32"),),
        help="begin or resume a file of the store, or without a name an upload into RAM; answers where to go on from, size when it "
        "is already there. A different one replaces it",
    ),
    Command("files", 2, "write", (("offset", "u32"), ("data", "bytes")), (("next", "u32"),), help="the next piece"),
    Command("files", 3, "commit", help="check the hash; the upload or file is whole from now on"),
    Command("files", 4, "abort", help="forget what was begun"),
    Command(
        "files",
        5,
        "list",
        (("position", "u32"),),
        (("next", "u32"), ("flags", "u8"), ("size", "u32"), ("sha256", "bytes:32"), ("name", "text")),  # FILE_FLAGS
        help="the file at a position, 0 for the first, and the position of the next; UNKNOWN_FILE behind the last",
    ),
    Command("files", 6, "remove", (("name", "text"),), help="remove a file of the store"),
    Command(
        "files",
        7,
        "read",
        (("offset", "u32"), ("name", "text")),
        (("data", "bytes"),),
        help="bytes of a file from an offset, as many as fit a frame",
    ),
    Command(
        "files",
        8,
        "space",
        response=(("kind", "u8"), ("size", "u32"), ("used", "u32"), ("largest", "u32"), ("code", "u32")),
        help="the store: its kind and bytes, those in use, those of the largest file that there is room for, and those in use for "
        "lowered code, which gives way to files",
    ),
    Command(
        "files",
        9,
        "set_autostart",
        (("name", "text"),),
        help="the module to start at boot; without a name none, not even a frozen one",
    ),
    # -- app
    Command(
        "app",
        1,
        "instantiate",
        (("flags", "u8"), ("name", "text")),  # INSTANTIATE_FLAGS
        (
            ("instance", "u8"),
            ("lowered_code_bytes", "u32"),
            ("wasm_code_bytes", "u32"),
            ("module_bytes", "u32"),
            ("code", "u8"),  # CODE_PLACES
        ),
        deferred=True,
        help="load a module of the store or a frozen one, in place, or without a name the committed upload; instantiate it, run its "
        "start function",
    ),
    Command(
        "app", 2, "register", (("instance", "u8"), ("name", "text")), help="imports find it under this module name"
    ),
    Command(
        "app",
        3,
        "invoke",
        (("instance", "u8"), ("name_length", "u8"), ("name_and_cells", "bytes")),  # name, then u32 cells
        (("cells", "bytes"),),
        deferred=True,
        help="call an export; answers its result cells",
    ),
    Command(
        "app",
        4,
        "run",
        (("instance", "u8"),),
        help="call the entry point: _start, or _initialize and main; its end is the event `exit`",
    ),
    Command(
        "app",
        5,
        "global_get",
        (("instance", "u8"), ("name", "text")),
        (("type", "u8"), ("cells", "bytes")),
        help="value of an exported global",
    ),
    Command(
        "app",
        6,
        "memory_read",
        (("instance", "u8"), ("address", "u32"), ("length", "u16")),
        (("data", "bytes"),),
        help="a range of linear memory 0",
    ),
    Command(
        "app",
        7,
        "digest",
        (("instance", "u8"),),
        (("memory_size", "u32"), ("memory", "u32"), ("globals", "u32"), ("tables", "u32")),
        help="CRC-32 of linear memory, globals, table elements",
    ),
    Command("app", 8, "drop", help="release every instance and module, and the upload"),
    Command(
        "app",
        9,
        "bench",
        (("name_length", "u8"), ("name_and_cells", "bytes")),
        (
            ("wasm_code_bytes", "u32"),
            ("lowered_code_bytes", "u32"),
            ("arena_peak_bytes", "u32"),
            ("wasm_stack_peak_cells", "u32"),
            ("c_stack_peak_bytes", "u32"),
            ("cells", "bytes"),
        ),
        deferred=True,
        help="load the committed upload and call an export twice, tick and UART masked, passing wirq_bench_mark around each; "
        "nothing can stop it, so only firmware built with WIRQ_BENCH=1 takes it",
    ),
    Command(
        "app",
        10,
        "fuel",
        (("points", "u32"),),
        help="what is loaded stops after so many safe points, those of handlers left out, as if it were told to stop; 0: it does not. "
        "irq.injected tells how many it has had",
    ),
    Command(
        "app",
        11,
        "state",
        (("instance", "u8"),),
        (
            ("state", "u8"),  # APP_STATES
            ("status", "u8"),  # why it trapped, else 0
            ("subject", "u8"),  # the instance that runs or ran last, or NONE
            ("instances", "u8"),
            ("id", f"bytes:{APP_ID_SIZE}"),  # of the module of the instance that was asked for; zeros if there is none
        ),
        help="what is loaded and how it does: asked for one instance after the other, id is the beginning of the SHA-256 of its module",
    ),
    # -- irq
    Command(
        "irq",
        1,
        "show",
        (("source", "u8"),),
        (
            ("class", "u8"),
            ("flags", "u8"),  # IRQ_FLAGS
            ("priority", "u8"),  # of its handler, 0 is the most urgent
            ("policy", "u8"),  # IRQ_POLICIES
            ("vector", "u16"),  # hardware vector, 0xFFFF = none
            ("function", "u32"),  # handler's function index, or NONE
            ("raised", "u32"),
            ("delivered", "u32"),
            ("missed", "u32"),
            ("faults", "u32"),  # handler runs that trapped or overran their budget
            ("worst_us", "u32"),
            ("name", "text"),
        ),
        help="one source; an unknown one fails, so count up from 0",
    ),
    Command(
        "irq",
        2,
        "raise",
        (("source", "u8"), ("count", "u32"), ("after_us", "u32"), ("every_us", "u32")),
        help="raise a source: count times, the first after_us from now (from the app's start if it has not started), then every_us",
    ),
    Command("irq", 3, "enable", (("source", "u8"), ("on", "u8")), help="unmask or mask a source"),
    Command(
        "irq",
        4,
        "inject",
        (("source", "u8"), ("every_dispatch", "u8"), ("n", "u32")),
        help="arm wirq_inject for the next invoke; n = 0 only counts",
    ),
    Command(
        "irq",
        6,
        "bound",
        (("source", "u8"),),
        (
            ("raise_", "u32"),  # executed instructions, this and the next ones
            ("deliver", "u32"),
            ("wait", "u32"),
            ("handlers", "u32"),
            ("section", "u32"),
            ("total", "u32"),  # or NONE: no bound
            ("gap", "u32"),  # ordinary operations
            ("us", "u32"),  # or NONE: not known
            ("demanded_us", "u32"),  # 0 = nothing
            ("unlimited", "u32"),  # a source that comes first and has no budget, or NONE
        ),
        help="the latency bound of a source with a handler, and its parts",
    ),
    Command("irq", 5, "injected", response=(("points", "u32"),), help="points that the last armed run had"),
    Command(
        "irq",
        7,
        "handler",
        (("source", "u8"),),
        (("instance", "u8"), ("function", "u32")),  # or NONE
        help="the handler of a source: the instance that defines it, and its index there",
    ),
    # -- trap
    Command(
        "trap",
        1,
        "callers",
        (("first", "u32"),),
        (("callers", "bytes"),),  # CALLER each, as many as fit a frame
        help="who called what trapped, from the first-th on; empty past the last and when something ran since",
    ),
    Command(
        "trap",
        2,
        "exception",
        response=(("instance", "u8"), ("tag", "u32"), ("cells", "bytes")),
        help="the exception that nobody caught, after a trap for it: tag index in the instance that defines it, and its values, as many "
        "as fit a frame; NOT_SUPPORTED if there is none",
    ),
    Command(
        "trap",
        3,
        "where",
        response=(("instance", "u8"),),
        help=f"the instance whose function trapped last, 0x{NONE['instance']:X} = none that is loaded",
    ),
    Command(
        "trap",
        4,
        "operands",
        (("first", "u16"),),
        (("accumulator", "u32"), ("memory_size", "u32"), ("cells", "bytes")),
        help="what the operation that trapped had before it: the accumulator, the size of its instance's first memory in bytes, and cells "
        "of the frame from the first-th on, as many as fit a frame; NOT_SUPPORTED when something ran since",
    ),
    # -- trace
    Command(
        "trace",
        1,
        "read",
        # TRACE_RECORD each, as many as fit a frame
        response=(("lost", "u32"), ("recorded", "u8"), ("records", "bytes")),
        help="what has happened and was not read yet, how much was lost, and whether calls are recorded (2) or not (1); only firmware built "
        "with WIRQ_TRACE=1 or 2 answers",
    ),
)

#: Ticks a second that a board takes for true. No target counts slower or faster: below, the shortest times round to nothing or to
#: days; above, a microsecond's share of a tick is no longer known to six digits.
TICK_HZ = {"least": 16384, "most": 1_000_000_000}

#: One caller in the answer of trap.callers. `function` and `offset` are as in the event `exit`.
CALLER: Fields = (("function", "u32"), ("offset", "u32"), ("instance", "u8"), ("interrupted", "u8"))

#: One record in the answer of trace.read: board time, low 32 bits, and what happened (enum wirq_trace_event).
TRACE_RECORD: Fields = (("time_us", "u32"), ("event", "u8"), ("subject", "u32"), ("detail", "u16"))
TRACE_EVENTS = ("run", "end", "raise", "enter", "leave", "mask", "unmask", "wait", "woke", "call", "return", "memory")

#: Nothing is loaded; loaded and not started; being loaded; it or a call runs; only its handlers do; it has ended; it has trapped or
#: was stopped.
APP_STATES = {"none": 0, "idle": 1, "loading": 2, "running": 3, "waiting": 4, "ended": 5, "trapped": 6}
INSTANTIATE_FLAGS = {"keep": 1, "no_start": 2}  # keep: others stay loaded (else everything is dropped first)
#: Where the lowered code of a loaded module lies: in RAM; in the store, written by this load; there, found from an earlier one.
CODE_PLACES = {"ram": 0, "written": 1, "found": 2}
FILE_FLAGS = {"autostart": 1, "frozen": 2}
IRQ_FLAGS = {"attached": 1, "enabled": 2, "pending": 4, "active": 8}
#: What becomes of a handler that traps (enum wirq_policy).
IRQ_POLICIES = {"fatal": 0, "contain": 1, "host": 2}


@dataclass(frozen=True)
class Event:
    """One event from the board: its number within the channel and the payload after the event byte."""

    channel: str
    number: int
    name: str
    fields: Fields = ()
    help: str = field(default="", compare=False)


EVENTS: tuple[Event, ...] = (
    Event(
        "app",
        1,
        "exit",
        (
            ("status", "u8"),
            ("result", "u32"),  # of main; 0 for _start
            ("function", "u32"),
            ("offset", "u32"),
            ("depth", "u32"),
            ("source", "u32"),  # whose handler trapped, or NONE
        ),
        help="the app ended",
    ),
    Event(
        "irq",
        1,
        "irq",
        (("source", "u8"), ("raised", "u32"), ("delivered", "u32"), ("missed", "u32"), ("board_time_us", "u64")),
        help="a source's counters moved; coalesced, newest state only",
    ),
)
