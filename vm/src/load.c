/* load.c: the driver of loading: pieces, windows, runs of bytes, the order of sections, the end of a load. */
#include "bytes.h"
#include "load.h"

/* One row a section id: its place in the order, the least bytes an item takes, which block of the module the vector goes to and the
 * size of an item there, which block the names or types go to that its items own; of types, how much longer each is there than
 * twice its length. */
struct section {
    uint8_t rank, least;
    uint8_t block, size;
    uint8_t storage, extra;
    load_begin_section *begin;
    load_step *item;
    load_end_section *end;
};

static load_begin_section begin_custom;
static load_step step_section;

#define SIZE(member) (sizeof *((struct wirq_module *)0)->member)
static const struct section sections[] = {
    [0] = {0, 0, NO_BLOCK, 0, NO_BLOCK, 0, begin_custom, NULL, NULL},
    /* In the section a type takes 3 bytes and at least one for each value; in storage a header, and two for each value. One that the
     * section's end cuts off has taken 1 byte, and has a header all the same; a section with an item has 2 bytes. */
    [1] = {1, 2, BLOCK_TYPES, SIZE(types), BLOCK_TYPE_STORAGE, sizeof(struct wirq_functype) - 4, NULL, load_type, NULL},
    [2] = {2, 4, BLOCK_IMPORTS, SIZE(imports), BLOCK_IMPORT_NAMES, 0, NULL, load_import, load_end_imports},
    [3] = {3, 1, BLOCK_CODE, SIZE(code), NO_BLOCK, 0, load_begin_kind, load_function, NULL},
    [4] = {4, 3, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_kind, load_table, NULL},
    [5] = {5, 2, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_kind, load_memory, NULL},
    [6] = {7, 4, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_kind, load_global, NULL},
    [7] = {8, 3, BLOCK_EXPORTS, SIZE(exports), BLOCK_EXPORT_NAMES, 0, NULL, load_export, NULL},
    [8] = {9, 0, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_start, NULL, NULL},
    [9] = {10, 3, BLOCK_ELEMENTS, SIZE(elements), NO_BLOCK, 0, NULL, load_element, NULL},
    [10] = {12, 3, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_code, load_body, load_end_code},
    [11] = {13, 2, BLOCK_DATA, SIZE(data), NO_BLOCK, 0, load_begin_data, load_data, NULL},
    [12] = {11, 0, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_data_count, NULL, NULL},
    [13] = {6, 2, NO_BLOCK, 0, NO_BLOCK, 0, load_begin_kind, load_tag, NULL},
};

/* ---- help for steps ---- */

uint8_t load_byte(struct wirq_reader *r) {
    return read_byte(r);
}

uint32_t load_position(const struct wirq_load *load, const struct wirq_reader *r) {
    return load->offset + (uint32_t)(r->p - load->window);
}

uint32_t load_rest(const struct wirq_load *load, const struct wirq_reader *r) {
    return load->limit - load_position(load, r);
}

wirq_status load_absent(struct wirq_load *load, enum wirq_feature feature) {
    load->detail = feature;
    return WIRQ_ABSENT_FEATURE;
}

void *load_allocate(struct wirq_load *load, uint32_t count, uint32_t size) {
    void *array = arena_allocate_array(&load->vm->arena, count, size);
    if (array == NULL)
        load->detail = count * size;
    return array;
}

wirq_status load_extend(struct wirq_load *load, enum module_block block, uint32_t size, uint32_t used, uint32_t wanted) {
    void **at = &load->module->blocks[block], *longer = arena_extend(&load->vm->arena, *at, used * size, wanted * size);
    if (longer == NULL) {
        load->detail = wanted * size;
        return WIRQ_NO_MEMORY;
    }
    *at = longer;
    return WIRQ_OK;
}

void load_trim(struct wirq_load *load, enum module_block block, uint32_t bytes) {
    if (load->module->blocks[block] != NULL)
        (void)arena_resize(&load->vm->arena, load->module->blocks[block], bytes);
}

wirq_status load_part(struct wirq_load *load, struct wirq_reader *r, uint32_t most) {
    load->part = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (load->part > load_rest(load, r))
        return WIRQ_TRUNCATED;
    return load->part > most ? WIRQ_IMPLEMENTATION_LIMIT : WIRQ_OK;
}

/* Begins a run of bytes: to a place, or to nowhere (NULL). */
static wirq_status begin_run(struct wirq_load *load, struct wirq_reader *r, uint32_t length, uint8_t *to, load_step *then) {
    if (length > load_rest(load, r))
        return WIRQ_TRUNCATED;
    load->run = length;
    load->run_to = to;
    load->run_is_name = false;
    load->step = then;
    return WIRQ_OK;
}

