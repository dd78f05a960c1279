/* parser: a state machine with `switch` over 2 KiB of text such as a serial line carries: frames "$name,number,…*checksum\n" with
 * some of them broken. Jump tables, one byte at a time. */
#include "kernel.h"

enum { SIZE = 2048, FIELDS = 4, REPEAT = 4 };

enum state { IDLE, NAME, SIGN, NUMBER, FRACTION, CHECKSUM_HIGH, CHECKSUM_LOW, END, STATES };

static char text[SIZE];
static uint32_t used;

struct parser {
    enum state state;
    uint32_t name, field, sum, expected;
    int32_t value, sign;
    int32_t fields[FIELDS];
    uint32_t good, bad, result;
};

static void put(char c) {
    if (used < SIZE) {
        text[used++] = c;
    }
}

static void put_number(int32_t value) {
    char digits[11];
    uint32_t n = 0;
    uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    if (value < 0) {
        put('-');
    }
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    while (n > 0) {
        put(digits[--n]);
    }
}

static void put_frame(uint32_t number, uint32_t *state) {
    uint32_t begin = used;
    put('$');
    for (uint32_t i = 0; i < 3; i++) {
        put((char)('A' + kernel_random(state) % 26));
    }
    for (uint32_t i = 0; i < FIELDS; i++) {
        put(',');
        put_number((int32_t)(kernel_random(state) % 20001) - 10000);
        if (kernel_random(state) & 1) {
            put('.');
            put((char)('0' + kernel_random(state) % 10));
        }
    }
    uint32_t sum = 0;
    for (uint32_t i = begin + 1; i < used; i++) {
        sum ^= (uint8_t)text[i];
    }
    sum ^= number % 7 == 3; /* now and then a wrong one */
    put('*');
    put("0123456789ABCDEF"[sum >> 4 & 15]);
    put("0123456789ABCDEF"[sum & 15]);
    put(number % 11 == 5 ? 'x' : '\n');
}

static uint32_t hexadecimal(char c) {
    return c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;
}

KERNEL_CALL static void feed(struct parser *p, char c) {
    if (p->state >= NAME && p->state <= FRACTION && c != '*') {
        p->sum ^= (uint8_t)c;
    }
    switch (p->state) {
    case IDLE:
        if (c == '$') {
            p->state = NAME;
            p->name = p->field = p->sum = 0;
        }
        return;
    case NAME:
        if (c == ',') {
            p->state = SIGN;
        } else if (c >= 'A' && c <= 'Z') {
            p->name = p->name * 32 + (uint32_t)(c - 'A');
        } else {
            break;
        }
        return;
    case SIGN:
        p->sign = 1;
        p->value = 0;
        p->state = NUMBER;
        if (c == '-') {
            p->sign = -1;
            return;
        }
        /* fall through */
    case NUMBER:
    case FRACTION:
        switch (c) {
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
            if (p->state == NUMBER) {
                p->value = p->value * 10 + (c - '0');
            }
            return;
        case '.':
            if (p->state == FRACTION) {
                break;
            }
            p->state = FRACTION;
            return;
        case ',':
        case '*':
            if (p->field == FIELDS) {
                break;
            }
            p->fields[p->field++] = p->sign * p->value;
            p->state = c == ',' ? SIGN : CHECKSUM_HIGH;
            return;
        default:
            break;
        }
        break;
    case CHECKSUM_HIGH:
    case CHECKSUM_LOW:
        if (hexadecimal(c) > 15) {
            break;
        }
        if (p->state == CHECKSUM_HIGH) {
            p->expected = hexadecimal(c) << 4;
            p->state = CHECKSUM_LOW;
        } else {
            p->expected |= hexadecimal(c);
            p->state = END;
        }
        return;
    case END:
        if (c == '\n' && p->expected == p->sum) {
            p->good++;
            p->result = kernel_fold(p->result, p->name);
            for (uint32_t i = 0; i < p->field; i++) {
                p->result = kernel_fold(p->result, (uint32_t)p->fields[i]);
            }
            p->state = IDLE;
            return;
        }
        break;
    case STATES:
    default:
        break;
    }
    p->bad++;
    p->state = c == '$' ? NAME : IDLE;
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(7);
    struct parser p;
    p.state = IDLE;
    p.name = p.field = p.sum = p.expected = p.good = p.bad = p.result = 0;
    p.value = p.sign = 0;
    used = 0;
    for (uint32_t number = 0; used < SIZE; number++) {
        put_frame(number, &state);
    }
    for (uint32_t i = 0; i < REPEAT * SIZE; i++) {
        feed(&p, text[i % SIZE]);
    }
    return (int32_t)(p.result ^ p.good << 16 ^ p.bad);
}
