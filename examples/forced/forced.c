/* forced: a long computation that is interrupted in its middle, and does not notice.
 *
 *     wirq run examples/forced/forced.c --raise button@200us --raise soft0@400us
 *
 * main() counts primes and never looks at an interrupt. The two handlers run between any two of its operations, on a stack of
 * their own. However often they run, the primes and their checksum stay the same: try it with 0 and with 10,000 raises.
 */
#include "wirq_guest.h"

enum { LIMIT = 30000 };

/* Shared by the handlers and main: volatile, so that main sees what a handler wrote. One word each, so no more care is needed. */
static volatile uint32_t button_raises;
static volatile uint32_t soft0_raises;

/* Says so when the total has doubled: a storm of 10,000 interrupts prints some fifteen lines instead of flooding the wire. */
static void report(const char *name, uint32_t before, uint32_t now) {
    if ((before ^ now) > before) { /* a bit above the highest one of before has appeared */
        wirq_print(name);
        wirq_print_number(now);
        wirq_print("\n");
    }
}

/* One run of a handler takes all raises since the last one: count says how many. */
WIRQ_HANDLER(button) {
    uint32_t before = button_raises;
    button_raises = before + (uint32_t)count;
    report("  interrupted by button: ", before, button_raises);
}

WIRQ_HANDLER(soft0) {
    uint32_t before = soft0_raises;
    soft0_raises = before + (uint32_t)count;
    report("  interrupted by soft0: ", before, soft0_raises);
}

static bool is_prime(uint32_t n) {
    for (uint32_t divisor = 3; divisor * divisor <= n; divisor += 2) {
        if (n % divisor == 0) {
            return false;
        }
    }
    return true;
}

int main(void) {
    uint32_t primes = 1; /* 2 is one, too */
    uint32_t checksum = 2;

    wirq_print("counting primes\n");
    for (uint32_t n = 3; n < LIMIT; n += 2) {
        if (is_prime(n)) {
            primes++;
            checksum = checksum * 31 + n;
        }
    }
    wirq_print_number(primes);
    wirq_print(" primes, checksum ");
    wirq_print_number(checksum);
    wirq_print("\nraised: button ");
    wirq_print_number(button_raises);
    wirq_print(", soft0 ");
    wirq_print_number(soft0_raises);
    wirq_print("\n");
    return 0;
}
