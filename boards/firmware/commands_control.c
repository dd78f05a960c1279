/* commands_control.c: the link's channels control and console: tick rate, stop, reset, memory; and what is typed. */
#include "app.h"
#include "clock.h"
#include "commands.h"
#include "console.h"
#include "figures.h"
#include "link_table.h"
#include "receive.h"

static wirq_status set_tick(const struct request *request) {
    uint32_t hz = link_get_u32(request->fields + LINK_CONTROL_SET_TICK_REQUEST_HZ);
    if (hz < LINK_TICK_HZ_LEAST || hz > LINK_TICK_HZ_MOST)
        return WIRQ_BAD_REQUEST;
    clock_set_tick(hz);
    return WIRQ_OK;
}

static wirq_status stop(const struct request *request) {
    (void)request;
    return app_stop();
}

/* The link resets the board when the host has this answer. */
static wirq_status reset(const struct request *request) {
    (void)request;
    return WIRQ_OK;
}

static wirq_status memory(const struct request *request) {
    (void)request;
    struct figures figures;
    figures_get(&figures);
    link_put_u32(figures.vm.arena_size);
    link_put_u32(figures.vm.arena_used);
    link_put_u32(figures.vm.arena_peak);
    link_put_u32(figures.vm.arena_largest_free);
    link_put_u32(figures.vm.vm_bytes);
    link_put_u32(figures.vm.handler_table_bytes);
    link_put_u32(figures.vm.stack_peak_cells);
    link_put_u32(figures.c_stack_peak);
    link_put_u32(figures.static_bytes);
    link_put_u32(figures.ram_size);
    link_put_u32(figures.ram_free);
    link_put_u32(figures.vm.arena_refused);
    return WIRQ_OK;
}

static wirq_status input(const struct request *request) {
    uint32_t taken = request->length;
    if (app_takes_input())
        taken = receive_add_text(request->fields, request->length);
    else
        console_type(request->fields, request->length, false);
    link_put_u16((uint16_t)taken);
    return WIRQ_OK;
}

static wirq_status stamp(const struct request *request) {
    link_stamp_lines(request->fields[LINK_LOG_STAMP_REQUEST_ON] != 0);
    return WIRQ_OK;
}

const struct link_command control_commands[] = {
    {LINK_CHANNEL_CONTROL, LINK_CONTROL_SET_TICK, LINK_CONTROL_SET_TICK_REQUEST_FIXED_SIZE, set_tick},
    {LINK_CHANNEL_CONTROL, LINK_CONTROL_STOP, LINK_CONTROL_STOP_REQUEST_FIXED_SIZE, stop},
    {LINK_CHANNEL_CONTROL, LINK_CONTROL_RESET, LINK_CONTROL_RESET_REQUEST_FIXED_SIZE, reset},
    {LINK_CHANNEL_CONTROL, LINK_CONTROL_MEMORY, LINK_CONTROL_MEMORY_REQUEST_FIXED_SIZE, memory},
    {LINK_CHANNEL_LOG, LINK_LOG_STAMP, LINK_LOG_STAMP_REQUEST_FIXED_SIZE, stamp},
    {LINK_CHANNEL_CONSOLE, LINK_CONSOLE_INPUT, LINK_CONSOLE_INPUT_REQUEST_FIXED_SIZE, input},
};
const uint32_t control_command_count = sizeof control_commands / sizeof *control_commands;
