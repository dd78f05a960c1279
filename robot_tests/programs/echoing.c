/* Repeats one line of typed text. */
#include "wirq_guest.h"

int main(void) {
    char line[64];
    size_t length = 0;

    wirq_print("type a line\n");
    while (length < sizeof line) {
        int32_t got = board_read(&line[length], 1);
        if (got == 0) {
            wirq_wait(-1);
        } else if (line[length] == '\r') {
            break;
        } else {
            length++;
        }
    }
    wirq_print("you typed: ");
    board_write(line, length);
    wirq_print("\n");
    return 0;
}
