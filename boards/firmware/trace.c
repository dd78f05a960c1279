/* trace.c: what the VM tells of interrupts and calls as they happen, kept in a ring until the host reads it. Only in builds with
 * WIRQ_TRACE, as `wirq trace` makes them. */
#include "clock.h"
#include "commands.h"
#include "link_table.h"
#include "sizes.h"
#include "wirq_port.h"

#if WIRQ_TRACE
#include "board.h"

static struct {
    uint32_t time_us, subject;
    uint16_t detail;
    uint8_t event;
} records[BOARD_TRACE_RECORDS];
_Static_assert(sizeof *records == BOARD_TRACE_RECORD_SIZE, "the arena makes room for them");
static uint32_t written, taken, lost; /* modulo 2^32 */

void wirq_port_trace(enum wirq_trace_event event, uint32_t subject, uint32_t detail) {
    uintptr_t before = board_mask(); /* raises come from ISRs, everything else from the thread */
    if (written - taken == BOARD_TRACE_RECORDS) {
        lost++;
    } else {
        uint32_t at = written++ % BOARD_TRACE_RECORDS;
        records[at].time_us = (uint32_t)clock_us();
        records[at].event = (uint8_t)event;
        records[at].subject = subject;
        records[at].detail = (uint16_t)(detail > UINT16_MAX ? UINT16_MAX : detail);
    }
    board_unmask(before);
}

static wirq_status read(const struct request *request) {
    (void)request;
    link_put_u32(lost);
    link_put_u8(WIRQ_TRACE);
    while (link_room() >= LINK_TRACE_RECORD_FIXED_SIZE && taken != written) {
        uint32_t at = taken % BOARD_TRACE_RECORDS;
        link_put_u32(records[at].time_us);
        link_put_u8(records[at].event);
        link_put_u32(records[at].subject);
        link_put_u16(records[at].detail);
        taken++;
    }
    return WIRQ_OK;
}

const struct link_command trace_commands[] = {
    {LINK_CHANNEL_TRACE, LINK_TRACE_READ, LINK_TRACE_READ_REQUEST_FIXED_SIZE, read},
};
const uint32_t trace_command_count = sizeof trace_commands / sizeof *trace_commands;
#endif
