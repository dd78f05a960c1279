/* loader.c: any bytes are loaded, whole and in pieces: the same answer, in bounded memory, and everything given back. */
#include "subject.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    random_seed(bytes, size);
    struct wirq_vm *vm = subject_open(random_below(8) == 0 ? 24000 + random_below(60000) : 1u << 20);
    if (vm == NULL)
        return 0;
    uint32_t before = subject_used(vm);
    struct wirq_module *whole, *pieces;
    struct wirq_module_info in_one = {0}, in_many = {0};

    wirq_status status = wirq_load(vm, bytes, size, &whole);
    struct wirq_load_error error = *wirq_last_error(vm);
    if (status == WIRQ_OK) {
        wirq_module_info(whole, &in_one);
        wirq_unload(vm, whole);
    } else {
        REQUIRE(error.status == status && error.offset <= size);
    }
    REQUIRE(subject_used(vm) == before);

    wirq_status again = subject_load_in_pieces(vm, bytes, size, &pieces);
    if (status != WIRQ_NO_MEMORY && again != WIRQ_NO_MEMORY) {
        REQUIRE(again == status);
        if (status != WIRQ_OK && status != WIRQ_BAD_UTF8 && status != WIRQ_TRUNCATED)
            REQUIRE(wirq_last_error(vm)->offset == error.offset && wirq_last_error(vm)->function == error.function);
    }
    if (again == WIRQ_OK) {
        wirq_module_info(pieces, &in_many);
        REQUIRE(status != WIRQ_OK || in_one.lowered_code_bytes == in_many.lowered_code_bytes);
        wirq_unload(vm, pieces);
    }
    REQUIRE(subject_used(vm) == before);

    uint32_t fail = 1 + random_below(40); /* and with a failing allocation */
    subject_fail_allocation(fail);
    status = random_below(2) != 0 ? wirq_load(vm, bytes, size, &whole) : subject_load_in_pieces(vm, bytes, size, &whole);
    subject_fail_allocation(0);
    if (status == WIRQ_OK)
        wirq_unload(vm, whole);
    REQUIRE(subject_used(vm) == before);
    return 0;
}
