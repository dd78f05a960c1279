/* exception.c: exceptions: thrown, caught, kept (WebAssembly spec 4.2.13, 4.4.10).
 *
 * Code that does not throw pays nothing: no operation begins or ends a try_table. Where its body ends lie `catch` operations, one a
 * clause, that are never executed; they name the code they guard and hang together in a list, the last of the module first. A throw
 * looks through it for the innermost one around, in the running frame only: where there is none, `unwind` leaves the frame and looks in
 * the next. So a safe point lies between any two frames, and what is thrown is in the accumulator meanwhile.
 *
 * An exception ends when it is caught by a clause that does not hand on a reference to it and none was ever handed on; with the
 * instance that defines its tag; or when it is found, as another call begins or there is no room for a new one, that nothing names it. */
#include "interpret.h"
#include "operands.h"

/* The catch operation, in units: tag or ALL_TAGS, first cell for the values, units back to the start of the code guarded times two
 * (plus one: a reference follows the values), units back to the catch before it or the start of the code, distance to the label from
 * there. */
enum { CATCH_TAG = 1, CATCH_SLOT = 2, CATCH_GUARDED = 3, CATCH_PREVIOUS = 5, CATCH_DISTANCE = 7 };

static uint32_t units32(const uint16_t *units) {
    return units[0] | (uint32_t)units[1] << 16;
}

const uint16_t code_unwind[] = {OPERATION_UNIT(OP_unwind)};

static uint32_t reference_to(const struct exception *exception) {
    return (uint32_t)(uintptr_t)exception;
}

struct exception *exception_find(const struct wirq_vm *vm, uint32_t reference) {
    struct exception *exception = vm->exceptions;
    while (exception != NULL && reference_to(exception) != reference)
        exception = exception->next;
    return exception;
}

/* ---- lifetime ---- */

void exception_sweep(struct wirq_vm *vm, const struct wirq_instance *gone) {
    struct exception **link = &vm->exceptions, *exception;
    while ((exception = *link) != NULL) {
        if (exception->reach != UNREACHED && exception->tag->instance != gone) {
            link = &exception->next;
            continue;
        }
        *link = exception->next;
        if (vm->uncaught == exception)
            vm->uncaught = NULL;
        arena_free(&vm->arena, exception);
    }
}

static void reach(const struct wirq_vm *vm, const uint32_t *cells, uint32_t count) {
    for (; count != 0; count--) {
        struct exception *exception = exception_find(vm, *cells++);
        if (exception != NULL && exception->reach == UNREACHED)
            exception->reach = REACHED;
    }
}

/* The cells of a stack up to the end of the frame that runs on it. */
static void reach_stack(const struct wirq_vm *vm, uint32_t level, const struct registers *r) {
    const struct wirq_module *module = r->instance->module;
    const uint32_t *end = (const uint32_t *)(const void *)r->rs;
    uint32_t offset, function = module_function_at(module, r->ip, &offset), frame = WIRQ_STACK_SLACK;
    if (function != UINT32_MAX) {
        const uint16_t *code = module->code[function - module->imported_functions];
        if (code[0] == OPERATION_UNIT(OP_enter))
            frame = code[1];
    }
    if (r->fp + frame < end)
        end = r->fp + frame;
    reach(vm, vm->stacks[level].base, (uint32_t)(end - vm->stacks[level].base));
    reach(vm, &r->a, 1);
}

void exception_collect(struct wirq_vm *vm) {
    if (vm->exceptions == NULL)
        return;
    for (struct exception *i = vm->exceptions; i != NULL; i = i->next)
        i->reach = i == vm->uncaught ? REACHED : UNREACHED;
    const struct registers *r = &vm->registers;
    for (uint32_t level = vm->level;; level = vm->deliveries[level].outer) {
        reach_stack(vm, level, r);
        if (level == LEVEL_THREAD)
            break;
        r = &vm->deliveries[level].interrupted;
    }
    for (const struct wirq_instance *i = vm->instance_list; i != NULL; i = i->next) {
        const struct wirq_module *module = i->module;
        reach(vm, i->globals, module->global_cells);
        for (uint32_t t = 0; t < module->table_count; t++) {
            const struct wirq_table *table = i->tables[t];
            if (type_matches(table->type, WIRQ_EXNREF))
                reach(vm, table->elements, table->size);
        }
    }
    for (struct exception *i = vm->exceptions; i != NULL;) { /* what they name in turn */
        if (i->reach != REACHED) {
            i = i->next;
            continue;
        }
        i->reach = SEARCHED;
        reach(vm, i->cells, tag_type(i->tag)->parameter_cells);
        i = vm->exceptions;
    }
    exception_sweep(vm, NULL);
}

