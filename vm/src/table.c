/* table.c: what the `object` operation does: memories, tables, segments, references (WebAssembly spec 4.2.7, 4.4.3, 4.4.6, 4.4.7).
 *
 * All of these are rare, so they share one operation: unit 1 says which, unit 2 names the first of the cells that hold its operands
 * and take its result, units 3 and 4 are the indices it is about. Long ones are done in chunks: the cells say what is left (R53, R54). */
#include "interpret.h"

/* The index-th bit tells that a segment is dropped: element segments come first. */
static uint32_t data_bit(const struct wirq_instance *instance, uint32_t index) {
    return (uint32_t)instance->module->element_count + index;
}

static bool is_dropped(const struct wirq_instance *instance, uint32_t bit) {
    return instance->dropped[bit / 8] >> bit % 8 & 1;
}

static void drop(struct wirq_instance *instance, uint32_t bit) {
    instance->dropped[bit / 8] |= (uint8_t)(1u << bit % 8);
}

void table_drop_elements(struct wirq_instance *instance, uint32_t index) {
    drop(instance, index);
}

void table_drop_data(struct wirq_instance *instance, uint32_t index) {
    drop(instance, data_bit(instance, index));
}

uint32_t table_element(struct wirq_instance *instance, const struct element_segment *segment, uint32_t i) {
    if (!segment->is_expressions)
        return instance_reference(instance, segment->items[i]);
    const uint16_t *item = &segment->items[2 * (size_t)i];
    const struct constant constant = {(uint8_t)item[0], WIRQ_FUNCREF, {item[1], 0}};
    uint32_t cell;
    instance_evaluate(instance, &constant, &cell);
    return cell;
}

