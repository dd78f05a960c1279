/* Computes the same thing over and over until 10,000 raises of soft0 were handled, and compares. */
#include "undisturbed.h"

int main(void) {
    uint32_t reference = compute(1);
    wirq_print("computing\n");
    if (compute_until_handled(reference) == 0) {
        return 1;
    }
    wirq_print("undisturbed, handled ");
    wirq_print_number(handled);
    wirq_print("\n");
    return 0;
}
