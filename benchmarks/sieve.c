/* sieve: primes below 16,000 by the sieve of Eratosthenes over odd numbers, a byte each. Byte stores with a stride, short loops. */
#include "kernel.h"

enum { LIMIT = 16000, SLOTS = LIMIT / 2 };

static uint8_t composite[SLOTS]; /* composite[i] is about 2 i + 1 */

KERNEL_EXPORT int32_t run(void) {
    uint32_t slots = kernel_opaque(SLOTS);
    for (uint32_t i = 0; i < slots; i++) {
        composite[i] = 0;
    }
    uint32_t primes = 1; /* 2 */
    uint32_t result = 0;
    for (uint32_t i = 1; i < slots; i++) {
        if (composite[i]) {
            continue;
        }
        uint32_t prime = 2 * i + 1;
        primes++;
        result = kernel_fold(result, prime);
        for (uint32_t j = i + prime; j < slots; j += prime) {
            composite[j] = 1;
        }
    }
    return (int32_t)(result ^ primes);
}
