/* wirq_errors.h: every code the VM, the firmware and the link can answer with, in one list.
 *
 * The list is the single home of codes, names and texts. C takes the codes (enum wirq_status below); the host package reads the
 * very same rows for its messages, so that the texts cost a board no flash. Codes are stable: rows are added, never renumbered.
 *
 * WIRQ_ERROR_ROW(code, NAME, "what happened", "what to do about it")
 * Texts of traps are those of the WebAssembly specification's test suite.
 */
#ifndef WIRQ_ERRORS_H
#define WIRQ_ERRORS_H

#define WIRQ_ERRORS(WIRQ_ERROR_ROW)                                                                                                \
    WIRQ_ERROR_ROW(0, OK, "done", "")                                                                                              \
    /* 1-31: traps. One instance's run ends; the VM and the other instances go on. */                                              \
    WIRQ_ERROR_ROW(1, TRAP_UNREACHABLE, "unreachable", "")                                                                         \
    WIRQ_ERROR_ROW(2, TRAP_MEMORY, "out of bounds memory access", "")                                                              \
    WIRQ_ERROR_ROW(3, TRAP_TABLE, "out of bounds table access", "")                                                                \
    WIRQ_ERROR_ROW(4, TRAP_UNDEFINED_ELEMENT, "undefined element", "")                                                             \
    WIRQ_ERROR_ROW(5, TRAP_UNINITIALIZED_ELEMENT, "uninitialized element", "")                                                     \
    WIRQ_ERROR_ROW(6, TRAP_INDIRECT_CALL_TYPE, "indirect call type mismatch", "")                                                  \
    WIRQ_ERROR_ROW(7, TRAP_DIVIDE_BY_ZERO, "integer divide by zero", "")                                                           \
    WIRQ_ERROR_ROW(8, TRAP_INTEGER_OVERFLOW, "integer overflow", "")                                                               \
    WIRQ_ERROR_ROW(9, TRAP_INVALID_CONVERSION, "invalid conversion to integer", "")                                                \
    WIRQ_ERROR_ROW(10, TRAP_STACK_EXHAUSTED, "call stack exhausted", "recurse less, or give the VM a larger wasm stack")           \
    WIRQ_ERROR_ROW(11, TRAP_HOST, "a host function refused its arguments", "")                                                     \
    WIRQ_ERROR_ROW(12, TRAP_STOPPED, "stopped from outside", "")                                                                   \
    WIRQ_ERROR_ROW(13, TRAP_NULL_REFERENCE, "null reference", "")                                                                  \
    WIRQ_ERROR_ROW(14, TRAP_FORBIDDEN_IN_HANDLER, "this import may not be called from an interrupt handler",                       \
                   "call it from the main program")                                                                                \
    WIRQ_ERROR_ROW(15, TRAP_UNCAUGHT_EXCEPTION, "uncaught exception", "")                                                          \
    WIRQ_ERROR_ROW(18, TRAP_BUDGET, "an interrupt handler overran its fuel or its deadline",                                       \
                   "make it shorter, or raise its budget")                                                                         \
    WIRQ_ERROR_ROW(19, TRAP_SECTION, "a critical section held a handler back for longer than the module declares",                 \
                   "make the section shorter, or declare a longer one")                                                            \
    WIRQ_ERROR_ROW(20, TRAP_NULL_EXCEPTION, "null exception reference", "")                                                        \
    WIRQ_ERROR_ROW(21, TRAP_TOO_MANY_EXCEPTIONS, "there is no room for another exception",                                         \
                   "keep fewer exception references in locals, tables and globals, or give the VM more memory")                    \
    /* 32-79: the module is refused by the loader. Nothing of it has run. */                                                       \
    WIRQ_ERROR_ROW(32, TRUNCATED, "unexpected end", "the module is cut off: send it again")                                        \
    WIRQ_ERROR_ROW(33, BAD_MAGIC, "magic header not detected", "this is not a binary WebAssembly module")                          \
    WIRQ_ERROR_ROW(34, BAD_VERSION, "unknown binary version", "only version 1 modules run, not components")                        \
    WIRQ_ERROR_ROW(35, BAD_SECTION, "malformed section id, order or size", "")                                                     \
    WIRQ_ERROR_ROW(36, BAD_LEB, "integer representation too long or integer too large", "")                                        \
    WIRQ_ERROR_ROW(37, BAD_UTF8, "malformed UTF-8 encoding", "")                                                                   \
    WIRQ_ERROR_ROW(38, BAD_TYPE, "malformed type", "")                                                                             \
    WIRQ_ERROR_ROW(39, BAD_IMPORT_KIND, "malformed import kind", "")                                                               \
    WIRQ_ERROR_ROW(40, BAD_EXPORT_KIND, "malformed export kind", "")                                                               \
    WIRQ_ERROR_ROW(41, BAD_LIMITS, "malformed limits", "")                                                                         \
    WIRQ_ERROR_ROW(42, BAD_MUTABILITY, "malformed mutability", "")                                                                 \
    WIRQ_ERROR_ROW(43, BAD_OPCODE, "illegal opcode", "")                                                                           \
    WIRQ_ERROR_ROW(44, BAD_RESERVED_BYTE, "zero byte expected", "")                                                                \
    WIRQ_ERROR_ROW(45, BAD_COUNT, "function and code section have inconsistent lengths, or data count is wrong", "")               \
    WIRQ_ERROR_ROW(46, BAD_SEGMENT, "malformed segment", "")                                                                       \
    WIRQ_ERROR_ROW(47, TYPE_MISMATCH, "type mismatch", "")                                                                         \
    WIRQ_ERROR_ROW(48, UNKNOWN_TYPE, "unknown type", "")                                                                           \
    WIRQ_ERROR_ROW(49, UNKNOWN_FUNCTION, "unknown function", "")                                                                   \
    WIRQ_ERROR_ROW(50, UNKNOWN_TABLE, "unknown table", "")                                                                         \
    WIRQ_ERROR_ROW(51, UNKNOWN_MEMORY, "unknown memory", "")                                                                       \
    WIRQ_ERROR_ROW(52, UNKNOWN_GLOBAL, "unknown global", "")                                                                       \
    WIRQ_ERROR_ROW(53, UNKNOWN_LOCAL, "unknown local", "")                                                                         \
    WIRQ_ERROR_ROW(54, UNKNOWN_LABEL, "unknown label", "")                                                                         \
    WIRQ_ERROR_ROW(55, UNKNOWN_SEGMENT, "unknown segment", "")                                                                     \
    WIRQ_ERROR_ROW(56, IMMUTABLE_GLOBAL, "global is immutable", "")                                                                \
    WIRQ_ERROR_ROW(57, BAD_ALIGNMENT, "alignment must not be larger than natural", "")                                             \
    WIRQ_ERROR_ROW(58, BAD_CONSTANT_EXPRESSION, "constant expression required", "")                                                \
    WIRQ_ERROR_ROW(59, BAD_START, "start function must have no parameters and no results", "")                                     \
    WIRQ_ERROR_ROW(60, DUPLICATE_EXPORT, "duplicate export name", "")                                                              \
    WIRQ_ERROR_ROW(61, BAD_LIMITS_RANGE, "size minimum must not be greater than maximum, or too large", "")                        \
    WIRQ_ERROR_ROW(62, UNDECLARED_REFERENCE, "undeclared function reference", "")                                                  \
    WIRQ_ERROR_ROW(63, BAD_RESULT_ARITY, "invalid result arity", "")                                                               \
    WIRQ_ERROR_ROW(64, ABSENT_FEATURE, "the module needs a feature this build does not have", "compile the module without it")     \
    WIRQ_ERROR_ROW(65, IMPLEMENTATION_LIMIT, "an implementation limit of this VM is exceeded",                                     \
                   "split the function or reduce its locals")                                                                      \
    WIRQ_ERROR_ROW(66, TOO_MANY_LOCALS, "too many locals", "")                                                                     \
    WIRQ_ERROR_ROW(67, UNINITIALIZED_LOCAL, "uninitialized local", "")                                                             \
    WIRQ_ERROR_ROW(68, UNKNOWN_TAG, "unknown tag", "")                                                                             \
    WIRQ_ERROR_ROW(69, BAD_TAG, "non-empty tag result type, or malformed tag", "")                                                 \
    /* 80-95: linking and instantiation. */                                                                                        \
    WIRQ_ERROR_ROW(80, UNKNOWN_IMPORT, "unknown import",                                                                           \
                   "the board does not provide it: see guests/c/wirq_guest.h for what it does")                                    \
    WIRQ_ERROR_ROW(81, IMPORT_TYPE, "incompatible import type", "compare with the declaration in guests/c/wirq_guest.h")           \
    WIRQ_ERROR_ROW(82, UNKNOWN_EXPORT, "no such export", "")                                                                       \
    WIRQ_ERROR_ROW(83, ARGUMENT_TYPES, "the arguments do not fit the export's type", "")                                           \
    WIRQ_ERROR_ROW(84, NO_ENTRY, "the module has no entry point and no interrupt handler",                                         \
                   "export _start or main, or use wirq call")                                                                      \
    WIRQ_ERROR_ROW(85, ENTRY_TYPE, "the entry point has the wrong type", "main is [] -> [] or [] -> [i32]; _start is [] -> []")    \
    WIRQ_ERROR_ROW(86, UNKNOWN_INSTANCE, "no such instance", "")                                                                   \
    /* 96-111: space. */                                                                                                           \
    WIRQ_ERROR_ROW(96, NO_MEMORY, "the board's memory is full", "make the module smaller, or stop and drop what is loaded")        \
    WIRQ_ERROR_ROW(97, MODULE_TOO_LARGE, "the module does not fit the board", "")                                                  \
    WIRQ_ERROR_ROW(98, LINEAR_MEMORY_TOO_LARGE, "the module's linear memory does not fit the board",                               \
                   "link it with --page-size=1 and a small -z stack-size")                                                         \
    /* 112-127: interrupts. */                                                                                                     \
    WIRQ_ERROR_ROW(112, UNKNOWN_SOURCE, "no such interrupt source", "wirq irq list shows the board's sources")                     \
    WIRQ_ERROR_ROW(113, HANDLER_TYPE, "an interrupt handler must have type [i32 i32 i32] -> []",                                   \
                   "declare it as void handler(int source, int count, int context)")                                               \
    WIRQ_ERROR_ROW(114, BAD_PRIORITY, "no such interrupt priority",                                                                \
                   "wirq irq list shows the levels; a build has two unless it says otherwise")                                     \
    WIRQ_ERROR_ROW(115, BAD_BLOCK, "the interrupt block is not valid", "see wirq_guest.h: magic, version, alignment, range")       \
    WIRQ_ERROR_ROW(116, NULL_HANDLER, "the handler's table element is null or out of range", "")                                   \
    WIRQ_ERROR_ROW(117, NOT_SUPPORTED, "this firmware does not do that", "")                                                       \
    WIRQ_ERROR_ROW(118, FAULTED, "the instance trapped earlier and may not run again", "load it again")                            \
    WIRQ_ERROR_ROW(120, HANDLER_STACK, "the interrupt handler needs more stack than its level has, or than it declares",           \
                   "make its calls shallower, declare its stack with wirq irq config, or give the levels larger stacks")           \
    WIRQ_ERROR_ROW(121, BAD_CONFIG, "the module's wirq.cfg section is not valid", "write it anew with wirq irq config")            \
    WIRQ_ERROR_ROW(122, LATENCY_BOUND, "the latency that the module demands cannot be promised",                                   \
                   "wirq irq bound shows the parts of the bound")                                                                  \
    WIRQ_ERROR_ROW(123, ASYNCIFIED, "code that asyncify has rewritten is never interrupted by force",                              \
                   "give its handlers the class quiescent, with wirq irq config, or none")                                         \
    WIRQ_ERROR_ROW(119, UNKNOWN_PIN, "no such pin", "")                                                                            \
    /* 128-159: link and firmware. */                                                                                              \
    WIRQ_ERROR_ROW(128, BUSY, "something is running or being sent", "stop it first, or wait")                                      \
    WIRQ_ERROR_ROW(129, BAD_REQUEST, "the board does not understand the request",                                                  \
                   "firmware and tool differ: build the firmware and flash it again")                                              \
    WIRQ_ERROR_ROW(130, NO_UPLOAD, "there is no upload to write to", "")                                                           \
    WIRQ_ERROR_ROW(131, BAD_OFFSET, "the data does not continue the upload", "")                                                   \
    WIRQ_ERROR_ROW(132, BAD_HASH, "the upload's hash is wrong", "send it again")                                                   \
    WIRQ_ERROR_ROW(133, NOT_RUNNING, "nothing is running", "")                                                                     \
    WIRQ_ERROR_ROW(134, STORE_FULL, "the board's module store is full", "wirq df shows what is free, wirq rm NAME removes a file") \
    WIRQ_ERROR_ROW(135, UNKNOWN_FILE, "there is no file of that name in the board's store", "wirq ls lists what is there")         \
    WIRQ_ERROR_ROW(136, BAD_NAME, "a file's name has 1 to 32 bytes, none of them zero", "")                                        \
    WIRQ_ERROR_ROW(137, FLASH_FAILED, "the board's flash did not take what was written",                                           \
                   "write it again; if that fails too the flash is worn")                                                          \
    /* 240-: answers inside the VM; they never leave it. */                                                                        \
    WIRQ_ERROR_ROW(240, NEED_MORE, "more input is needed", "")                                                                     \
    WIRQ_ERROR_ROW(241, WAIT, "the host function waits", "")                                                                       \
    WIRQ_ERROR_ROW(242, THROW, "the host function throws", "")