bool reference_fits(const struct wirq_instance *instance, value_type type, uint32_t cell) {
    const struct wirq_vm *vm = instance->vm;
    uint32_t id = cell >> 16, function = cell & 0xFFFF;
    if (!type_is_reference(type))
        return true;
    if (cell == WIRQ_NULL_REFERENCE)
        return type_is_defaultable(type);
    if ((type & ~TYPE_NON_NULL) == WIRQ_EXTERNREF)
        return true;
    if ((type & ~TYPE_NON_NULL) == WIRQ_EXNREF)
        return WIRQ_WITH_EXCEPTIONS && exception_find(vm, cell) != NULL;
    if (id >= vm->instance_capacity || vm->instances[id] == NULL)
        return false;
    const struct wirq_module *module = vm->instances[id]->module;
    return function < module->function_count &&
           types_match_across(module, type_of_function(module, function), instance->module, type);
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Of `count` things a chunk is done: the first ones, if `forward`. */
static wirq_status advance(uint32_t *cells, uint32_t chunk, bool forward) {
    if (forward) {
        cells[0] += chunk;
        cells[1] += chunk;
    }
    cells[2] -= chunk;
    return cells[2] == 0 ? WIRQ_OK : WIRQ_NEED_MORE;
}

static wirq_status table_init(struct wirq_instance *instance, struct wirq_table *table, uint32_t index, uint32_t *cells) {
    const struct element_segment *segment = &instance->module->elements[index];
    uint32_t length = is_dropped(instance, index) ? 0 : segment->count;
    if (!in_bounds(cells[0], cells[2], table->size) || !in_bounds(cells[1], cells[2], length))
        return WIRQ_TRAP_TABLE;
    uint32_t chunk = smaller(cells[2], WIRQ_TABLE_CHUNK);
    for (uint32_t i = 0; i < chunk; i++)
        table->elements[cells[0] + i] = table_element(instance, segment, cells[1] + i);
    return advance(cells, chunk, true);
}

static wirq_status table_copy(struct wirq_table *to, const struct wirq_table *from, uint32_t *cells) {
    uint32_t d = cells[0], s = cells[1], n = cells[2];
    if (!in_bounds(d, n, to->size) || !in_bounds(s, n, from->size))
        return WIRQ_TRAP_TABLE;
    uint32_t chunk = smaller(n, WIRQ_TABLE_CHUNK);
    uint32_t skip = d <= s ? 0 : n - chunk; /* backward: the last chunk first */
    if (chunk != 0)
        wirq_move_cells(to->elements + d + skip, from->elements + s + skip, chunk);
    return advance(cells, chunk, d <= s);
}

static wirq_status table_fill(struct wirq_table *table, uint32_t *cells) {
    if (!in_bounds(cells[0], cells[2], table->size))
        return WIRQ_TRAP_TABLE;
    uint32_t chunk = smaller(cells[2], WIRQ_TABLE_CHUNK);
    for (uint32_t i = 0; i < chunk; i++)
        table->elements[cells[0] + i] = cells[1];
    cells[0] += chunk;
    cells[2] -= chunk;
    return cells[2] == 0 ? WIRQ_OK : WIRQ_NEED_MORE;
}

static wirq_status memory_copy(const struct wirq_memory *to, const struct wirq_memory *from, uint32_t *cells) {
    uint32_t d = cells[0], s = cells[1], n = cells[2];
    if (!in_bounds(d, n, to->size) || !in_bounds(s, n, from->size))
        return WIRQ_TRAP_MEMORY;
    uint32_t chunk = smaller(n, WIRQ_BULK_CHUNK);
    uint32_t skip = d <= s ? 0 : n - chunk; /* backward: the last chunk first */
    if (chunk != 0)
        __builtin_memmove(to->base + d + skip, from->base + s + skip, chunk);
    return advance(cells, chunk, d <= s);
}

static wirq_status memory_fill(const struct wirq_memory *memory, uint32_t *cells) {
    if (!in_bounds(cells[0], cells[2], memory->size))
        return WIRQ_TRAP_MEMORY;
    uint32_t chunk = smaller(cells[2], WIRQ_BULK_CHUNK), value = cells[1];
    if (chunk != 0)
        __builtin_memset(memory->base + cells[0], (int)(value & 0xFF), chunk);
    wirq_status status = advance(cells, chunk, true);
    cells[1] = value;
    return status;
}

static wirq_status memory_init(struct wirq_instance *instance, uint32_t memory, uint32_t index, uint32_t *cells) {
    const struct data_segment *segment = &instance->module->data[index];
    const struct wirq_memory *to = instance->memories[memory];
    uint32_t length = is_dropped(instance, data_bit(instance, index)) ? 0 : segment->bytes.length;
    if (!in_bounds(cells[0], cells[2], to->size) || !in_bounds(cells[1], cells[2], length))
        return WIRQ_TRAP_MEMORY;
    uint32_t chunk = smaller(cells[2], WIRQ_BULK_CHUNK);
    if (chunk != 0)
        __builtin_memcpy(to->base + cells[0], segment->bytes.bytes + cells[1], chunk);
    return advance(cells, chunk, true);
}

static wirq_status table_operation(struct wirq_instance *instance, uint32_t number, const uint16_t *ip, uint32_t *cells) {
    struct wirq_table *table = instance->tables[ip[3]];
    switch (number) {
    case OBJECT_table_get:
    case OBJECT_table_set:
        if (cells[0] >= table->size)
            return WIRQ_TRAP_TABLE;
        if (number == OBJECT_table_set)
            table->elements[cells[0]] = cells[1];
        else
            cells[0] = table->elements[cells[0]];
        return WIRQ_OK;
    case OBJECT_table_size:
        cells[0] = table->size;
        return WIRQ_OK;
    case OBJECT_table_grow:
        cells[0] = table_grow(instance->vm, table, cells[1], cells[0]);
        return WIRQ_OK;
    case OBJECT_table_fill:
        return table_fill(table, cells);
    case OBJECT_table_copy:
        return table_copy(table, instance->tables[ip[4]], cells);
    default:
        return table_init(instance, table, ip[4], cells);
    }
}

wirq_status interpreter_object(struct wirq_vm *vm, const uint16_t *ip, uint32_t *cells) {
    struct wirq_instance *instance = vm->registers.instance;
    struct wirq_memory *memory;
    switch (ip[1]) {
    case OBJECT_memory_size:
        memory = instance->memories[ip[3]];
        cells[0] = memory->size >> memory->limits.page_shift;
        return WIRQ_OK;
    case OBJECT_memory_grow:
        cells[0] = memory_grow(vm, instance->memories[ip[3]], cells[0]);
        if (cells[0] != UINT32_MAX)
            TRACE_MEMORY(instance->memories[ip[3]]->size, ip[3]);
        vm_reload_memory(vm);
        return WIRQ_OK;
    case OBJECT_memory_copy:
        return WIRQ_WITH_BULK_COPY_FILL ? memory_copy(instance->memories[ip[3]], instance->memories[ip[4]], cells) : WIRQ_OK;
    case OBJECT_memory_fill:
        return WIRQ_WITH_BULK_COPY_FILL ? memory_fill(instance->memories[ip[3]], cells) : WIRQ_OK;
    case OBJECT_ref_func:
        cells[0] = instance_reference(instance, ip[3]);
        return WIRQ_OK;
    case OBJECT_ref_as_non_null:
        return cells[0] == WIRQ_NULL_REFERENCE ? WIRQ_TRAP_NULL_REFERENCE : WIRQ_OK;
    case OBJECT_memory_init:
        return memory_init(instance, ip[3], ip[4], cells);
    case OBJECT_data_drop:
        table_drop_data(instance, ip[3]);
        return WIRQ_OK;
    case OBJECT_elem_drop:
        table_drop_elements(instance, ip[3]);
        return WIRQ_OK;
    default:
        return table_operation(instance, ip[1], ip, cells);
    }
}
