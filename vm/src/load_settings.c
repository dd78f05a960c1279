/* load_settings.c: the custom section wirq.cfg: what handlers may do and how they are treated (interrupts.md R25). It is pairs of a
 * key, one byte of enum setting, and a value, u32 as LEB128. The key SETTING_SOURCE begins the settings of a source. */
#include "bytes.h"
#include "load.h"

static wirq_status add(struct wirq_load *load, uint32_t key, uint32_t value) {
    static const uint8_t most[] = {
        [SETTING_SOURCE] = 31,
        [SETTING_CLASS] = 1 + WIRQ_CLASS_FORCED,
        [SETTING_PRIORITY] = WIRQ_LEVELS,
        [SETTING_POLICY] = WIRQ_POLICY_HOST,
    };
    struct wirq_module *module = load->module;
    uint32_t count = module->setting_count;
#if !WIRQ_WITH_RINGS
    if (key == SETTING_RING && value != 0)
        return load_absent(load, WIRQ_FEATURE_RINGS);
#endif
    if (key >= SETTINGS || (key < sizeof most && value > most[key]))
        return WIRQ_BAD_CONFIG;
    if (key == SETTING_SOURCE) {
        if (value >= load->vm->source_count)
            return WIRQ_UNKNOWN_SOURCE;
        if (count == WIRQ_MAX_SOURCES)
            return WIRQ_BAD_CONFIG;
        wirq_status status = load_extend(load, BLOCK_SETTINGS, sizeof *module->settings, count, count + 1);
        if (status != WIRQ_OK)
            return status;
        module->setting_count = (uint8_t)++count;
    }
    if (count == 0)
        return WIRQ_BAD_CONFIG;
    module->settings[count - 1].values[key] = value;
    return WIRQ_OK;
}

wirq_status load_setting(struct wirq_load *load, struct wirq_reader *r) {
    if (load_rest(load, r) == 0)
        return load_section_end(load, r);
    uint32_t key = load_byte(r), value = read_leb_u32(r);
    return r->status != WIRQ_OK ? r->status : add(load, key, value);
}

const struct handler_settings *interrupt_find_settings(const struct wirq_module *module, uint32_t source) {
    for (uint32_t i = module->setting_count; i-- != 0;) {
        if (module->settings[i].values[SETTING_SOURCE] == source)
            return &module->settings[i];
    }
    return NULL;
}
