/* arena_access.c: what the arena says may be touched, handed on to the address sanitizer. Without one it goes nowhere. */
#include "arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CHECKED 1
#endif

#ifdef CHECKED
void __asan_poison_memory_region(const volatile void *start, size_t size);
void __asan_unpoison_memory_region(const volatile void *start, size_t size);
#endif

void arena_note_access(const void *from, const void *to, bool allowed) {
#ifdef CHECKED
    size_t size = (size_t)((const char *)to - (const char *)from);
    if (allowed)
        __asan_unpoison_memory_region(from, size);
    else
        __asan_poison_memory_region(from, size);
#else
    (void)from;
    (void)to;
    (void)allowed;
#endif
}
