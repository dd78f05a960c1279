/* virtual: a small graph of signal blocks (gain, delay, limiter, mixer, counter), each called through its table of functions, as
 * object-oriented firmware does. Indirect calls and field access. */
#include "kernel.h"

enum { BLOCKS = 6, STEPS = 1500, DELAY = 16 };

struct block;

struct methods {
    int32_t (*process)(struct block *self, int32_t x);
    void (*reset)(struct block *self);
};

struct block {
    const struct methods *methods;
    struct block *input;
    int32_t a, b;
    uint32_t at;
    int32_t line[DELAY];
};

static int32_t gain(struct block *self, int32_t x) {
    return (x >> 4) * self->a / 16;
}

static int32_t delay(struct block *self, int32_t x) {
    int32_t out = self->line[self->at];
    self->line[self->at] = x;
    self->at = (self->at + 1) % DELAY;
    return out;
}

static int32_t limiter(struct block *self, int32_t x) {
    return x > self->a ? self->a : x < self->b ? self->b : x;
}

static int32_t mixer(struct block *self, int32_t x) {
    struct block *other = self->input;
    return (x >> 1) + (other->methods->process(other, x) >> 1);
}

static int32_t counter(struct block *self, int32_t x) {
    self->at += x > self->a;
    return x;
}

static void reset_plain(struct block *self) {
    self->at = 0;
}

static void reset_delay(struct block *self) {
    self->at = 0;
    for (uint32_t i = 0; i < DELAY; i++) {
        self->line[i] = (int32_t)(i * 3);
    }
}

static const struct methods GAIN = {gain, reset_plain}, DELAY_LINE = {delay, reset_delay}, LIMITER = {limiter, reset_plain},
                            MIXER = {mixer, reset_plain}, COUNTER = {counter, reset_plain};

static struct block blocks[BLOCKS];

KERNEL_CALL static int32_t chain(int32_t x) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        x = blocks[i].methods->process(&blocks[i], x);
    }
    return x;
}

KERNEL_EXPORT int32_t run(void) {
    static const struct methods *const kinds[BLOCKS] = {&GAIN, &DELAY_LINE, &MIXER, &LIMITER, &COUNTER, &GAIN};
    uint32_t state = kernel_opaque(11);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct block *b = &blocks[i];
        b->methods = kinds[i];
        b->input = &blocks[0];
        b->a = (int32_t)(300 - 40 * i);
        b->b = -b->a;
        b->methods->reset(b);
    }
    uint32_t result = 0;
    for (uint32_t i = 0; i < STEPS; i++) {
        int32_t x = (int32_t)(kernel_random(&state) & 0x3FFF) - 0x2000;
        result = kernel_fold(result, (uint32_t)chain(x));
    }
    return (int32_t)(result ^ blocks[4].at);
}
