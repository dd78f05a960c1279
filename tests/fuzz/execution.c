/* execution.c: modules are loaded and run: nothing reaches beyond what is the guest's, a stop is obeyed, everything is given back. */
#include "subject.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    subject_check();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    random_seed(bytes, size);
    struct wirq_vm *vm = subject_open(random_below(8) == 0 ? 100000 + random_below(1000000) : SIZE_MAX);
    if (vm == NULL)
        return 0;
    uint32_t before = subject_used(vm);
    struct wirq_module *module;
    wirq_status status =
        random_below(2) != 0 ? wirq_load(vm, bytes, size, &module) : subject_load_in_pieces(vm, bytes, size, &module);
    if (status != WIRQ_OK) {
        REQUIRE(subject_used(vm) == before);
        return -1; /* nothing for this corpus */
    }
    uint32_t loaded = subject_used(vm);
    bool lent = subject_lends_functions(module);
    for (int round = 0; round < 2; round++) {
        if (random_below(8) == 0)
            subject_fail_allocation(1 + random_below(12));
        struct wirq_instance *instance = subject_run_exports(vm, module);
        subject_fail_allocation(0);
        if (lent) /* "h" may know functions of it now, which so stays for as long as "h" does */
            continue;
        if (instance != NULL)
            wirq_release(vm, instance);
        REQUIRE(subject_used(vm) == loaded);
    }
    if (!lent) {
        wirq_unload(vm, module);
        REQUIRE(subject_used(vm) == before);
    }
    REQUIRE(subject_resets(vm));
    return 0;
}
