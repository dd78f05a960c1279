/* frame.c: COBS and CRC-32. */
#include "frame.h"

#include "board.h"

/* What the CRC of anything followed by its CRC comes to. */
#define CRC_RESIDUE UINT32_C(0xDEBB20E3)
#define CRC_START UINT32_C(0xFFFFFFFF)

/* Four bits at a time: 64 bytes of table instead of 1024. */
static uint32_t crc_add(uint32_t crc, uint8_t byte) {
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    crc ^= byte;
    crc = crc >> 4 ^ table[crc & 15];
    return crc >> 4 ^ table[crc & 15];
}

void frame_begin(struct frame_decoder *decoder, uint8_t *content, uint32_t capacity) {
    decoder->content = content;
    decoder->capacity = capacity;
    decoder->length = 0;
    decoder->crc = CRC_START;
    decoder->left = 0;
    decoder->zero = false;
}

static bool keep(struct frame_decoder *decoder, uint8_t byte) {
    if (decoder->length == decoder->capacity)
        return false;
    if (decoder->length < sizeof decoder->header)
        decoder->header[decoder->length] = byte;
    if (decoder->content != NULL)
        decoder->content[decoder->length] = byte;
    decoder->length++;
    decoder->crc = crc_add(decoder->crc, byte);
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
    return decoder->left == 0 && decoder->length >= LINK_HEADER_FIXED_SIZE + FRAME_CRC_SIZE && decoder->crc == CRC_RESIDUE;
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
    uint32_t crc = CRC_START;
    for (uint32_t i = 0; i < length; i++)
        crc = crc_add(crc, content[i]);
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
