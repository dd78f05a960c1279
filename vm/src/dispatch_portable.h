/* dispatch_portable.h: dispatch in C alone. The reference for the others; see dispatch.h. */
#ifndef WIRQ_DISPATCH_PORTABLE_H
#define WIRQ_DISPATCH_PORTABLE_H

#define STATE           \
    const uint16_t *ip; \
    uint32_t A;         \
    uint8_t *memory;    \
    uint32_t *fp;       \
    struct wirq_vm *vm; \
    uint32_t limit;     \
    struct record *rs
#define HANDLER()
#define TABLE_ENTRY(label) (label)
#define TABLE_ENTRY_BIT ""
#define DISPATCH() goto *HANDLER_AT(*ip)
#define NEXT(n)     \
    do {            \
        ip += (n);  \
        DISPATCH(); \
    } while (0)
#define DISPATCH_TO(label) goto *(label)
#define LEAVE(label) goto label
/* The empty asm keeps the compiler from computing ip on both ways of a branch. */
#define STEP(distance)          \
    do {                        \
        ip += (distance);       \
        __asm__("" : "+r"(ip)); \
    } while (0)
#define PUSH_RECORD(return_ip) (rs--, rs->ip = (return_ip), rs->fp = fp)
#define POP_RECORD() (ip = rs->ip, fp = rs->fp, rs++)
#define ENTER() DISPATCH()

#define MEMORY memory
#define LIMIT limit
#define RS rs

#endif
