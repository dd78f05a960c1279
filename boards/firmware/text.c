/* text.c: writes console text and numbers. */
#include "text.h"

#include <string.h>

#include "board.h"
#include "link.h"
#include "receive.h"

static void write_plain(const char *text, size_t length) {
    board_uart_write((const uint8_t *)text, length);
}

void text_write(const char *text, size_t length) {
    bool terminal = receive_at_terminal();
    if (length != 0)
        link_stamp(text[length - 1] == '\n');
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        bool newline = terminal && text[i] == '\n' && (i == 0 || text[i - 1] != '\r');
        if (!newline && text[i] != '\0')
            continue;
        write_plain(text + start, i - start);
        if (newline)
            write_plain("\r", 1);
        start = text[i] == '\0' ? i + 1 : i;
    }
    write_plain(text + start, length - start);
}

void text_put(const char *text) {
    text_write(text, strlen(text));
}

void text_character(char c) {
    text_write(&c, 1);
}

const char *text_digits(uint32_t value, char buffer[11]) {
    char *p = buffer + 10;
    *p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return p;
}

void text_number(uint32_t value) {
    char buffer[11];
    text_put(text_digits(value, buffer));
}

void text_hex(uint32_t value, uint32_t digits) {
    while (digits-- > 0)
        text_character("0123456789abcdef"[value >> (4 * digits) & 15]);
}

static void pad(size_t length, uint32_t width) {
    for (; length < width + 2; length++)
        text_character(' ');
}

void text_column(const char *text, uint32_t width) {
    text_put(text);
    pad(strlen(text), width);
}

void text_number_column(uint32_t value, uint32_t width) {
    char buffer[11];
    text_column(text_digits(value, buffer), width);
}

static int digit(char c, uint32_t base) {
    int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
    return value < (int)base ? value : -1;
}

bool text_parse_number(const char *text, bool time, uint32_t *value) {
    uint32_t base = 10;
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    if (digit(*text, base) < 0)
        return false;
    uint64_t sum = 0;
    for (int d; (d = digit(*text, base)) >= 0; text++) {
        sum = sum * base + (uint32_t)d;
        if (sum > UINT32_MAX)
            return false;
    }
    if (time && strcmp(text, "ms") == 0)
        sum *= 1000;
    else if (time && strcmp(text, "s") == 0)
        sum *= 1000000;
    else if (*text != '\0' && !(time && strcmp(text, "us") == 0))
        return false;
    if (sum > UINT32_MAX)
        return false;
    *value = (uint32_t)sum;
    return true;
}
