/* receive.h: what the UART's ISR makes of the bytes that come: text, frames, or an order to stop. Text lies in a ring until the
 * console or a guest reads it; a window of frames lies in buffers until the link has handled them. */
#ifndef RECEIVE_H
#define RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link_table.h" /* generated from the link's table */

/* ---- text ---- */

/* Takes typed text that was not read yet; returns how many bytes. Thread only. */
uint32_t receive_text(uint8_t *to, uint32_t capacity);
/* Adds text that came in a frame of the console channel, and raises the source `uart` if a guest runs; returns how many bytes
 * fitted. Thread only. */
uint32_t receive_add_text(const uint8_t *text, uint32_t length);
/* Was Ctrl-C typed after all that was read so far? Tells it once. Before that, nothing behind it is read. */
bool receive_interrupted(void);
/* Forgets what was typed for somebody who has gone, up to a Ctrl-C: what follows that was meant for the console. */
void receive_forget_text(void);

/* ---- frames ---- */

/* The oldest frame that waits to be handled, or NULL. It stays until receive_release_frame(). */
const uint8_t *receive_frame(uint32_t *length);
void receive_release_frame(void);

/* What the newest frame of the host acknowledged, if one has come since the last call, and whether a nack was among them. */
struct acknowledgement {
    uint8_t acknowledge; /* the number that the host expects next */
    bool asks_again;     /* it lacks what was sent from that number on */
};
bool receive_acknowledge(struct acknowledgement *acknowledgement);
/* The payload of a hello, if one has come since the last call. */
bool receive_hello(uint8_t hello[LINK_HELLO_FIXED_SIZE]);
/* Has a frame come in a session whose CRC was wrong? Tells it once. */
bool receive_damaged(void);

/* In a session text is ignored, unless no frame has come for two seconds. */
void receive_open_session(void);
void receive_close_session(void);
/* Is the host of the session still there? Not once its bye has come, which may wait to be handled; what follows it is text. */
bool receive_is_attended(void);
/* Does somebody sit at a plain terminal: no session is open, or text was taken although one is? */
bool receive_at_terminal(void);

/* Is there anything else than a frame for the main loop? Masked. */
bool receive_pending(void);

#endif
