/* text.h: console text, and the small formatter that the firmware has instead of printf. Thread only.
 *
 * Text goes to the serial line as it is, between frames. Outside a session, where a plain terminal listens, "\n" becomes "\r\n".
 * 0x00 is no text: it opens a frame, so it is left out. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void text_write(const char *text, size_t length);
void text_put(const char *text);
void text_character(char c);
void text_number(uint32_t value);
void text_hex(uint32_t value, uint32_t digits);

/* A column of a table: text or number, padded with spaces to `width`, and two spaces. */
void text_column(const char *text, uint32_t width);
void text_number_column(uint32_t value, uint32_t width);

/* Decimal digits of a value, terminated; buffer takes 11. Returns where they begin. */
const char *text_digits(uint32_t value, char buffer[11]);

/* Reads a decimal or 0x… number, followed by nothing or by us, ms or s if `time` is set (then it is in microseconds). False if
 * it is no such number or does not fit. */
bool text_parse_number(const char *text, bool time, uint32_t *value);

#endif
