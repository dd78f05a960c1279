/* commands_irq.c: the link's channel irq. */
#include <string.h>

#include "app.h"
#include "board.h"
#include "commands.h"
#include "firmware.h"
#include "link_table.h"
#include "timers.h"

static wirq_status show(const struct request *request) {
    uint8_t source = request->fields[LINK_IRQ_SHOW_REQUEST_SOURCE];
    struct wirq_source_info info;
    wirq_status status = wirq_source(firmware_vm, source, &info);
    if (status != WIRQ_OK)
        return status;
    link_put_u8(info.class_);
    link_put_u8((uint8_t)((info.attached ? LINK_IRQ_FLAG_ATTACHED : 0) | (info.enabled ? LINK_IRQ_FLAG_ENABLED : 0) |
                          (info.pending ? LINK_IRQ_FLAG_PENDING : 0) | (info.active ? LINK_IRQ_FLAG_ACTIVE : 0)));
    link_put_u8(info.priority);
    link_put_u8(info.policy);
    link_put_u16(firmware_source_vectors[source]);
    link_put_u32(info.attached ? info.function : UINT32_MAX);
    link_put_u32(info.raised);
    link_put_u32(info.delivered);
    link_put_u32(info.missed);
    link_put_u32(info.faults);
    link_put_u32(info.worst_latency_us);
    link_put_bytes(info.name, (uint32_t)strlen(info.name));
    return WIRQ_OK;
}

static wirq_status handler(const struct request *request) {
    struct wirq_source_info info;
    wirq_status status = wirq_source(firmware_vm, request->fields[LINK_IRQ_HANDLER_REQUEST_SOURCE], &info);
    if (status != WIRQ_OK)
        return status;
    link_put_u8(info.attached ? app_handle(info.instance) : LINK_NONE_INSTANCE);
    link_put_u32(info.attached ? info.function : UINT32_MAX);
    return WIRQ_OK;
}

static wirq_status raise_(const struct request *request) {
    const uint8_t *fields = request->fields;
    uint32_t count = link_get_u32(fields + LINK_IRQ_RAISE_REQUEST_COUNT);
    uint32_t after_us = link_get_u32(fields + LINK_IRQ_RAISE_REQUEST_AFTER_US);
    uint32_t every_us = link_get_u32(fields + LINK_IRQ_RAISE_REQUEST_EVERY_US);
    bool is_timed = after_us != 0 || every_us != 0; /* what comes at once stays pending until something runs anyway */
    return timers_schedule(fields[LINK_IRQ_RAISE_REQUEST_SOURCE], count, after_us, every_us, is_timed && app_has_not_started());
}

static wirq_status enable(const struct request *request) {
    return wirq_enable(firmware_vm, request->fields[LINK_IRQ_ENABLE_REQUEST_SOURCE],
                       request->fields[LINK_IRQ_ENABLE_REQUEST_ON] != 0);
}

static wirq_status inject(const struct request *request) {
    const uint8_t *fields = request->fields;
    uint8_t source = fields[LINK_IRQ_INJECT_REQUEST_SOURCE];
    if (app_is_busy())
        return WIRQ_BUSY;
    if (source >= BOARD_SOURCE_COUNT)
        return WIRQ_UNKNOWN_SOURCE;
    wirq_inject(firmware_vm, source, link_get_u32(fields + LINK_IRQ_INJECT_REQUEST_N),
                fields[LINK_IRQ_INJECT_REQUEST_EVERY_DISPATCH] != 0);
    return WIRQ_OK;
}

static wirq_status bound(const struct request *request) {
    struct wirq_bound b;
    wirq_status status = wirq_bound(firmware_vm, request->fields[LINK_IRQ_BOUND_REQUEST_SOURCE], &b);
    if (status != WIRQ_OK)
        return status;
    const uint32_t parts[] = {b.raise, b.deliver, b.wait, b.handlers, b.section, b.total, b.gap, b.us, b.demanded_us, b.unlimited};
    for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++)
        link_put_u32(parts[i]);
    return WIRQ_OK;
}

static wirq_status injected(const struct request *request) {
    (void)request;
    link_put_u32(wirq_injection_count(firmware_vm));
    return WIRQ_OK;
}

const struct link_command irq_commands[] = {
    {LINK_CHANNEL_IRQ, LINK_IRQ_SHOW, LINK_IRQ_SHOW_REQUEST_FIXED_SIZE, show},
    {LINK_CHANNEL_IRQ, LINK_IRQ_RAISE, LINK_IRQ_RAISE_REQUEST_FIXED_SIZE, raise_},
    {LINK_CHANNEL_IRQ, LINK_IRQ_ENABLE, LINK_IRQ_ENABLE_REQUEST_FIXED_SIZE, enable},
    {LINK_CHANNEL_IRQ, LINK_IRQ_INJECT, LINK_IRQ_INJECT_REQUEST_FIXED_SIZE, inject},
    {LINK_CHANNEL_IRQ, LINK_IRQ_BOUND, LINK_IRQ_BOUND_REQUEST_FIXED_SIZE, bound},
    {LINK_CHANNEL_IRQ, LINK_IRQ_INJECTED, LINK_IRQ_INJECTED_REQUEST_FIXED_SIZE, injected},
    {LINK_CHANNEL_IRQ, LINK_IRQ_HANDLER, LINK_IRQ_HANDLER_REQUEST_FIXED_SIZE, handler},
};
const uint32_t irq_command_count = sizeof irq_commands / sizeof *irq_commands;