wirq_status load_take(struct wirq_load *load, struct wirq_reader *r, struct wirq_name *bytes, uint32_t length, uint8_t *to,
                      load_step *then) {
    bytes->length = length;
    bytes->bytes = to;
    if (load->in_place != NULL) {
        bytes->bytes = load->in_place + load_position(load, r);
        to = NULL;
    }
    return begin_run(load, r, length, to, then);
}

static void check_utf8(struct wirq_load *load) {
    load->run_is_name = true;
    load->utf8_left = 0;
}

wirq_status load_take_name(struct wirq_load *load, struct wirq_reader *r, struct wirq_name *name, load_step *then) {
    uint32_t length = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    wirq_status status = load_take(load, r, name, length, load->storage, then);
    check_utf8(load);
    if (status == WIRQ_OK && load->in_place == NULL)
        load->storage += length;
    return status;
}

wirq_status load_next_item(struct wirq_load *load) {
    load->remaining--;
    load->step = load->remaining != 0 ? sections[load->section].item : load_section_end;
    return WIRQ_OK;
}

/* ---- sections ---- */

wirq_status load_section_end(struct wirq_load *load, struct wirq_reader *r) {
    const struct section *section = &sections[load->section];
    (void)r;
    if (load->offset != load->section_end)
        return WIRQ_BAD_SECTION; /* the vector ended before the section did */
    if (section->storage != NO_BLOCK && load->storage != NULL)
        load_trim(load, section->storage, (uint32_t)(load->storage - (uint8_t *)load->module->blocks[section->storage]));
    if (section->end != NULL)
        section->end(load);
    load->limit = UINT32_MAX;
    load->step = step_section;
    return WIRQ_OK;
}

wirq_status load_skip(struct wirq_load *load, struct wirq_reader *r) {
    return begin_run(load, r, load_rest(load, r), NULL, load_section_end);
}

static wirq_status step_named(struct wirq_load *load, struct wirq_reader *r) {
    static const char settings[sizeof load->custom_name] = {'w', 'i', 'r', 'q', '.', 'c', 'f', 'g'};
    if (memcmp(load->custom_name, settings, sizeof settings) != 0)
        return load_skip(load, r);
    load->step = load_setting;
    return WIRQ_OK;
}

/* Custom sections other than wirq.cfg are skipped, but for the length and the encoding of their names. */
static wirq_status begin_custom(struct wirq_load *load, struct wirq_reader *r, uint32_t length) {
    bool may_be_known = length == sizeof load->custom_name;
    wirq_status status = begin_run(load, r, length, may_be_known ? load->custom_name : NULL, may_be_known ? step_named : load_skip);
    check_utf8(load);
    return status;
}

/* Allocates a section's vector, and the storage of what its items own: at most as long as the rest of the section. */
static wirq_status allocate(struct wirq_load *load, struct wirq_reader *r, const struct section *section, uint32_t count) {
    void **blocks = load->module->blocks;
    uint32_t rest = load_rest(load, r);
    load->storage = NULL;
    if (count > rest / section->least)
        return WIRQ_TRUNCATED; /* so that no count makes us allocate more than its section can fill */
    if (count > UINT16_MAX)
        return WIRQ_IMPLEMENTATION_LIMIT;
    if (section->block != NO_BLOCK) {
        blocks[section->block] = load_allocate(load, count, section->size);
        if (blocks[section->block] == NULL)
            return WIRQ_NO_MEMORY;
    }
    if (section->storage != NO_BLOCK && (section->extra != 0 || load->in_place == NULL)) {
        /* A sum beyond 32 bits is more than there is. */
        if (section->extra != 0)
            rest = rest > UINT32_MAX / 4 ? UINT32_MAX : 2 * rest + count * section->extra;
        blocks[section->storage] = load->storage = load_allocate(load, rest, 1);
        if (load->storage == NULL)
            return WIRQ_NO_MEMORY;
    }
    return WIRQ_OK;
}

/* The u32 that every section starts with: nearly always the length of its vector. */
static wirq_status step_begin_section(struct wirq_load *load, struct wirq_reader *r) {
    const struct section *section = &sections[load->section];
    wirq_status status = WIRQ_OK;
    uint32_t count = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    load->remaining = count;
    load->step = load_section_end;
    if (section->item != NULL && count != 0) {
        load->step = section->item;
        status = allocate(load, r, section, count);
    }
    return status == WIRQ_OK && section->begin != NULL ? section->begin(load, r, count) : status;
}

