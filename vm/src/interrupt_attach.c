/* interrupt_attach.c: which handler a source has, and how it is declared (interrupts.md section 5). */
#include "bytes.h"
#include "vm.h"
#include "wirq_port.h"

/* ---- attaching ---- */

/* R26: [i32 source, i32 count, i32 context] -> [], checked here and never at delivery. */
static bool is_handler_type(const struct wirq_functype *type) {
    return link_type_is(type, "iii:");
}

static void set_class(struct wirq_vm *vm, struct source *s, uint8_t class_) {
    s->class_ = class_;
    if (class_ == WIRQ_CLASS_QUIESCENT)
        vm->has_quiescent = true;
}

/* R25, R52: such code cannot be interrupted in its middle. */
static bool is_asyncified(const struct wirq_instance *instance) {
    static const char name[] = "asyncify_get_state";
    return module_find_export(instance->module, (const uint8_t *)name, sizeof name - 1) != NULL;
}

/* Of the source with a handler of that instance. */
static uint32_t class_of(const struct source *s, const struct handler_settings *settings, bool asyncified) {
    uint32_t class_ = settings->values[SETTING_CLASS];
    if (s->bound)
        return s->class_;
    if (class_ != 0)
        return class_ - 1;
    return asyncified ? WIRQ_CLASS_QUIESCENT : WIRQ_CLASS_FORCED;
}

void interrupt_refresh(struct wirq_vm *vm, struct source *s) {
    uint32_t special = s->class_ ^ WIRQ_CLASS_FORCED;
    for (uint32_t i = SETTING_FUEL; i < SETTING_RING; i++)
        special |= s->settings.values[i];
    s->special = special;
    s->urgency = NEVER_URGENT;
    if (!s->attached || !s->enabled || s->class_ == WIRQ_CLASS_POLLED)
        return;
    s->urgency = s->priority;
    if (s->raised != s->taken) {
        vm->pending[s->number] = true;
        s->wake = true; /* a wait that sleeps through the handler would not see what it did */
        wirq_port_request_safe_point(vm);
    }
}

wirq_status interrupt_attach(struct wirq_instance *from, uint32_t source, struct wirq_instance *instance, uint32_t function,
                             uint32_t context, uint32_t priority) {
    struct wirq_vm *vm = from->vm;
    struct function_import handler;
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    link_resolve(instance, function, &handler);
    if (handler.host != NULL || !is_handler_type(module_function_type(handler.instance->module, handler.function)))
        return WIRQ_HANDLER_TYPE;
    if (vm->stacks[0].base == NULL)
        return WIRQ_NOT_SUPPORTED;
    struct source *s = &vm->sources[source];
    if (s->attached && s->owner != from)
        return WIRQ_BUSY;
    const struct handler_settings *settings = interrupt_find_settings(from->module, source);
    if (settings == NULL)
        settings = &s->settings;
    if (priority == UINT32_MAX) /* nobody has said one */
        priority = settings->values[SETTING_PRIORITY] != 0 ? settings->values[SETTING_PRIORITY] - 1 : 0;
    if (priority >= WIRQ_LEVELS)
        return WIRQ_BAD_PRIORITY;
    wirq_status status = interrupt_check_stack(vm, handler.instance, handler.function, settings);
    if (status != WIRQ_OK)
        return status;
    const bool asyncified = is_asyncified(handler.instance);
    const uint32_t class_ = class_of(s, settings, asyncified);
    if (asyncified && class_ == WIRQ_CLASS_FORCED)
        return WIRQ_ASYNCIFIED;
    s->owner = from;
    s->instance = handler.instance;
    s->function = handler.function;
    s->entry = handler.instance->module->code[handler.function - handler.instance->module->imported_functions];
    /* It fits: neither wirq_open nor the check above allows a smaller one. */
    s->record = (struct record *)(void *)(vm->stacks[priority].base + interrupt_stack_cells(vm, settings)) - 1;
    s->context = context;
    s->priority = (uint8_t)priority;
    s->settings = *settings;
    s->attached = true;
    set_class(vm, s, (uint8_t)class_);
    status = interrupt_check_latency(vm);
    if (status != WIRQ_OK) {
        interrupt_detach(vm, s);
        return status;
    }
    interrupt_refresh(vm, s);
    return WIRQ_OK;
}

wirq_status wirq_attach(struct wirq_instance *instance, uint32_t source, uint32_t function, uint32_t context, uint32_t priority) {
    if (function >= instance->module->function_count)
        return WIRQ_UNKNOWN_FUNCTION;
    return interrupt_attach(instance, source, instance, function, context, priority);
}

void interrupt_detach(struct wirq_vm *vm, struct source *s) {
    s->attached = false;
    s->instance = s->owner = NULL;
    memset(&s->settings, 0, sizeof s->settings);
    if (!s->bound)
        s->class_ = WIRQ_CLASS_POLLED;
    interrupt_refresh(vm, s);
}

wirq_status wirq_detach(struct wirq_vm *vm, uint32_t source) {
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    interrupt_detach(vm, &vm->sources[source]);
    return WIRQ_OK;
}

void interrupt_detach_instance(struct wirq_instance *instance) {
    struct wirq_vm *vm = instance->vm;
    for (uint32_t i = 0; i < vm->source_count; i++) {
        struct source *s = &vm->sources[i];
        if (s->instance == instance || s->owner == instance)
            interrupt_detach(vm, s);
    }
    if (vm->block.instance == instance)
        interrupt_close_block(vm);
}

wirq_status wirq_enable(struct wirq_vm *vm, uint32_t source, bool on) {
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    vm->sources[source].enabled = on;
    TRACE(on ? WIRQ_TRACE_UNMASK : WIRQ_TRACE_MASK, source);
    interrupt_refresh(vm, &vm->sources[source]);
    return WIRQ_OK;
}

