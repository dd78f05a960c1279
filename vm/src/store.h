/* store.h: modules, instances and what they own. WebAssembly spec 4.2, in the shape a small machine wants.
 *
 * A module is what loading makes: it holds no mutable state and no address of an instance, so instances share it. An instance
 * holds memory, table, globals and resolved imports. Everything lies in the VM's arena.
 */
#ifndef WIRQ_STORE_H
#define WIRQ_STORE_H

#include "types.h"

struct wirq_name {
    const uint8_t *bytes; /* not terminated */
    uint32_t length;
};

struct limits {
    uint32_t minimum, maximum; /* memory: in pages; table: in elements */
    bool has_maximum;
    uint8_t page_shift; /* memory: log2 of the page size: 16, or 0 (custom page sizes) */
};

/* A constant expression, evaluated at instantiation. */
enum constant_kind {
    CONSTANT_VALUE,       /* cells are the value */
    CONSTANT_GLOBAL,      /* the first cell is the index of a global */
    CONSTANT_FUNCTION,    /* … of a function: a reference to it */
    CONSTANT_EXPRESSION,  /* more than one instruction: the first is module->steps[cells[0]], and there are cells[1] */
    CONSTANT_OPERATION,   /* only as a step: enum constant_operation */
    CONSTANT_PASSIVE,     /* in place of a segment's offset: it waits for memory.init or table.init */
    CONSTANT_DECLARATIVE, /* … it is of no use any more */
};
enum constant_operation { CONSTANT_ADD, CONSTANT_SUB, CONSTANT_MUL };
struct constant {
    uint8_t kind; /* enum constant_kind */
    value_type type;
    uint32_t cells[2];
};

/* An instruction of a constant expression that has more than one. They are rare: a list in the order of the module. */
struct step {
    struct step *next;
    struct constant constant;
};

struct import {
    struct wirq_name module, name;
    uint8_t kind;   /* enum wirq_kind */
    uint16_t index; /* in the index space of its kind */
};

struct export {
    struct wirq_name name;
    uint8_t kind;
    uint16_t index;
};

struct global_type {
    value_type type;
    uint16_t cell; /* defined globals: index of the first cell in instance->globals */
    bool is_mutable;
    struct constant init; /* defined globals */
};

struct table_type {
    value_type type; /* a reference type */
    struct limits limits;
    struct constant init; /* of defined tables: what the elements are */
};

/* What a handler may do and how it is treated (R25): by the module's wirq.cfg section, whose keys are the indices in values[], and by
 * wirq.budget. Zero is the default of each. firmware_host/wasm/settings.py writes them. */
enum setting {
    SETTING_SOURCE,       /* begins the settings of a source */
    SETTING_CLASS,        /* 1 + enum wirq_class */
    SETTING_PRIORITY,     /* 1 + priority */
    SETTING_POLICY,       /* enum wirq_policy */
    SETTING_FUEL,         /* control operations of one run (R43) */
    SETTING_DEADLINE_US,  /* its longest duration */
    SETTING_INTERVAL_US,  /* the least time between two deliveries (R42) */
    SETTING_LATENCY_US,   /* the bound that is demanded (R69) */
    SETTING_STACK_BYTES,  /* of the wasm stack: where it is not known, or to trap earlier (R32) */
    SETTING_SHADOW_STACK, /* the top of a shadow stack of its own (R33) */
    SETTING_SECTION,      /* control operations that the guest's critical sections may hold it back (R38) */
    SETTING_FORBIDDEN,    /* bit n: the module's n-th function import may not be called, the last bit for all further ones (R46) */
    SETTING_RING,         /* 1: the module needs rings of records (R21): a build without them refuses it when it is loaded */
    SETTINGS
};
struct handler_settings {
    uint32_t values[SETTINGS];
};

struct data_segment {
    struct wirq_name bytes;
    struct constant offset;
    uint16_t memory;
};

struct element_segment {
    uint16_t count;
    uint16_t table;
    struct constant offset;
    value_type type;
    bool is_expressions; /* an item is two units, an enum constant_kind and an index; else one, the index of a function */
    uint16_t *items;
};

enum module_block { /* the first five are those of the index spaces, in the order of enum wirq_kind */
                    BLOCK_FUNCTION_TYPES,
                    BLOCK_TABLES,
                    BLOCK_MEMORIES,
                    BLOCK_GLOBALS,
                    BLOCK_TAGS,
                    BLOCK_TYPES,
                    BLOCK_IMPORTS,
                    BLOCK_EXPORTS,
                    BLOCK_ELEMENTS,
                    BLOCK_DATA,
                    BLOCK_TYPE_STORAGE,
                    BLOCK_IMPORT_NAMES,
                    BLOCK_EXPORT_NAMES,
                    BLOCK_SETTINGS,
                    BLOCK_CODE,
                    BLOCK_CODE_START,
                    MODULE_BLOCKS,
                    NO_BLOCK = MODULE_BLOCKS,
};

