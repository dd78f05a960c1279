/* Never ends and never calls out. */
#include "wirq_guest.h"

static volatile uint32_t rounds;

int main(void) {
    wirq_print("computing\n");
    for (;;) {
        rounds = rounds + 1;
    }
}
