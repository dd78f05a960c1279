/* link.h: the board's side of the serial link. Requests are answered by the handlers in commands.h; the link sees to sessions,
 * sequence numbers, retransmission and running each request once. No timers. Thread only. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "wirq.h"

/* Handles what has come and sends what is due. */
void link_poll(void);
/* Would link_poll() do anything now? Masked. */
bool link_pending(void);
/* Is a session open? */
bool link_is_open(void);

/* ---- requests ---- */

struct request {
    const uint8_t *fields; /* after the command byte */
    uint32_t length;
};

/* A handler writes the fields of the response and answers WIRQ_OK, or answers a failure, of which link_failure may tell more, or
 * LINK_DEFERRED: the response comes when app_answer() has it. */
typedef wirq_status link_handler(const struct request *request);
enum { LINK_DEFERRED = 0xFF };

struct link_command {
    uint8_t channel, number;
    uint8_t fixed_size; /* fields that every such request has, in bytes */
    link_handler *handler;
};

/* The fields of the failure that is about to be answered. Values of 0 and no text unless set. */
struct link_failure {
    uint32_t offset, function, detail;
    const char *text;
};
extern struct link_failure link_failure;

/* Tells the host that the request has arrived; for handlers that keep the board deaf. */
void link_acknowledge(void);

/* Text is about to be written, which ends a line or not: if it begins one, the host is told when, if it asked for that. */
void link_stamp(bool ends_line);
void link_stamp_lines(bool on);

uint16_t link_get_u16(const uint8_t *bytes);
uint32_t link_get_u32(const uint8_t *bytes);

/* ---- writing a response or an event ---- */

void link_put_u8(uint8_t value);
void link_put_u16(uint16_t value);
void link_put_u32(uint32_t value);
void link_put_u64(uint64_t value);
void link_put_bytes(const void *bytes, uint32_t length);
/* Bytes that still fit into the frame. */
uint32_t link_room(void);

#endif
