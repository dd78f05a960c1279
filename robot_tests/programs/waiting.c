/* Sleeps until soft0's handler has run. */
#include "wirq_guest.h"

static volatile uint32_t handled;

WIRQ_HANDLER(soft0) {
    handled = 1;
}

int main(void) {
    wirq_print("waiting\n");
    while (!handled) {
        wirq_wait(-1);
    }
    wirq_print("handled soft0\n");
    return 0;
}
