/* commands_trap.c: the link's channel trap: who called what trapped, what it worked with, and what was thrown. */
#include "app.h"
#include "commands.h"
#include "firmware.h"
#include "link_table.h"

static wirq_status callers(const struct request *request) {
    uint32_t n = link_get_u32(request->fields + LINK_TRAP_CALLERS_REQUEST_FIRST);
    struct wirq_caller caller;
    for (; link_room() >= LINK_CALLER_FIXED_SIZE && wirq_caller(firmware_vm, n, &caller); n++) {
        link_put_u32(caller.function);
        link_put_u32(caller.code_offset);
        link_put_u8(app_handle(caller.instance));
        link_put_u8(caller.interrupted);
    }
    return WIRQ_OK;
}

static wirq_status exception(const struct request *request) {
    (void)request;
    struct wirq_exception thrown;
    if (!wirq_uncaught(firmware_vm, &thrown))
        return WIRQ_NOT_SUPPORTED;
    link_put_u8(app_handle(thrown.instance));
    link_put_u32(thrown.tag);
    for (uint32_t i = 0; i < thrown.type->parameter_cells && link_room() >= sizeof *thrown.values; i++)
        link_put_u32(thrown.values[i]);
    return WIRQ_OK;
}

static wirq_status where(const struct request *request) {
    (void)request;
    link_put_u8(app_handle(wirq_last_trap(firmware_vm)->instance));
    return WIRQ_OK;
}

static wirq_status operands(const struct request *request) {
    struct wirq_trap_operands of_trap;
    if (!wirq_trap_operands(firmware_vm, &of_trap))
        return WIRQ_NOT_SUPPORTED;
    link_put_u32(of_trap.accumulator);
    link_put_u32(of_trap.memory_size);
    for (uint32_t i = link_get_u16(request->fields); i < of_trap.cell_count && link_room() >= sizeof *of_trap.cells; i++)
        link_put_u32(of_trap.cells[i]);
    return WIRQ_OK;
}

const struct link_command trap_commands[] = {
    {LINK_CHANNEL_TRAP, LINK_TRAP_CALLERS, LINK_TRAP_CALLERS_REQUEST_FIXED_SIZE, callers},
    {LINK_CHANNEL_TRAP, LINK_TRAP_EXCEPTION, LINK_TRAP_EXCEPTION_REQUEST_FIXED_SIZE, exception},
    {LINK_CHANNEL_TRAP, LINK_TRAP_WHERE, LINK_TRAP_WHERE_REQUEST_FIXED_SIZE, where},
    {LINK_CHANNEL_TRAP, LINK_TRAP_OPERANDS, LINK_TRAP_OPERANDS_REQUEST_FIXED_SIZE, operands},
};
const uint32_t trap_command_count = sizeof trap_commands / sizeof *trap_commands;
