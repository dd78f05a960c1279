/* port.c: the machine that the VM's tests run on. */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t port_clock;
uint32_t port_masked, port_sleeps, port_safe_points_asked;
bool port_holds_requests;
struct wirq_vm *port_vm;
void (*port_on_sleep)(uint64_t deadline);
void (*port_on_mask)(bool masked);

uint64_t wirq_port_clock_us(void) {
    return port_clock;
}

uintptr_t wirq_port_mask(void) {
    if (port_on_mask != NULL && port_masked == 0)
        port_on_mask(true);
    return port_masked++;
}

void wirq_port_unmask(uintptr_t before) {
    port_masked = (uint32_t)before;
    if (port_on_mask != NULL && port_masked == 0)
        port_on_mask(false);
}

void wirq_port_request_safe_point(struct wirq_vm *vm) {
    port_safe_points_asked++;
    port_vm = vm;
    if (!port_holds_requests)
        wirq_poison(vm);
}

void port_soft_interrupt(void) {
    if (port_vm != NULL)
        wirq_poison(port_vm);
    port_vm = NULL;
}

void wirq_port_sleep(uint64_t deadline_us) {
    port_sleeps++;
    CHECK(port_masked == 1);
    if (port_on_sleep != NULL)
        port_on_sleep(deadline_us);
    else
        CHECK(deadline_us != UINT64_MAX); /* for ever */
    if (deadline_us != UINT64_MAX && deadline_us > port_clock)
        port_clock = deadline_us;
}

void check(bool condition, const char *text, const char *file, int line) {
    if (condition)
        return;
    printf("%s:%d: does not hold: %s\n", file, line, text);
    fflush(stdout);
    exit(1);
}

uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    long length = ftell(file);
    CHECK(length >= 0);
    rewind(file);
    uint8_t *bytes = malloc(length == 0 ? 1 : (size_t)length);
    CHECK(bytes != NULL && fread(bytes, 1, (size_t)length, file) == (size_t)length);
    fclose(file);
    *size = (size_t)length;
    return bytes;
}
