/* red_zone_guest.c: a leaf function whose buffer LLVM puts below the stack pointer without moving it, and a handler with a frame.
 * Compiled to WebAssembly by test_red_zone.py. */
int result_of_handler;
int input[64];

__attribute__((export_name("leaf"), noinline)) int leaf(int n) {
    volatile int buffer[16];
    int sum = 0;
    for (int i = 0; i < n; i++)
        input[i] = i * i + 1;
#pragma clang loop unroll(disable)
    for (int i = 0; i < n; i++) {
        buffer[i & 15] = input[i];
        sum += buffer[(i * 7) & 15];
    }
    return sum;
}

__attribute__((export_name("irq:uart"))) void handler(int source, int count, int context) {
    volatile int frame[12];
    int sum = source + count + context;
    for (int i = 0; i < 12; i++)
        frame[i] = -1000 - i;
    for (int i = 0; i < 12; i++)
        sum += frame[i];
    result_of_handler = sum;
}
