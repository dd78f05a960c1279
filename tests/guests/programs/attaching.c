/* attaching.c: handlers given as C functions, with their context; what cannot be attached is answered with an error. */
#include "wirq_guest.h"

static volatile int32_t last_source, last_count, last_context;
static volatile uint32_t other;

WIRQ_HANDLER_FUNCTION(remember) {
    last_source = source;
    last_count = count;
    last_context = context;
}

WIRQ_HANDLER_FUNCTION(replace) {
    other += (uint32_t)count;
}

#define EXPECT(condition)                          \
    do {                                           \
        if (!(condition)) {                        \
            wirq_print("wrong: " #condition "\n"); \
            return 1;                              \
        }                                          \
    } while (0)

int main(void) {
    EXPECT(wirq_attach(WIRQ_SOURCE_SOFT0, remember, 77, 0) == WIRQ_OK);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_deliver();
    EXPECT(last_source == WIRQ_SOURCE_SOFT0 && last_count == 1 && last_context == 77);

    EXPECT(wirq_attach(WIRQ_SOURCE_SOFT0, replace, 0, 0) == WIRQ_OK);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_deliver();
    EXPECT(other == 1);

    EXPECT(wirq_detach(WIRQ_SOURCE_SOFT0) == WIRQ_OK);
    wirq_pend(WIRQ_SOURCE_SOFT0);
    wirq_deliver();
    EXPECT(other == 1);
    EXPECT(wirq_attach(WIRQ_SOURCE_SOFT0, replace, 0, 0) == WIRQ_OK); /* the raise has stayed pending */
    wirq_deliver();
    EXPECT(other == 2);

    EXPECT(wirq_attach(99, replace, 0, 0) == WIRQ_UNKNOWN_SOURCE);
    EXPECT(wirq_attach(WIRQ_SOURCE_BUTTON, replace, 0, 5) == WIRQ_BAD_PRIORITY);
    EXPECT(wirq_attach(WIRQ_SOURCE_BUTTON, NULL, 0, 0) == WIRQ_NULL_HANDLER);
    wirq_print("ok\n");
    return 0;
}
