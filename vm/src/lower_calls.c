/* lower_calls.c: calls, and calls in place of a return. WebAssembly spec 3.3.8.14 and 4.4.8.14.
 *
 * The windows of caller and callee overlap: arguments are in their canonical slots, and the callee's frame begins with the first of
 * them. Before a tail call they are moved to the first slots of the running frame, which the callee takes over. What leaves the
 * instance may turn out to be a host function, which has no frame: a `return` behind it returns its results, from the first slot on.
 */
#include "lower_internal.h"

static struct types parameters_of(const struct wirq_functype *type) {
    return (struct types){type->types, type->parameter_count};
}

static struct types results_of(const struct wirq_functype *type) {
    return (struct types){type->types + type->parameter_count, type->result_count};
}

/* What follows the operation and the operands that say what is called. */
static void end_call(struct lower *lower, const struct wirq_functype *type) {
    stack_pop_types(lower, parameters_of(type));
    uint32_t frame = lower->height;
    lower_emit(lower, frame);
    lower_label(lower);
    if (type->result_count == 1 && type->result_cells == 1 && !lower->dead)
        lower->a[0] = (uint16_t)frame;
    stack_push_types(lower, results_of(type));
}

/* The arguments of a tail call go to the first slots of the frame. */
static void move_arguments(struct lower *lower, const struct wirq_functype *type) {
    struct types parameters = parameters_of(type);
    if (parameters.count == 2) /* else one could be moved over a local that the other names */
        lower_materialise(lower, 2);
    lower_move_values(lower, 0, parameters, true);
}

/* Does a tail call of a function with this type return what the running function does? */
static void check_tail_call(struct lower *lower, const struct wirq_functype *type) {
    lower_check_match(lower, results_of(type), results_of(lower->type));
}

/* What follows a tail call that may leave the instance. */
static void end_tail_call(struct lower *lower, const struct wirq_functype *type) {
    lower_operation(lower, OP_return);
    if (!lower->dead && type->result_cells > lower->max_height)
        lower->max_height = type->result_cells;
}

/* Every call has a neighbour that takes the place of a return. */
enum { TAIL = OP_return_call - OP_call };
_Static_assert(OP_return_call_import - OP_call_import == TAIL && OP_return_call_indirect - OP_call_indirect == TAIL &&
                   OP_return_call_ref - OP_call_ref == TAIL,
               "vm/ops/internal.py lists the calls and the tail calls in the same order");

/* Pops what is called through a table or, without one, is a reference on the stack. */
static void pop_callee(struct lower *lower, bool through_table, uint32_t table, uint32_t type, struct operand *callee) {
    const struct wirq_module *module = lower->module;
    if (through_table) {
        if (table >= module->table_count)
            lower_fail(lower, WIRQ_UNKNOWN_TABLE);
        else if (!type_matches(module->tables[table].type, WIRQ_FUNCREF))
            lower_fail(lower, WIRQ_TYPE_MISMATCH);
    }
    if (type >= module->type_count)
        lower_fail(lower, WIRQ_UNKNOWN_TYPE);
    else
        stack_pop(lower, through_table ? WIRQ_I32 : type_reference_to(module, type), callee);
}

void lower_call(struct lower *lower, uint32_t opcode, struct wirq_reader *reader) {
    const struct wirq_module *module = lower->module;
    bool tail = opcode == 0x12 || opcode == 0x13 || opcode == 0x15;
    bool direct = opcode == 0x10 || opcode == 0x12, through_table = opcode == 0x11 || opcode == 0x13;
    uint32_t index = read_u32(reader); /* of the function, or its type */
    uint32_t table = through_table ? read_u32(reader) : 0;
    if (reader->status != WIRQ_OK)
        return;
    struct operand callee;
    if (!direct)
        pop_callee(lower, through_table, table, index, &callee);
    else if (index >= module->function_count)
        lower_fail(lower, WIRQ_UNKNOWN_FUNCTION);
    if (lower->status != WIRQ_OK)
        return;
    const struct wirq_functype *type = direct ? module_function_type(module, index) : module->types[index];
    if (!stack_check_types(lower, parameters_of(type)))
        return;

    uint32_t operation = direct ? OP_call : through_table ? OP_call_indirect : OP_call_ref;
    if (direct && index < module->imported_functions)
        operation = OP_call_import;
    else if (direct)
        index -= module->imported_functions;
    else if (!lower->dead)
        (void)lower_slot(lower, &callee);
    if (!direct || !tail)
        lower_materialise(lower, type->parameter_count);
    if (tail) {
        check_tail_call(lower, type);
        if (!direct && !lower->dead) { /* it stays above the arguments, out of the way of their move */
            lower_move(lower, &callee, callee.canonical);
            callee.low = callee.canonical;
        }
        move_arguments(lower, type);
    }
    lower_operation(lower, operation + (tail ? TAIL : 0));
    if (!direct) {
        lower_emit(lower, callee.low);
        index = type_first_equal(module, index); /* as in module->function_types */
    }
    lower_emit(lower, index);
    if (!direct) /* without a table there is a unit for it nevertheless */
        lower_emit(lower, table);
    if (!tail) {
        end_call(lower, type);
        return;
    }
    if (operation != OP_call)
        end_tail_call(lower, type);
    stack_unreachable(lower);
}
