// The import modules "wirq" and "board" for JavaScript engines: what `wirq instrument` made is interrupted here as wirq does it.
//
//     node guests/polyfill/wirq.mjs app.instrumented.wasm main [ARGUMENT…] < schedule.json
//
// reads a schedule, [[at the how manyth safe point, source], …], calls the export and prints one JSON object: its result,
// what it wrote, the safe points passed, the handler runs, the SHA-256 of its memory. Or import { Guest } from it. Only what a
// program needs to be interrupted, masked and chained is here: no budgets, no classes but forced, and time stands still.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SOURCES = ["uart", "timer", "button", "soft0"];
const LEVELS = 2;
const LONGEST_CHAIN = 32; // handlers after another one before what they interrupt gets on (R42)
const RED_ZONE = 128;
const UNKNOWN_SOURCE = 112, BAD_PRIORITY = 114, BAD_BLOCK = 115, NOT_SUPPORTED = 117;
const MAGIC = 0x51524957;
const HEADER = 64, SLOT = 32, DOORBELL = 8, DEPTH = 12, THRESHOLD = 16, NEED = 20;
const HEAD = 16, TAIL = 20, RING = 24, SHAPE = 28;

export class Guest {
    constructor(bytes, schedule = [], typed = new Uint8Array()) {
        this.output = [];
        this.passed = []; // safe points of the program, handlers' apart
        this.delivered = []; // handler runs: source and count
        this.typed = typed;
        this.schedule = schedule.toSorted(([a], [b]) => a - b);
        this.raised = SOURCES.map(() => 0);
        this.taken = SOURCES.map(() => 0);
        this.woke = SOURCES.map(() => false);
        this.enabled = SOURCES.map(() => true);
        this.handlers = new Map();
        this.level = LEVELS;
        this.asked = false; // for a look at the next safe point
        this.passes = false; // the next safe point, without a look
        this.block = -1;
        this.rings = new Map(); // of records of single raises (R21), by source
        this.clock = 0n;
        this.pins = new Map();
        const module = new WebAssembly.Module(bytes);
        const imports = {};
        for (const { module: from, name } of WebAssembly.Module.imports(module)) {
            const act = this[`${from}_${name}`];
            (imports[from] ??= {})[name] = (...values) => {
                const answer = act.apply(this, values);
                if (name !== "safepoint") this.publish(); // there nothing is published unless it was asked for
                return answer;
            };
        }
        this.exports = new WebAssembly.Instance(module, imports).exports;
        for (const name of Object.keys(this.exports)) {
            const [kind, source, priority] = name.split(":");
            if (kind === "irq") {
                const number = /^\d+$/.test(source) ? Number(source) : SOURCES.indexOf(source);
                this.handlers.set(number, [this.exports[name], 0, Number(priority ?? 0)]);
            }
        }
    }

    load(address) {
        return new DataView(this.exports.memory.buffer).getUint32(address, true);
    }

    save(address, value) {
        new DataView(this.exports.memory.buffer).setUint32(address, value >>> 0, true);
    }

    raise(source) {
        const ring = this.rings.get(source);
        if (ring !== undefined) this.push(ring, 0);
        this.raised[source] = (this.raised[source] + 1) >>> 0;
        this.woke[source] = true;
        this.asked = true;
    }

    publish() {
        if (this.block < 0) return;
        this.raised.forEach((raised, source) => {
            const slot = this.block + HEADER + SLOT * source;
            const ring = this.rings.get(source);
            if (ring !== undefined) this.publishRing(ring, slot);
            if (this.load(slot) !== raised) {
                this.save(slot, raised);
                this.save(this.block + DOORBELL, 1);
            }
        });
    }

    // Records that are not in the guest's memory yet go there (R21).
    publishRing(ring, slot) {
        for (const [address, argument, stamp] of ring.records.splice(0)) {
            this.save(address, argument);
            this.save(address + 4, stamp);
        }
        this.save(slot + HEAD, ring.head);
        ring.tail = this.load(slot + TAIL);
    }

    push(ring, argument) {
        if ((ring.head - ring.tail) >>> 0 >= ring.count) return;
        ring.records.push([ring.address + 8 * (ring.head % ring.count), argument, Number(this.clock & 0xffffffffn)]);
        ring.head = (ring.head + 1) >>> 0;
    }

    masked(priority, waiting) {
        if (this.block < 0 || waiting) return false;
        return this.load(this.block + DEPTH) !== 0 || this.load(this.block + THRESHOLD) <= priority;
    }

    // The most urgent source whose handler may run now; of equal ones the first.
    select(waiting) {
        let best = null, urgency = this.level;
        for (const source of [...this.handlers.keys()].sort((a, b) => a - b)) {
            const priority = this.handlers.get(source)[2];
            if (this.raised[source] === this.taken[source] || !this.enabled[source] || priority >= urgency) continue;
            if (this.masked(priority, waiting)) {
                this.save(this.block + NEED, 1);
                continue;
            }
            [best, urgency] = [source, priority];
        }
        return best;
    }