struct wirq_module {
    struct wirq_vm *vm;
    struct wirq_module *next;

    /* What is asked for most lies first, where the shortest instructions reach it. */
    bool in_place;         /* names and data are referred to where the module lies */
    bool has_chunks;       /* operations that are done in chunks, each as long as many others */
    bool keeps_exceptions; /* a clause hands on a reference: exceptions may have to be collected */
    uint16_t clauses;      /* of all try_tables */
    bool is_code_outside;  /* code and code_start are not in the arena */
    uint8_t setting_count;
    uint16_t instance_count;

    /* Index spaces by kind (enum wirq_kind): how many there are, and how many of these are imports, which come first. */
    union {
        uint16_t counts[5];
        struct {
            uint16_t function_count, table_count, memory_count, global_count, tag_count;
        };
    };
    union {
        uint16_t imported[5];
        struct {
            uint16_t imported_functions, imported_tables, imported_memories, imported_globals, imported_tags;
        };
    };
    uint16_t type_count, import_count, export_count, data_count, element_count;
    uint16_t global_cells; /* cells of the defined globals */

    /* Arena blocks, each NULL or of the length that is said. The order is that of enum module_block. */
    union {
        void *blocks[MODULE_BLOCKS];
        struct {
            uint16_t *function_types; /* function_count type indices: of equal types the first (type_first_equal) */
            struct table_type *tables;
            struct limits *memories;
            struct global_type *globals;
            uint16_t *tags;                     /* tag_count type indices */
            const struct wirq_functype **types; /* equal types share one object: types[i] == types[j] if and only if equal */
            struct import *imports;
            struct export *exports;
            struct element_segment *elements;
            struct data_segment *data;
            uint8_t *type_storage, *import_names, *export_names; /* the types; the names, unless they are referred to in place */
            struct handler_settings *settings;                   /* of its wirq.cfg section, setting_count of them */
            /* All that lowering has made, from here to `steps`: it stands behind the code in memory of the embedder's (load_code.c),
             * and then these two point there. */
            const uint16_t **code;      /* entry points of the defined functions: code[function - imported_functions] */
            const uint16_t *code_start; /* all lowered code; functions follow one another in index order */
        };
    };
    const uint16_t *code_end; /* during a load: where the code of the next function will lie */
    uint32_t catches; /* units from code_start to the last catch operation, from which the others are reached; 0: there is none */
    uint32_t wasm_code_bytes;
    uint16_t max_gap; /* the heaviest run of operations without a safe point (R67) */
    struct step *steps;
    int32_t start_function; /* -1 = none */
    uint32_t bytes;
};

/* Linear memory. Shared by the instances that import it; freed with the instance that defined it, unless the embedder provides it
 * (wirq_provide_memory): then its size is fixed. */
struct wirq_memory {
    uint8_t *base;
    uint32_t size; /* bytes */
    struct limits limits;
};

/* What the embedder provides for import. */
struct provided_memory {
    struct wirq_memory memory;
    const char *module, *name;
    struct provided_memory *next;
};

/* Elements are reference cells: a reference to a function is instance id << 16 | function index, and no id is 0; an externref is the
 * host's; WIRQ_NULL_REFERENCE, 0, is null. */
struct wirq_table {
    uint32_t *elements;
    uint32_t size;
    struct limits limits;
    value_type type; /* in the module of: */
    struct wirq_instance *owner;
};

/* What an imported function resolves to. host != NULL: a host function; else the function of another instance. */
struct function_import {
    const struct wirq_host_import *host;
    struct wirq_instance *instance;
    uint16_t function; /* index in that instance; a DEFINED function: chains of imports are followed at instantiation */
};

#define ALL_TAGS 0xFFFF /* in place of a tag's index */

/* A tag is told from others by its address: imports share it. */
struct tag {
    struct wirq_instance *instance; /* which defines it */
    uint16_t index;                 /* there */
};

#define INSTANCE_RUNS 1 /* started, and not faulted */
struct wirq_instance {
    struct wirq_vm *vm;
    struct wirq_module *module;
    struct wirq_instance *next;
    uint16_t id; /* in vm->instances, not 0; upper half of its funcrefs */
    union {
        uint16_t state; /* both of: */
        struct {
            bool started; /* the start function is done, or there is none: handlers may run (R7) */
            bool faulted; /* a handler with policy fatal trapped: may not run again (R7, R44) */
        };
    };