static wirq_status step_section(struct wirq_load *load, struct wirq_reader *r) {
    uint8_t id = load_byte(r);
    uint32_t size = read_leb_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (id >= sizeof sections / sizeof sections[0])
        return WIRQ_BAD_SECTION;
    if (id != 0) {
        if (sections[id].rank <= load->rank)
            return WIRQ_BAD_SECTION;
        load->rank = sections[id].rank;
    }
    if (size > load_rest(load, r))
        return WIRQ_TRUNCATED;
    load->section = id;
    load->section_end = load->limit = load_position(load, r) + size;
    load->step = step_begin_section;
    return WIRQ_OK;
}

static wirq_status step_preamble(struct wirq_load *load, struct wirq_reader *r) {
    uint32_t magic = read_fixed_u32(r);
    if (r->status == WIRQ_OK && magic != UINT32_C(0x6D736100))
        return WIRQ_BAD_MAGIC;
    uint32_t version = read_fixed_u32(r);
    if (r->status != WIRQ_OK)
        return r->status;
    if (version != 1)
        return WIRQ_BAD_VERSION;
    load->step = step_section;
    return WIRQ_OK;
}

/* ---- windows and pieces ---- */

static bool is_utf8(struct wirq_load *load, const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = bytes[i];
        if (load->utf8_left != 0) {
            if (byte < load->utf8_low || byte > load->utf8_high)
                return false;
            load->utf8_low = 0x80;
            load->utf8_high = 0xBF;
            load->utf8_left--;
        } else if (byte >= 0x80) {
            if (byte < 0xC2 || byte > 0xF4)
                return false;
            load->utf8_left = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
            /* Neither overlong forms, nor surrogates, nor beyond U+10FFFF. */
            load->utf8_low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
            load->utf8_high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
        }
    }
    return true;
}

/* Takes what the window has of the run of bytes in progress. */
static wirq_status take_run(struct wirq_load *load, const uint8_t *bytes, uint32_t count) {
    if (load->run_is_name && (!is_utf8(load, bytes, count) || (count == load->run && load->utf8_left != 0)))
        return WIRQ_BAD_UTF8;
    if (load->run_to != NULL) {
        memcpy(load->run_to, bytes, count);
        load->run_to += count;
    }
    load->run -= count;
    load->offset += count;
    return WIRQ_OK;
}

/* Runs steps until the window has no whole item left; *taken bytes of it have been consumed, also on an error. */
static wirq_status run_steps(struct wirq_load *load, const uint8_t *bytes, uint32_t size, uint32_t *taken) {
    const uint8_t *p = bytes, *end = bytes + size;
    wirq_status status = WIRQ_OK;
    for (;;) {
        uint32_t left = (uint32_t)(end - p);
        if (load->run != 0) {
            uint32_t count = left < load->run ? left : load->run;
            if (count == 0)
                break;
            status = take_run(load, p, count);
            if (status != WIRQ_OK)
                return status;
            p += count;
            continue;
        }
        uint32_t room = load->limit - load->offset;
        struct wirq_reader r = {p, end, false, WIRQ_OK};
        if (room <= left) {
            r.end = p + room;
            r.last = true;
        }
        load->window = p;
        status = load->step(load, &r);
        if (status == WIRQ_NEED_MORE)
            break;
        load->offset += (uint32_t)(r.p - p);
        p = r.p;
        if (status != WIRQ_OK)
            return status;
    }
    *taken = (uint32_t)(p - bytes);
    return WIRQ_OK;
}

static wirq_status feed(struct wirq_load *load, const uint8_t *bytes, uint32_t size) {
    while (size != 0) {
        uint32_t taken, carried = load->carried;
        wirq_status status;
        if (carried == 0) {
            status = run_steps(load, bytes, size, &taken);
            if (status != WIRQ_OK)
                return status;
            bytes += taken;
            size -= taken;
            if (size > READER_MAX_ITEM)
                return WIRQ_IMPLEMENTATION_LIMIT; /* cannot be: no item is as long */
            memcpy(load->carry, bytes, size);
            load->carried = (uint8_t)size;
            return WIRQ_OK;
        }
        /* What was carried over is the beginning of an item, so if anything is taken, all of it is. */
        uint32_t more = READER_MAX_ITEM - carried < size ? READER_MAX_ITEM - carried : size;
        memcpy(load->carry + carried, bytes, more);
        status = run_steps(load, load->carry, carried + more, &taken);
        if (status != WIRQ_OK)
            return status;
        if (taken == 0) {
            if (more == 0)
                return WIRQ_IMPLEMENTATION_LIMIT;
            load->carried = (uint8_t)(carried + more);
            bytes += more;
            size -= more;
        } else {
            load->carried = 0;
            bytes += taken - carried;
            size -= taken - carried;
        }
    }
    return WIRQ_OK;
}

