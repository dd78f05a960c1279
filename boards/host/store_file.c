/* store_file.c: the host board's flash: a file, mapped into memory. One process at a time has it; another one finds none. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "host.h"

static uint8_t *flash;

/* Where it is mapped if nothing else is there: as on a chip, what is kept in it may hold addresses of its own (kept_code.h). The
 * address sanitizer has other plans for much of what lies below. */
#if UINTPTR_MAX > UINT32_MAX
#define PLACE ((void *)0x200000000000)
#else
#define PLACE NULL
#endif

/* One word written or one sector erased more. True: the power fails in that moment. */
static bool power_fails(void) {
    return options.power_fails_at != 0 && --options.power_fails_at == 0;
}

bool board_button_pressed(void) {
    return options.button_held;
}

/* A reset is an exec, which closes the file and opens it anew. */
const uint8_t *board_flash(void) {
    struct stat status;
    if (options.store == NULL)
        return NULL;
    int file = open(options.store, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 || fstat(file, &status) != 0)
        host_fail(options.store);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "wirq-host: %s is in use by another board: the store is in RAM\n", options.store);
        (void)close(file);
        return NULL;
    }
    if (status.st_size < BOARD_STORE_SIZE && ftruncate(file, BOARD_STORE_SIZE) != 0)
        host_fail(options.store);
    flash = mmap(PLACE, BOARD_STORE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (flash == MAP_FAILED)
        host_fail(options.store);
    return flash;
}

bool board_flash_program(uint32_t offset, const uint32_t *words, uint32_t count) {
    uint32_t *at = (uint32_t *)(void *)(flash + offset);
    for (; count-- > 0; at++, words++) {
        if (power_fails()) {
            *at &= *words | UINT32_C(0x5A5AA5A5); /* some bits are written */
            _exit(POWER_FAILED);
        }
        *at &= *words;
    }
    return true;
}

bool board_flash_erase(uint32_t offset) {
    bool fails = power_fails();
    memset(flash + offset, 0xFF, fails ? BOARD_STORE_SECTOR / 2 : BOARD_STORE_SECTOR);
    if (fails)
        _exit(POWER_FAILED);
    return true;
}
