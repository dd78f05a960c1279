/* frame.c: COBS and CRC-32. */
#include "frame.h"

#include "board.h"
#include "crc32.h"

void frame_begin(struct frame_decoder *decoder, uint8_t *content, uint32_t capacity) {
    decoder->content = content;
    decoder->capacity = capacity;
    decoder->length = 0;
    decoder->crc = CRC32_START;
    decoder->left = 0;
    decoder->zero = false;
}

static bool keep(struct frame_decoder *decoder, uint8_t byte) {
    if (decoder->length == decoder->capacity)
        return false;
    if (decoder->length < sizeof decoder->head)
        decoder->head[decoder->length] = byte;
    if (decoder->content != NULL)
        decoder->content[decoder->length] = byte;
    decoder->length++;
    decoder->crc = crc32_add(decoder->crc, byte);
    return true;
}

bool frame_take(struct frame_decoder *decoder, uint8_t byte) {
    if (decoder->left != 0) {
        decoder->left--;
        return keep(decoder, byte);
    }
    bool fits = !decoder->zero || keep(decoder, 0);
    decoder->left = (uint8_t)(byte - 1);
    decoder->zero = byte != 0xFF;
    return fits;
}

bool frame_end(const struct frame_decoder *decoder, uint32_t *length) {
    *length = decoder->length - FRAME_CRC_SIZE;
    return decoder->left == 0 && decoder->length >= LINK_HEADER_FIXED_SIZE + FRAME_CRC_SIZE && decoder->crc == CRC32_RESIDUE;
}

/* Collects bytes, so that the serial line gets them in pieces worth a call. */
struct pieces {
    uint32_t count;
    uint8_t bytes[64];
};

static void flush(struct pieces *pieces) {
    board_uart_write(pieces->bytes, pieces->count);
    pieces->count = 0;
}

static void put(struct pieces *pieces, uint8_t byte) {
    pieces->bytes[pieces->count++] = byte;
    if (pieces->count == sizeof pieces->bytes)
        flush(pieces);
}

void frame_send(uint8_t *content, uint32_t length) {
    uint32_t crc = CRC32_START;
    for (uint32_t i = 0; i < length; i++)
        crc = crc32_add(crc, content[i]);
    for (uint32_t i = 0; i < FRAME_CRC_SIZE; i++)
        content[length++] = (uint8_t)(~crc >> 8 * i);

    struct pieces pieces = {.count = 0};
    put(&pieces, LINK_DELIMITER);
    uint32_t start = 0;
    do {
        uint32_t end = start;
        while (end < length && end - start < 254 && content[end] != 0)
            end++;
        uint8_t code = (uint8_t)(end - start + 1);
        put(&pieces, code);
        while (start < end)
            put(&pieces, content[start++]);
        /* A block of 254 stands for no zero; any other for the one at `end`, or for the end of it all. */
        if (code != 0xFF)
            start++;
    } while (start < length || (start == length && content[length - 1] == 0));
    put(&pieces, LINK_DELIMITER);
    flush(&pieces);
}