    uint32_t *globals;                 /* cells of defined globals */
    uint32_t **imported_globals;       /* where the cells of imported globals lie */
    struct wirq_memory **memories;     /* imported first */
    struct wirq_table **tables;        /* imported first */
    struct tag **tags;                 /* imported first */
    struct function_import *functions; /* resolved function imports */
    uint8_t *dropped;                  /* a bit for each segment, element segments first */
    uint32_t *stack_pointer;           /* cell of the exported mutable i32 global __stack_pointer, or NULL (R34) */
    struct wirq_name registered;       /* module name for other instances' imports; bytes == NULL: none */
};

/* module.c */
const struct wirq_functype *module_function_type(const struct wirq_module *module, uint32_t function);
/* The export of that name, or NULL. */
const struct export *module_find_export(const struct wirq_module *module, const uint8_t *name, uint32_t length);
/* Gives the memory of a module back, also of one that is only partly loaded. */
void module_free(struct wirq_vm *vm, struct wirq_module *module);
bool names_equal(const struct wirq_name *a, const uint8_t *bytes, uint32_t length);
/* The defined function whose code holds ip (function index space), and ip's distance from its entry in bytes; or UINT32_MAX and 0. */
uint32_t module_function_at(const struct wirq_module *module, const uint16_t *ip, uint32_t *offset);
static inline uint32_t module_code_bytes(const struct wirq_module *module) {
    return (uint32_t)((const uint8_t *)module->code_end - (const uint8_t *)module->code_start);
}
/* The type whose parameters an exception with the tag has as values. */
const struct wirq_functype *tag_type(const struct tag *tag);

/* link.c: resolves the imports of an instance that is being made. On an error the import's index is in vm->error.detail. */
wirq_status link_imports(struct wirq_instance *instance);
/* Follows a function index to what runs: a function defined in an instance, or a host function. */
void link_resolve(struct wirq_instance *instance, uint32_t function, struct function_import *target);
/* Is a name that of a source, a module, a function: the same bytes as a C string? */
bool link_name_is(const struct wirq_name *name, const char *text);
/* Compares a type with its text in a host table: "ii:I". */
bool link_type_is(const struct wirq_functype *type, const char *text);

/* instance.c: the value of a constant expression, in as many cells as its type has. */
void instance_evaluate(struct wirq_instance *instance, const struct constant *constant, uint32_t *cells);
/* The cells of a global of the index space. */
uint32_t *instance_global(const struct wirq_instance *instance, uint32_t global);
/* The cell of the exported i32 global of that name, if there is one, mutable or not as is said; else NULL. */
uint32_t *instance_exported_i32(const struct wirq_instance *instance, const char *name, uint32_t length, bool is_mutable);
/* Ends every instance. */
void instance_release_all(struct wirq_vm *vm);

/* instance.c: the reference to a function of the index space. */
uint32_t instance_reference(struct wirq_instance *instance, uint32_t function);

/* exception.c. A reference to an exception is the lower half of its address. */
struct exception *exception_find(const struct wirq_vm *vm, uint32_t reference);
/* Ends those that have been found unreached, and those whose tag the instance defines, which may be NULL. */
void exception_sweep(struct wirq_vm *vm, const struct wirq_instance *gone);
/* Frees what no stack, global, table or other exception names. The cells of a stack are not told apart by type, so something may be
 * kept for a number that looks like a reference. */
void exception_collect(struct wirq_vm *vm);

/* table.c: can the cell be a value of the type, of the instance's module? Of number types any can. */
bool reference_fits(const struct wirq_instance *instance, value_type type, uint32_t cell);

/* table.c: element i of a segment; segments that are of no use any more. */
uint32_t table_element(struct wirq_instance *instance, const struct element_segment *segment, uint32_t i);
void table_drop_elements(struct wirq_instance *instance, uint32_t index);
void table_drop_data(struct wirq_instance *instance, uint32_t index);
/* memory.c: the old size, or UINT32_MAX if it cannot grow. */
uint32_t table_grow(struct wirq_vm *vm, struct wirq_table *table, uint32_t delta, uint32_t value);

/* memory.c: makes linear memory or a table of the minimum size; false if there is no room. */
bool memory_create(struct wirq_vm *vm, struct wirq_memory *memory, const struct limits *limits);
bool table_create(struct wirq_instance *owner, struct wirq_table *table, const struct table_type *type);
/* Whether [address, address + length) lies within size. */
static inline bool in_bounds(uint32_t address, uint32_t length, uint32_t size) {
    return length <= size && address <= size - length;
}

/* memory.c: grows by delta pages, zeroing what is new. The old size in pages, or UINT32_MAX. May move base: the interpreter
 * reloads it. */
uint32_t memory_grow(struct wirq_vm *vm, struct wirq_memory *memory, uint32_t delta);

#endif
