/* codec_harness.c: feeds standard input to the firmware's receiver, and prints what it makes of it, one line a frame:
 *   frame HEX, and at the end: text HEX
 * With an argument it sends the frame that standard input holds instead, as the firmware would. */
#include <stdio.h>

#include "board.h"
#include "clock.h"
#include "firmware.h"
#include "frame.h"
#include "receive.h"

struct wirq_vm *firmware_vm;
volatile bool firmware_guest_runs;

uint64_t clock_us(void) {
    return 0;
}

uintptr_t board_mask(void) {
    return 0;
}

void board_unmask(uintptr_t before) {
    (void)before;
}

void board_uart_write(const uint8_t *bytes, size_t length) {
    fwrite(bytes, 1, length, stdout);
}

static void print(const char *what, const uint8_t *bytes, uint32_t length) {
    printf("%s ", what);
    for (uint32_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

int main(int argc, char **argv) {
    static uint8_t text[BOARD_TEXT_RING], content[4096];
    uint32_t length = 0;
    (void)argv;
    for (int byte; (byte = getchar()) != EOF;) {
        if (argc > 1) {
            content[length++] = (uint8_t)byte;
            continue;
        }
        firmware_received((uint8_t)byte);
        const uint8_t *frame = receive_frame(&length);
        if (frame != NULL) {
            print("frame", frame, length);
            receive_release_frame();
        }
    }
    if (argc > 1) {
        frame_send(content, length);
        return 0;
    }
    uint32_t taken = 0, more;
    while ((more = receive_text(text + taken, (uint32_t)sizeof text - taken)) > 0 || receive_interrupted())
        taken += more;
    print("text", text, taken);
    return 0;
}
