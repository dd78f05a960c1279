/* matmul: product of two 20 x 20 matrices of 32-bit integers, then of 32 x 32 matrices of int8 summed in 32 bits, as small neural
 * networks do. Multiply-accumulate with two-dimensional addressing. */
#include "kernel.h"

enum { N = 20, M = 32 };

static int32_t a[N][N], b[N][N], c[N][N];
static int8_t p[M][M], q[M][M];

KERNEL_CALL static void product(uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            uint32_t sum = 0;
            for (uint32_t k = 0; k < n; k++) {
                sum += (uint32_t)a[i][k] * (uint32_t)b[k][j];
            }
            c[i][j] = (int32_t)sum;
        }
    }
}

KERNEL_CALL static uint32_t product_int8(uint32_t n) {
    uint32_t result = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            int32_t sum = 0;
            for (uint32_t k = 0; k < n; k++) {
                sum += (int32_t)p[i][k] * q[j][k];
            }
            result = kernel_fold(result, (uint32_t)(sum >> 6));
        }
    }
    return result;
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(2);
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t j = 0; j < N; j++) {
            a[i][j] = (int32_t)kernel_random(&state);
            b[i][j] = (int32_t)kernel_random(&state);
        }
    }
    for (uint32_t i = 0; i < M; i++) {
        for (uint32_t j = 0; j < M; j++) {
            p[i][j] = (int8_t)kernel_random(&state);
            q[i][j] = (int8_t)kernel_random(&state);
        }
    }
    product(kernel_opaque(N));
    uint32_t result = product_int8(kernel_opaque(M));
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t j = 0; j < N; j++) {
            result = kernel_fold(result, (uint32_t)c[i][j]);
        }
    }
    return (int32_t)result;
}
