/* timers.c: timers and scheduled raises over the board's one alarm; the sleep of the VM, which ends at a time too. */
#include "timers.h"

#include "board.h"
#include "clock.h"
#include "firmware.h"
#include "sizes.h"
#include "wirq_port.h"

enum state { FREE, HELD, COUNTED, ENDLESS };

struct timer {
    uint64_t due; /* HELD: how long after the release */
    uint32_t period;
    uint32_t left; /* raises still to come; not ENDLESS */
    uint8_t state, source;
    bool is_guests;
};

static struct timer timers[BOARD_TIMERS];
static uint64_t sleep_until = CLOCK_NEVER;
static uint64_t next_alarm_at_least; /* ticks */

/* Sets the alarm to what is due first. Masked or in the alarm. */
static void arm(void) {
    uint64_t first = sleep_until;
    for (uint32_t i = 0; i < BOARD_TIMERS; i++) {
        if (timers[i].state >= COUNTED && timers[i].due < first)
            first = timers[i].due;
    }
    uint64_t ticks = first == CLOCK_NEVER ? UINT64_MAX : clock_ticks_at(first);
    board_alarm(ticks < next_alarm_at_least ? next_alarm_at_least : ticks);
}

/* Raises what a timer owes at a time. */
static void run(struct timer *timer, uint64_t now) {
    for (uint32_t i = 0; i < BOARD_ALARM_BATCH && timer->due <= now; i++) {
        wirq_raise(firmware_vm, timer->source, 0);
        timer->due += timer->period;
        if (timer->state == COUNTED && --timer->left == 0) {
            timer->state = FREE;
            return;
        }
    }
}

void firmware_alarm(void) {
    uint64_t begun = board_ticks(), now = clock_us();
    for (uint32_t i = 0; i < BOARD_TIMERS; i++) {
        if (timers[i].state >= COUNTED)
            run(&timers[i], now);
    }
    /* From the end of this, and as long again as it took, however many timers there are and however slow a raise is here, or it
     * could take all the time there is. In ticks, for the host may have told any rate of them. */
    uint64_t took = board_ticks() - begun;
    next_alarm_at_least = clock_ticks_at(clock_us() + BOARD_ALARM_GAP_US) + took;
    arm();
}

void wirq_port_sleep(uint64_t deadline_us) {
    if (deadline_us <= clock_us())
        return;
    sleep_until = deadline_us;
    arm();
    board_sleep();
    sleep_until = CLOCK_NEVER;
}

static struct timer *guests_timer(uint32_t source) {
    for (uint32_t i = 0; i < BOARD_TIMERS; i++) {
        if (timers[i].state != FREE && timers[i].is_guests && timers[i].source == source)
            return &timers[i];
    }
    return NULL;
}

static struct timer *free_timer(void) {
    for (uint32_t i = 0; i < BOARD_TIMERS; i++) {
        if (timers[i].state == FREE)
            return &timers[i];
    }
    return NULL;
}

wirq_status timers_start(uint32_t source, uint32_t period_us) {
    if (source >= BOARD_SOURCE_COUNT)
        return WIRQ_UNKNOWN_SOURCE;
    if (period_us == 0)
        return WIRQ_NOT_SUPPORTED;
    uintptr_t before = board_mask();
    struct timer *timer = guests_timer(source);
    if (timer == NULL)
        timer = free_timer();
    if (timer != NULL) {
        *timer = (struct timer){
            .due = clock_us() + period_us, .period = period_us, .state = ENDLESS, .source = (uint8_t)source, .is_guests = true};
        arm();
    }
    board_unmask(before);
    return timer != NULL ? WIRQ_OK : WIRQ_NO_MEMORY;
}

wirq_status timers_stop(uint32_t source) {
    if (source >= BOARD_SOURCE_COUNT)
        return WIRQ_UNKNOWN_SOURCE;
    uintptr_t before = board_mask();
    struct timer *timer = guests_timer(source);
    if (timer != NULL)
        timer->state = FREE;
    board_unmask(before);
    return WIRQ_OK;
}

wirq_status timers_schedule(uint32_t source, uint32_t count, uint32_t after_us, uint32_t every_us, bool held) {
    if (source >= BOARD_SOURCE_COUNT)
        return WIRQ_UNKNOWN_SOURCE;
    if (count == 0)
        return WIRQ_OK;
    uintptr_t before = board_mask();
    struct timer *timer = free_timer();
    if (timer != NULL) {
        *timer = (struct timer){.due = (held ? 0 : clock_us()) + after_us,
                                .period = every_us,
                                .left = count,
                                .state = held ? HELD : COUNTED,
                                .source = (uint8_t)source};
        if (!held)
            run(timer, timer->due - after_us);
        arm();
    }
    board_unmask(before);
    return timer != NULL ? WIRQ_OK : WIRQ_NO_MEMORY;
}

void timers_release(void) {
    uintptr_t before = board_mask();
    uint64_t now = clock_us();
    for (uint32_t i = 0; i < BOARD_TIMERS; i++) {
        if (timers[i].state == HELD) {
            timers[i].due += now;
            timers[i].state = COUNTED;
            run(&timers[i], now);
        }
    }
    arm();
    board_unmask(before);
}

void timers_clear(void) {
    uintptr_t before = board_mask();
    for (uint32_t i = 0; i < BOARD_TIMERS; i++)
        timers[i].state = FREE;
    board_unmask(before);
}
