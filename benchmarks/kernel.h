/* kernel.h: what every benchmark kernel includes, for wasm and natively alike.
 *
 * A kernel is one C file with one entry, `int32_t run(void)`: no libc, no input, at most 16 KiB of data. It begins from the same
 * state in every call, checks itself, and answers one fixed number, which stands in kernels.toml; a wrong step shows as another
 * number. Compiled to wasm it exports `run` of type [] -> [i32]; natively `run` is an ordinary function.
 *
 * Compile natively with -ffp-contract=off: WebAssembly has no fused multiply-add, so neither may the other side.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifndef KERNEL_NAME /* of its own where several kernels make one module */
#define KERNEL_NAME "run"
#endif
#ifdef __wasm__
#define KERNEL_EXPORT __attribute__((export_name(KERNEL_NAME)))
#else
#define KERNEL_EXPORT __attribute__((noinline, used))
#endif

/* A function that must stay a call, because the call is what is measured or because the compiler would see through it. */
#define KERNEL_CALL __attribute__((noinline))

KERNEL_EXPORT int32_t run(void);

/* The value itself, but the compiler no longer knows which: else it would work the kernel's result out at compile time. */
static inline uint32_t kernel_opaque(uint32_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* Test data: a linear congruential generator, upper bits first. */
static inline uint32_t kernel_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Folds a value into a result (FNV-1a by words). */
static inline uint32_t kernel_fold(uint32_t result, uint32_t value) {
    return (result ^ value) * 16777619u;
}

#endif
