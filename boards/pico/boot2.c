/* boot2.c: the second stage of the RP2040's boot. The boot ROM copies the first 256 bytes of the flash chip to RAM and runs them if
 * their checksum is right. They make the flash readable in place by the plainest read command, 03h, which every chip knows, at a
 * quarter of the processor's clock and so slow enough for every chip, and start the image behind. Registers: RP2040 datasheet,
 * sections 2.8.1 and 4.10.13. */
#include <stdint.h>

/* Position-independent, no stack, no literals outside. The last four bytes are the checksum's, which the build writes. */
__asm__(".section .boot, \"ax\"\n"
        ".thumb\n"
        ".syntax unified\n"
        "boot2:\n"
        "    ldr r3, =0x18000000\n" /* XIP_SSI */
        "    movs r1, #0\n"
        "    str r1, [r3, #0x08]\n" /* SSIENR: off while it is set up */
        "    movs r1, #4\n"
        "    str r1, [r3, #0x14]\n" /* BAUDR: a quarter of clk_sys */
        "    ldr r1, =0x001f0300\n"
        "    str r1, [r3, #0x00]\n" /* CTRLR0: 32-bit frames, EEPROM read, one data line */
        "    movs r1, #0\n"
        "    str r1, [r3, #0x04]\n" /* CTRLR1: one frame */
        "    ldr r1, =0x03000218\n"
        "    ldr r2, =0x180000f4\n"
        "    str r1, [r2]\n" /* SPI_CTRLR0: command 03h of 8 bits, 24 address bits, one line */
        "    movs r1, #1\n"
        "    str r1, [r3, #0x08]\n" /* SSIENR: on */
        "    ldr r0, =0x10000100\n" /* the vectors of the image */
        "    ldr r1, =0xe000ed08\n" /* VTOR */
        "    str r0, [r1]\n"
        "    ldmia r0, {r0, r1}\n"
        "    msr msp, r0\n"
        "    bx r1\n"
        "    .ltorg\n"
        "    .org boot2 + 252\n"
        "    .word 0\n"
        ".text\n");

typedef int this_file_is_assembly;