static struct exception *make(struct wirq_vm *vm, const struct tag *tag, const uint32_t *cells) {
    uint32_t count = tag_type(tag)->parameter_cells;
    struct exception *exception = NULL;
    for (bool again = false;; again = true) {
        uint32_t alive = 0;
        for (const struct exception *i = vm->exceptions; i != NULL; i = i->next)
            alive++;
        if (alive < WIRQ_MAX_EXCEPTIONS)
            exception = arena_allocate(&vm->arena, (uint32_t)sizeof *exception + count * (uint32_t)sizeof *cells);
        if (exception != NULL)
            break;
        if (again)
            return NULL;
        exception_collect(vm);
    }
    exception->tag = tag;
    exception->reach = SEARCHED;
    wirq_move_cells(exception->cells, cells, count);
    exception->next = vm->exceptions;
    vm->exceptions = exception;
    vm->has_remains = true;
    return exception;
}

/* ---- throwing ---- */

/* The innermost clause of the running instance's module around an operation that takes an exception with the tag, or NULL. */
static const uint16_t *find_catch(const struct wirq_instance *instance, const uint16_t *at, const struct tag *tag) {
    const uint16_t *found = NULL;
    const struct wirq_module *module = instance->module;
    const uint16_t *clause = module->code_start + module->catches;
    for (; clause > at; clause -= units32(clause + CATCH_PREVIOUS)) {
        if (clause - (units32(clause + CATCH_GUARDED) >> 1) <= at &&
            (clause[CATCH_TAG] == ALL_TAGS || instance->tags[clause[CATCH_TAG]] == tag))
            found = clause;
    }
    return found;
}

/* Goes on at the clause's label, which is given the values. */
static void enter_catch(struct wirq_vm *vm, const uint16_t *clause, struct exception *exception) {
    struct registers *r = &vm->registers;
    uint32_t *fp = r->fp, *to = CELL(clause[CATCH_SLOT]);
    if (clause[CATCH_TAG] != ALL_TAGS) {
        uint32_t count = tag_type(exception->tag)->parameter_cells;
        wirq_move_cells(to, exception->cells, count);
        to += count;
    }
    if (units32(clause + CATCH_GUARDED) & 1) {
        *to = reference_to(exception);
        exception->is_shared = true;
    } else if (!exception->is_shared) {
        exception->reach = UNREACHED;
        exception_sweep(vm, NULL);
    }
    clause += CATCH_DISTANCE;
    r->ip = clause + (int32_t)units32(clause);
}

wirq_status exception_unwind(struct wirq_vm *vm) {
    struct registers *r = &vm->registers;
    struct wasm_stack *stack = &vm->stacks[vm->level];
    const uint16_t *at = r->ip;
    uint32_t operation = UNIT_OPERATION(*at), *fp = r->fp;
    if (operation != OP_unwind) {
        stack->thrown_at = *r;
        if (operation == OP_throw) {
            r->a = *CELL(at[2]);
            if (at[1] != ALL_TAGS) {
                const struct exception *exception = make(vm, r->instance->tags[at[1]], CELL(at[2]));
                if (exception == NULL)
                    return WIRQ_TRAP_TOO_MANY_EXCEPTIONS;
                r->a = reference_to(exception);
            }
        } else if (operation >= OP_return_call_import &&
                   operation <= OP_return_call_ref) { /* a host function: its caller has left */
            r->ip = code_unwind;
            return WIRQ_OK;
        }
    } else {
        const struct record *record = r->rs;
        if (record->ip == code_restore_instance) {
            vm_enter_instance(vm, (struct wirq_instance *)(void *)record->fp);
            r->rs++;
            return WIRQ_OK;
        }
        if (record->ip == code_exit || record->ip == code_irq_return) {
            /* Nothing has been written since: the trap is told where the exception was thrown, with all calls. */
            uint32_t a = r->a;
            *r = stack->thrown_at;
            r->a = a;
            vm_enter_instance(vm, r->instance);
            vm->uncaught = exception_find(vm, a);
            return WIRQ_TRAP_UNCAUGHT_EXCEPTION;
        }
        at = record->ip - 1;
        r->fp = record->fp;
        r->rs++;
    }
    struct exception *exception = exception_find(vm, r->a);
    if (exception == NULL)
        return WIRQ_TRAP_NULL_EXCEPTION;
    const uint16_t *clause = find_catch(r->instance, at, exception->tag);
    if (clause != NULL)
        enter_catch(vm, clause, exception);
    else
        r->ip = code_unwind;
    return WIRQ_OK;
}

/* ---- the embedder's side ---- */

wirq_status wirq_throw(struct wirq_instance *instance, uint32_t tag, const uint32_t *values) {
    struct wirq_vm *vm = instance->vm;
    if (tag >= instance->module->tag_count)
        return WIRQ_UNKNOWN_TAG;
    struct exception *exception = make(vm, instance->tags[tag], values);
    if (exception == NULL)
        return WIRQ_TRAP_TOO_MANY_EXCEPTIONS;
    vm->registers.a = reference_to(exception);
    return WIRQ_THROW;
}

bool wirq_uncaught(const struct wirq_vm *vm, struct wirq_exception *exception) {
    if (vm->uncaught == NULL || vm->trap.status != WIRQ_TRAP_UNCAUGHT_EXCEPTION)
        return false;
    exception->instance = vm->uncaught->tag->instance;
    exception->tag = vm->uncaught->tag->index;
    exception->type = tag_type(vm->uncaught->tag);
    exception->values = vm->uncaught->cells;
    return true;
}
