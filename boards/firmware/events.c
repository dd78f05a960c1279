/* events.c: what the board tells the host unasked: the app has ended, a source's counters have moved. */
#include "app.h"
#include "board.h"
#include "clock.h"
#include "commands.h"
#include "firmware.h"
#include "link_table.h"

/* Movements of the counters are told at most so often, the newest state only, and once more when the app ends. */
#define IRQ_INTERVAL_US 100000

static struct {
    uint32_t raised, delivered;
} told[BOARD_SOURCE_COUNT];
static uint64_t told_us;

static bool has_moved(uint32_t source, struct wirq_source_info *info) {
    return wirq_source(firmware_vm, source, info) == WIRQ_OK &&
           (info->raised != told[source].raised || info->delivered != told[source].delivered);
}

/* The first source whose counters have moved and are due to be told; BOARD_SOURCE_COUNT if there is none. */
static uint32_t due_source(struct wirq_source_info *info) {
    bool is_due = app_exit_pending() || (app_takes_input() && clock_us() - told_us >= IRQ_INTERVAL_US);
    uint32_t source = 0;
    while (is_due && source < BOARD_SOURCE_COUNT && !has_moved(source, info))
        source++;
    return is_due ? source : BOARD_SOURCE_COUNT;
}

bool events_pending(void) {
    struct wirq_source_info info;
    return app_exit_pending() || due_source(&info) != BOARD_SOURCE_COUNT;
}

static void write_irq(uint32_t source, const struct wirq_source_info *info) {
    told[source].raised = info->raised;
    told[source].delivered = info->delivered;
    told_us = clock_us();
    link_put_u8(LINK_EVENT_IRQ_IRQ);
    link_put_u8((uint8_t)source);
    link_put_u32(info->raised);
    link_put_u32(info->delivered);
    link_put_u32(info->missed);
    link_put_u64(told_us);
}

static void write_exit(void) {
    struct app_exit exit;
    app_take_exit(&exit);
    link_put_u8(LINK_EVENT_APP_EXIT);
    link_put_u8(exit.status);
    link_put_u32(exit.result);
    link_put_u32(exit.function);
    link_put_u32(exit.offset);
    link_put_u32(exit.depth);
    link_put_u32(exit.source);
}

bool events_write(uint8_t *channel) {
    struct wirq_source_info info;
    uint32_t source = due_source(&info);
    if (source != BOARD_SOURCE_COUNT) {
        write_irq(source, &info);
        *channel = LINK_CHANNEL_IRQ;
        return true;
    }
    if (app_exit_pending()) {
        write_exit();
        *channel = LINK_CHANNEL_APP;
        return true;
    }
    return false;
}