/* enum wirq_status: WIRQ_OK, WIRQ_TRAP_UNREACHABLE, …  Always one byte on the wire. */
enum wirq_status {
#define WIRQ_ERROR_ENUM(code, name, text, hint) WIRQ_##name = code,
    WIRQ_ERRORS(WIRQ_ERROR_ENUM)
#undef WIRQ_ERROR_ENUM
};

/* Features that a module can need and a build can lack: the detail of WIRQ_ABSENT_FEATURE, and the bits of the hello's feature
 * word. WIRQ_FEATURE_ROW(bit, NAME, "its name in messages", "the compiler flag that avoids it") */
#define WIRQ_FEATURES(WIRQ_FEATURE_ROW)                                                              \
    WIRQ_FEATURE_ROW(0, MUTABLE_GLOBALS, "mutable-globals", "")                                      \
    WIRQ_FEATURE_ROW(1, SIGN_EXTENSION, "sign-extension", "-mno-sign-ext")                           \
    WIRQ_FEATURE_ROW(2, SATURATING_TRUNCATION, "nontrapping-fptoint", "-mno-nontrapping-fptoint")    \
    WIRQ_FEATURE_ROW(3, MULTI_VALUE, "multi-value", "")                                              \
    WIRQ_FEATURE_ROW(4, BULK_COPY_FILL, "bulk-memory-opt", "-mno-bulk-memory")                       \
    WIRQ_FEATURE_ROW(5, CUSTOM_PAGE_SIZES, "custom-page-sizes", "")                                  \
    WIRQ_FEATURE_ROW(6, BULK_MEMORY, "bulk-memory", "-mno-bulk-memory")                              \
    WIRQ_FEATURE_ROW(7, REFERENCE_TYPES, "reference-types", "-mno-reference-types")                  \
    WIRQ_FEATURE_ROW(8, EXTENDED_CONST, "extended-const", "-mno-extended-const")                     \
    WIRQ_FEATURE_ROW(9, TAIL_CALL, "tail-call", "-mno-tail-call")                                    \
    WIRQ_FEATURE_ROW(10, TYPED_FUNCTION_REFERENCES, "function-references", "")                       \
    WIRQ_FEATURE_ROW(11, MULTI_MEMORY, "multi-memory", "")                                           \
    WIRQ_FEATURE_ROW(12, EXCEPTIONS, "exceptions", "-mno-exception-handling")                        \
    WIRQ_FEATURE_ROW(13, LEGACY_EXCEPTIONS, "legacy-exceptions", "-mllvm -wasm-use-legacy-eh=false") \
    WIRQ_FEATURE_ROW(14, SIMD, "simd", "-mno-simd128")                                               \
    WIRQ_FEATURE_ROW(15, RELAXED_SIMD, "relaxed-simd", "-mno-relaxed-simd")                          \
    WIRQ_FEATURE_ROW(16, THREADS, "threads", "-mno-atomics")                                         \
    WIRQ_FEATURE_ROW(17, MEMORY64, "memory64", "--target=wasm32")                                    \
    WIRQ_FEATURE_ROW(18, GC, "gc", "")                                                               \
    WIRQ_FEATURE_ROW(19, STACK_SWITCHING, "stack-switching", "")                                     \
    WIRQ_FEATURE_ROW(20, WIDE_ARITHMETIC, "wide-arithmetic", "-mno-wide-arithmetic")                 \
    WIRQ_FEATURE_ROW(21, MULTI_TABLE, "multi-table", "-mno-reference-types")                         \
    WIRQ_FEATURE_ROW(22, RINGS, "rings", "")

enum wirq_feature {
#define WIRQ_FEATURE_ENUM(bit, name, text, flag) WIRQ_FEATURE_##name = bit,
    WIRQ_FEATURES(WIRQ_FEATURE_ENUM)
#undef WIRQ_FEATURE_ENUM
};

#endif
