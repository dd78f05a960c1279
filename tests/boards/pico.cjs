// The Raspberry Pi Pico as rp2040js plays it: node pico.cjs RP2040JS FIRMWARE.uf2 LED
//
// The boot ROM is left out: it runs the first 256 bytes of the flash, and so does this. The serial line is standard input and
// output, a byte at a time at 115,200 baud. SIGUSR2 holds the button for a millisecond. Each change of the LED is a line in
// the file LED: its level, and the microseconds since the start.
//
// How the processor sleeps is this file's, not rp2040js's (1.4.1): there SysTick does not end a WFI, what was pending before it does
// not either, and what ends one is taken although PRIMASK says no. The firmware masks, looks, and sleeps.
"use strict";
const fs = require("fs");
const { RP2040, SimulationClock } = load(process.argv[2]);

const FLASH = 0x10000000, BLOCK = 512, BUTTON = 15, LED = 25, HIGH = 1;
const SLICE = 500000;
const CYCLE_NANOS = 1e9 / 125e6, BYTE_NANOS = 10e9 / 115200, PRESS_NANOS = 1e6, IDLE_NANOS = 1e6;

function load(path) {
    const { SimulationClock } = require(path + "/dist/cjs/clock/simulation-clock.js");
    return { ...require(path), SimulationClock };
}

const clock = new SimulationClock();
const mcu = new RP2040(clock), core = mcu.core;
mcu.logger = { debug() {}, info() {}, warn() {}, error() {} };

const file = fs.readFileSync(process.argv[3]);
for (let at = 0; at < file.length; at += BLOCK) {
    const address = file.readUInt32LE(at + 12), size = file.readUInt32LE(at + 16);
    mcu.flash.set(file.subarray(at + 32, at + 32 + size), address - FLASH);
}

function after(nanos, what) {
    clock.createAlarm(what).schedule(nanos);
}

const typed = [];
let typing = false;
function type() {
    typing = typed.length > 0;
    if (typing) {
        after(BYTE_NANOS, () => {
            mcu.uart[0].feedByte(typed.shift());
            type();
        });
    }
}
process.stdin.on("data", (data) => {
    typed.push(...data);
    if (!typing) type();
});
process.stdin.on("end", () => process.exit(0));
mcu.uart[0].onByte = (byte) => process.stdout.write(Buffer.of(byte));

mcu.gpio[BUTTON].setInputValue(true); // as its pull-up does
process.on("SIGUSR2", () => {
    mcu.gpio[BUTTON].setInputValue(false);
    after(PRESS_NANOS, () => mcu.gpio[BUTTON].setInputValue(true));
});
let level = 0;
mcu.gpio[LED].addListener((state) => {
    const now = state === HIGH ? 1 : 0;
    if (now !== level) fs.appendFileSync(process.argv[4], `${now} ${Math.round(clock.nanos / 1000)}\n`);
    level = now;
});

core.setInterrupt = (number, on) => {
    if (on) core.pendingInterrupts |= 1 << number;
    else core.pendingInterrupts &= ~(1 << number);
    core.interruptsUpdated = true;
};
function isPending() {
    return (core.pendingInterrupts & core.enabledInterrupts) !== 0 || core.pendingSystick || core.pendingPendSV || core.pendingNMI;
}

// Runs for a while, then lets what was typed come. Asleep it does not get ahead of the time of this computer.
const began = process.hrtime.bigint();
function run() {
    for (let i = 0; i < SLICE; i++) {
        if (!core.waiting) {
            clock.tick(core.executeInstruction() * CYCLE_NANOS);
        } else if (isPending()) {
            core.waiting = false;
            core.interruptsUpdated = true;
        } else if (clock.nanos < Number(process.hrtime.bigint() - began)) {
            clock.tick(clock.nextAlarm ? clock.nanosToNextAlarm : IDLE_NANOS);
        } else {
            break;
        }
    }
    setTimeout(run, core.waiting ? 1 : 0);
}
core.PC = FLASH;
run();
