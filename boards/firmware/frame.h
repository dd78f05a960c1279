/* frame.h: frames on the serial line: 00 COBS(header payload crc32) 00, CRC-32 (IEEE) little-endian. See the link's table for what
 * is in them. */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "link_table.h" /* generated from the link's table */

enum { FRAME_CRC_SIZE = 4, FRAME_HEAD_SIZE = LINK_HEADER_FIXED_SIZE + LINK_HELLO_FIXED_SIZE };

/* Decodes what lies between two delimiters, byte by byte; made for an ISR. The head is always kept, the whole content only where
 * there is room for it: an acknowledgement and a hello are understood even while all buffers are full of requests. */
struct frame_decoder {
    uint8_t head[FRAME_HEAD_SIZE];
    uint8_t *content; /* where the content goes; NULL: nowhere */
    uint32_t capacity, length;
    uint32_t crc;
    uint8_t left; /* bytes until the next COBS code */
    bool zero;    /* a zero byte is due before the next block */
};

void frame_begin(struct frame_decoder *decoder, uint8_t *content, uint32_t capacity);
/* Takes a byte other than the delimiter. False if the frame has become longer than any frame is. */
bool frame_take(struct frame_decoder *decoder, uint8_t byte);
/* At the closing delimiter: is it a frame with the right CRC? *length is that of header and payload. */
bool frame_end(const struct frame_decoder *decoder, uint32_t *length);

/* Sends header and payload as a frame. Behind them there must be room for the CRC. Thread only. */
void frame_send(uint8_t *content, uint32_t length);

#endif