/* ---- begin and end ---- */

static void end_load(struct wirq_load *load) {
    struct wirq_vm *vm = load->vm;
    if (vm->arena.open != NULL) {
        uint8_t *code = vm->arena.open;
        arena_close(&vm->arena, 0, vm->arena.temporary);
        arena_free(&vm->arena, code);
        load->module->code_start = NULL;
    }
    vm->load = NULL;
    arena_give_temporary(&vm->arena);
}

/* Gives everything back, and says why. */
static wirq_status fail(struct wirq_load *load, wirq_status status) {
    struct wirq_vm *vm = load->vm;
    vm->error.status = status;
    vm->error.offset = load->offset;
    vm->error.function = load->function_in_code;
    vm->error.detail = load->detail;
    struct wirq_module *module = load->module;
    end_load(load);
    module_free(vm, module);
    return status;
}

static wirq_status no_memory(struct wirq_vm *vm, uint32_t bytes) {
    arena_give_temporary(&vm->arena);
    vm->error.status = WIRQ_NO_MEMORY;
    vm->error.detail = bytes;
    return WIRQ_NO_MEMORY;
}

wirq_status wirq_load_begin(struct wirq_vm *vm, const uint8_t *in_place) {
    if (vm->load != NULL)
        return WIRQ_BUSY;
    vm->error = (struct wirq_load_error){.status = WIRQ_OK, .function = UINT32_MAX};
    uint32_t before = vm->arena.used;
    struct wirq_load *load = arena_take_temporary(&vm->arena, sizeof *load);
    if (load == NULL)
        return no_memory(vm, sizeof *load);
    load->module = arena_allocate(&vm->arena, sizeof *load->module);
    if (load->module == NULL)
        return no_memory(vm, sizeof *load->module);
    load->vm = vm;
    load->in_place = in_place;
    load->step = step_preamble;
    load->limit = UINT32_MAX;
    load->arena_before = before;
    load->function_in_code = UINT32_MAX;
    load->module->vm = vm;
    load->module->in_place = in_place != NULL;
    load->module->start_function = -1;
    load->step_end = &load->module->steps;
    vm->load = load;
    return WIRQ_OK;
}

wirq_status wirq_load_feed(struct wirq_vm *vm, const uint8_t *bytes, size_t size) {
    struct wirq_load *load = vm->load;
    if (load == NULL) /* the load ended with this error */
        return vm->error.status != WIRQ_OK ? vm->error.status : WIRQ_BAD_REQUEST;
    if (size > UINT32_MAX)
        return fail(load, WIRQ_MODULE_TOO_LARGE);
    wirq_status status = feed(load, bytes, (uint32_t)size);
    return status == WIRQ_OK ? WIRQ_OK : fail(load, status);
}

/* What can be checked only when all sections are there. */
static wirq_status finish(struct wirq_load *load) {
    struct wirq_module *module = load->module;
    if (load->step != step_section || load->carried != 0 || load->run != 0) {
        load->offset += load->carried;
        return WIRQ_TRUNCATED;
    }
    bool has_code = module->code_start != NULL;
    if (module->function_count != module->imported_functions && !has_code)
        return WIRQ_BAD_COUNT;
    if (load->lower.has_data_count && load->lower.data_count != module->data_count)
        return WIRQ_BAD_COUNT;
    return interrupt_check_exports(module);
}

wirq_status wirq_load_end(struct wirq_vm *vm, struct wirq_module **module) {
    struct wirq_load *load = vm->load;
    *module = NULL;
    if (load == NULL)
        return vm->error.status != WIRQ_OK ? vm->error.status : WIRQ_BAD_REQUEST;
    wirq_status status = finish(load);
    if (status != WIRQ_OK)
        return fail(load, status);
    *module = load->module;
    load->module->bytes = vm->arena.used - load->arena_before;
    load->module->next = vm->module_list;
    vm->module_list = load->module;
    end_load(load);
    return WIRQ_OK;
}

void wirq_load_abort(struct wirq_vm *vm) {
    if (vm->load != NULL)
        (void)fail(vm->load, WIRQ_TRUNCATED);
}

wirq_status wirq_load(struct wirq_vm *vm, const uint8_t *bytes, size_t size, struct wirq_module **module) {
    *module = NULL;
    wirq_status status = wirq_load_begin(vm, bytes);
    if (status == WIRQ_OK)
        status = wirq_load_feed(vm, bytes, size);
    return status == WIRQ_OK ? wirq_load_end(vm, module) : status;
}