    // Whether there was more to do, which is for later: what is interrupted gets on first (R42).
    deliver(waiting = false) {
        this.asked = false;
        this.publish();
        let chained = 0;
        for (let source; (source = this.select(waiting)) !== null; ) {
            const [handler, context, priority] = this.handlers.get(source);
            const count = (this.raised[source] - this.taken[source]) >>> 0;
            this.taken[source] = this.raised[source];
            this.delivered.push([source, count]);
            const outer = this.level;
            this.level = priority;
            const pointer = this.exports.__stack_pointer;
            const before = pointer?.value;
            if (pointer) pointer.value = (before - RED_ZONE) & ~15;
            handler(source, count, context);
            if (pointer) pointer.value = before;
            this.level = outer;
            if (chained++ === LONGEST_CHAIN) {
                this.asked = true;
                return true;
            }
        }
        return false;
    }

    wirq_safepoint(site) {
        if (this.level === LEVELS) {
            this.passed.push(site);
            while (this.schedule[0]?.[0] === this.passed.length) this.raise(this.schedule.shift()[1]);
        }
        if (this.passes) this.passes = false;
        else if (this.asked) this.deliver(); // what the guest holds back after that, it asks for itself (R36)
    }

    wirq_block(address, length, version) {
        if (address % 8 !== 0 || version !== 1 || length < HEADER || this.load(address) !== MAGIC) return BAD_BLOCK;
        this.rings.clear();
        for (let source = 0; source < Math.min(SOURCES.length, this.load(address + 4) >>> 16); source++) {
            const slot = address + HEADER + SLOT * source;
            const [ring, shape] = [this.load(slot + RING), this.load(slot + SHAPE)];
            if (ring === 0 && shape === 0) continue;
            if (ring % 4 !== 0 || (shape & 0xff) !== 8 || shape >>> 8 > 5) return BAD_BLOCK;
            this.rings.set(source, { address: ring, count: 1 << (shape >>> 8), head: 0, tail: 0, records: [] });
        }
        this.block = address;
        return 0;
    }

    wirq_attach_ref(source, handler, context, priority) {
        if (source >= SOURCES.length) return UNKNOWN_SOURCE;
        if (priority < 0 || priority >= LEVELS) return BAD_PRIORITY;
        this.handlers.set(source, [handler, context, priority]);
        this.asked = true;
        return 0;
    }

    wirq_attach(source, index, context, priority) {
        return this.wirq_attach_ref(source, this.exports.__indirect_function_table.get(index), context, priority);
    }

    wirq_detach(source) {
        this.handlers.delete(source);
        return 0;
    }

    wirq_enable(source, on) {
        this.enabled[source] = on !== 0;
        this.asked = true;
        return 0;
    }

    wirq_pend(source) {
        if (source >= SOURCES.length) return UNKNOWN_SOURCE;
        this.raise(source);
        return 0;
    }

    wirq_take(source) {
        const count = (this.raised[source] - this.taken[source]) >>> 0;
        this.taken[source] = this.raised[source];
        return count;
    }

    wirq_poll() {}

    wirq_deliver() {
        this.passes = this.deliver();
    }

    wirq_wait(timeout) {
        this.passes = this.deliver(true);
        const bits = this.woke.reduce((sum, woke, i) => sum | (woke ? 1 << i : 0), 0);
        this.woke.fill(false);
        if (bits === 0 && timeout < 0n) throw new Error("the guest waits and nothing will wake it");
        return bits;
    }

    wirq_budget() {
        return NOT_SUPPORTED;
    }

    wirq_query(key) {
        return { 0: 1n, 1: BigInt(LEVELS) }[key] ?? -1n;
    }

    board_write(address, length) {
        if (this.level === LEVELS) this.output.push(...new Uint8Array(this.exports.memory.buffer, address, length));
        return length;
    }

    board_read(address, length) {
        const piece = this.typed.subarray(0, length);
        this.typed = this.typed.subarray(length);
        new Uint8Array(this.exports.memory.buffer).set(piece, address);
        return piece.length;
    }

    board_pin_write(pin, level) {
        this.pins.set(pin, level !== 0 ? 1 : 0);
    }

    board_pin_read(pin) {
        return this.pins.get(pin) ?? 0;
    }

    board_timer_start() {
        return 0;
    }

    board_timer_stop() {
        return 0;
    }

    board_clock_us() {
        if (this.level === LEVELS) this.clock += 1n;
        return this.clock;
    }
}

function main([file, name, ...values]) {
    const schedule = JSON.parse(readFileSync(0, "utf8") || "[]");
    const guest = new Guest(readFileSync(file), schedule);
    const result = guest.exports[name](...values.map((value) => (value.endsWith("n") ? BigInt(value.slice(0, -1)) : Number(value))));
    const memory = guest.exports.memory ? Buffer.from(guest.exports.memory.buffer) : Buffer.alloc(0);
    console.log(
        JSON.stringify(
            {
                result,
                output: Buffer.from(guest.output).toString("latin1"),
                passed: guest.passed,
                delivered: guest.delivered,
                memory: memory.toString("base64"),
                sha256: createHash("sha256").update(memory).digest("hex"),
            },
            (key, value) => (typeof value === "bigint" ? value.toString() : value),
        ),
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
