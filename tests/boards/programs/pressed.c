/* Ends when the button was pressed three times. */
#include "wirq_guest.h"

static volatile uint32_t presses;

WIRQ_HANDLER(button) {
    presses = presses + (uint32_t)count;
}

int main(void) {
    wirq_print("ready\n");
    while (presses < 3) {
    }
    wirq_print("pressed ");
    wirq_print_number(presses);
    wirq_print("\n");
    return 0;
}