wirq_status wirq_bind(struct wirq_vm *vm, uint32_t source, enum wirq_class class_) {
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    struct source *s = &vm->sources[source];
    if (class_ == WIRQ_CLASS_FORCED && s->attached && is_asyncified(s->instance))
        return WIRQ_ASYNCIFIED;
    s->bound = true;
    set_class(vm, s, (uint8_t)class_);
    interrupt_refresh(vm, s);
    return WIRQ_OK;
}

wirq_status wirq_budget(struct wirq_vm *vm, uint32_t source, uint32_t fuel, uint32_t deadline_us, uint32_t interval_us) {
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    uint32_t *settings = vm->sources[source].settings.values;
    settings[SETTING_FUEL] = fuel;
    settings[SETTING_DEADLINE_US] = deadline_us;
    settings[SETTING_INTERVAL_US] = interval_us;
    interrupt_refresh(vm, &vm->sources[source]);
    return WIRQ_OK;
}

wirq_status wirq_set_policy(struct wirq_vm *vm, uint32_t source, enum wirq_policy policy) {
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    vm->sources[source].settings.values[SETTING_POLICY] = policy;
    return WIRQ_OK;
}

wirq_status wirq_source(const struct wirq_vm *vm, uint32_t source, struct wirq_source_info *info) {
    if (source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    const struct source *s = &vm->sources[source];
    bool is_active = false;
    for (uint32_t level = vm->level; level != LEVEL_THREAD; level = vm->deliveries[level].outer)
        is_active |= vm->deliveries[level].source == source;
    *info = (struct wirq_source_info){
        .name = vm->source_names[source],
        .class_ = s->class_,
        .priority = s->priority,
        .policy = (uint8_t)s->settings.values[SETTING_POLICY],
        .attached = s->attached,
        .enabled = s->enabled,
        .pending = s->attached ? vm->pending[source] : !interrupt_acknowledged(vm, s),
        .active = is_active,
        .function = s->function,
        .instance = s->instance,
        .raised = s->raised,
        .delivered = s->delivered,
        .missed = s->missed,
        .faults = s->faults,
        .worst_latency_us = s->worst_latency_us,
    };
    return WIRQ_OK;
}

/* ---- declared by export (R24) ---- */

#define PREFIX_LENGTH UINT32_C(4)

/* A decimal number of one to three digits, or UINT32_MAX. */
static uint32_t parse_number(struct wirq_name text) {
    uint32_t number = 0;
    if (text.length - 1 >= 3)
        return UINT32_MAX;
    do {
        uint32_t digit = *text.bytes++ - (uint32_t)'0';
        if (digit > 9)
            return UINT32_MAX;
        number = number * 10 + digit;
    } while (--text.length != 0);
    return number;
}

/* By number or by name; no source's number if there is none. */
static uint32_t find_source(const struct wirq_vm *vm, const struct wirq_name *text) {
    uint32_t source = parse_number(*text);
    if (source == UINT32_MAX) {
        do
            source++;
        while (source < vm->source_count && !link_name_is(text, vm->source_names[source]));
    }
    return source;
}

/* Reads the "SOURCE[:PRIORITY]" of an export "irq:SOURCE[:PRIORITY]". */
static wirq_status parse_declaration(const struct wirq_vm *vm, struct wirq_name text, uint32_t *source, uint32_t *priority) {
    struct wirq_name name = {text.bytes, 0};
    *priority = UINT32_MAX;
    while (name.length < text.length && text.bytes[name.length] != ':')
        name.length++;
    *source = find_source(vm, &name);
    if (*source >= vm->source_count)
        return WIRQ_UNKNOWN_SOURCE;
    if (name.length < text.length) {
        *priority = parse_number((struct wirq_name){text.bytes + name.length + 1, text.length - name.length - 1});
        if (*priority >= WIRQ_LEVELS)
            return WIRQ_BAD_PRIORITY;
    }
    return WIRQ_OK;
}

bool interrupt_declares(const struct wirq_name *name) {
    return name->length >= PREFIX_LENGTH && memcmp(name->bytes, "irq:", PREFIX_LENGTH) == 0;
}

/* Checks every exported handler, and attaches it if there is an instance. */
static wirq_status declare_handlers(const struct wirq_module *module, struct wirq_instance *instance) {
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct export *export = &module->exports[i];
        uint32_t source, priority;
        if (export->kind != WIRQ_FUNCTION || !interrupt_declares(&export->name))
            continue;
        wirq_status status = parse_declaration(
            module->vm, (struct wirq_name){export->name.bytes + PREFIX_LENGTH, export->name.length - PREFIX_LENGTH}, &source,
            &priority);
        if (status == WIRQ_OK && !is_handler_type(module_function_type(module, export->index)))
            status = WIRQ_HANDLER_TYPE;
        if (status == WIRQ_OK && instance != NULL)
            status = interrupt_attach(instance, source, instance, export->index, 0, priority);
        if (status != WIRQ_OK)
            return status;
    }
    return WIRQ_OK;
}

wirq_status interrupt_check_exports(const struct wirq_module *module) {
    return declare_handlers(module, NULL);
}

wirq_status interrupt_attach_exports(struct wirq_instance *instance) {
    static const char block[] = "wirq_block";
    wirq_status status = declare_handlers(instance->module, instance);
    const uint32_t *address = instance_exported_i32(instance, block, sizeof block - 1, false);
    if (status != WIRQ_OK || address == NULL)
        return status;
    return interrupt_register_block(instance, *address, UINT32_MAX, 1);
}
