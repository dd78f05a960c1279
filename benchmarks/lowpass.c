/* lowpass: three biquad sections in f32 in a row, mean, square root by Newton's method, and extremes of 1,024 samples: what a sensor
 * front end does. Loads, multiplies, comparisons and conversions of floats. */
#include "kernel.h"

enum { SAMPLES = 1024, SECTIONS = 3 };

struct biquad {
    float b0, b1, b2, a1, a2, z1, z2;
};

static float samples[SAMPLES];

KERNEL_CALL static float filter(struct biquad *sections, float x) {
    for (uint32_t i = 0; i < SECTIONS; i++) {
        struct biquad *s = &sections[i];
        float y = s->b0 * x + s->z1;
        s->z1 = s->b1 * x - s->a1 * y + s->z2;
        s->z2 = s->b2 * x - s->a2 * y;
        x = y;
    }
    return x;
}

static float square_root(float x) {
    float guess = x > 1.0f ? x : 1.0f;
    for (uint32_t i = 0; i < 12; i++) {
        guess = 0.5f * (guess + x / guess);
    }
    return guess;
}

KERNEL_EXPORT int32_t run(void) {
    struct biquad sections[SECTIONS];
    uint32_t state = kernel_opaque(9);
    for (uint32_t i = 0; i < SECTIONS; i++) {
        struct biquad s = {0.0675f, 0.135f, 0.0675f, -1.143f + 0.05f * (float)i, 0.4128f, 0.0f, 0.0f};
        sections[i] = s;
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        float noise = (float)(int32_t)(kernel_random(&state) & 0x3FF) - 512.0f;
        samples[i] = (i & 64 ? 1000.0f : -1000.0f) + noise;
    }
    float sum = 0.0f, squares = 0.0f, lowest = 1.0e9f, highest = -1.0e9f;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        float y = filter(sections, samples[i]);
        sum += y;
        squares += y * y;
        lowest = y < lowest ? y : lowest;
        highest = y > highest ? y : highest;
    }
    float rms = square_root(squares / (float)SAMPLES);
    uint32_t result = (uint32_t)(int32_t)(sum * 16.0f);
    result = kernel_fold(result, (uint32_t)(int32_t)(rms * 64.0f));
    result = kernel_fold(result, (uint32_t)(int32_t)(lowest * 64.0f));
    return (int32_t)kernel_fold(result, (uint32_t)(int32_t)(highest * 64.0f));
}
