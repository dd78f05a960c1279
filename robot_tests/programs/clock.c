/* Prints two lines, two seconds of the board's clock apart. */
#include "wirq_guest.h"

int main(void) {
    uint64_t end = board_clock_us() + 2000000;
    wirq_print("begin\n");
    while (board_clock_us() < end) {
        wirq_wait((int64_t)(end - board_clock_us()));
    }
    wirq_print("end\n");
    return 0;
}
