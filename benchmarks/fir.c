/* fir: a 32-tap FIR filter in Q15 with rounding and saturation over 256 samples, then decimated with a second filter. Signed
 * 16-bit loads, multiply-accumulate, shifts, a ring buffer. */
#include "kernel.h"

enum { TAPS = 32, SAMPLES = 256, REPEAT = 2 };

static int16_t input[SAMPLES], output[SAMPLES], coefficients[TAPS], delay[TAPS];

static int16_t saturate(int32_t value) {
    return (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

/* Block form: the newest samples lie in front of one another. */
KERNEL_CALL static void fir(const int16_t *x, int16_t *y, uint32_t count) {
    for (uint32_t n = 0; n < count; n++) {
        int32_t sum = 1 << 14;
        uint32_t taps = n + 1 < TAPS ? n + 1 : TAPS;
        for (uint32_t k = 0; k < taps; k++) {
            sum += coefficients[k] * x[n - k] >> 2; /* 2 guard bits */
        }
        y[n] = saturate(sum >> 13);
    }
}

/* Stream form: one sample in, a result for every fourth. */
KERNEL_CALL static int16_t decimate(int16_t sample, uint32_t n) {
    uint32_t at = n & (TAPS - 1);
    delay[at] = sample;
    if ((n & 3) != 3) {
        return 0;
    }
    int32_t sum = 0;
    for (uint32_t k = 0; k < TAPS; k++) {
        sum += (int32_t)coefficients[k] * delay[(at - k) & (TAPS - 1)] >> 2;
    }
    return saturate(sum >> 13);
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(8);
    for (uint32_t i = 0; i < TAPS; i++) { /* a triangle of sum 1 */
        uint32_t height = i < TAPS / 2 ? i + 1 : TAPS - i;
        coefficients[i] = (int16_t)(32768 * height / (TAPS / 2 * (TAPS / 2 + 1)));
        delay[i] = 0;
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        int32_t square = i & 32 ? 24000 : -24000;
        input[i] = (int16_t)(square + (int32_t)(kernel_random(&state) & 0x1FFF) - 0x1000);
    }
    uint32_t result = 0;
    for (uint32_t round = 0; round < REPEAT; round++) {
        fir(input, output, SAMPLES);
        for (uint32_t i = 0; i < SAMPLES; i++) {
            result = kernel_fold(result, (uint32_t)(int32_t)decimate(output[i], i));
            input[i] = output[i];
        }
    }
    return (int32_t)result;
}
