/* mutate.c: mutations that keep the outer form of a module: sizes of sections and bodies are made to fit again, and numeric
 * instructions are exchanged for others of their type. Bytes changed at random would end most inputs at the first size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t most,
                                 unsigned int seed);

#define MOST_PARTS 200
#define HEADER_SIZE 8
#define CODE_SECTION 10
#define SCRATCH_SIZE (1u << 16)

static uint32_t state;

static uint32_t below(uint32_t bound) {
    state = state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)state * bound) >> 32);
}

/* ---- taking apart ---- */

/* A run of bytes with its size before it, as sections and bodies have. */
struct part {
    size_t start;   /* of the size; a section's number lies before it */
    size_t content; /* behind the size */
    size_t end;
};

struct parts {
    uint32_t count;
    struct part part[MOST_PARTS];
};

static int read_number(const uint8_t *bytes, size_t end, size_t *at, uint32_t *number) {
    *number = 0;
    for (uint32_t shift = 0; shift < 35 && *at < end; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        *number |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return 1;
    }
    return 0;
}

static size_t write_number(uint8_t *out, uint32_t number) {
    size_t n = 0;
    while (number > 0x7F) {
        out[n++] = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    out[n++] = (uint8_t)number;
    return n;
}

/* Parts from `at` on; ahead: bytes before each size. 0 if they do not add up. */
static int take_apart(const uint8_t *bytes, size_t at, size_t end, size_t ahead, struct parts *parts) {
    parts->count = 0;
    while (at < end && parts->count < MOST_PARTS) {
        struct part *part = &parts->part[parts->count];
        uint32_t size;
        part->start = at + ahead;
        at += ahead;
        if (at > end || !read_number(bytes, end, &at, &size) || size > end - at)
            return 0;
        part->content = at;
        part->end = at += size;
        parts->count++;
    }
    return at == end && parts->count != 0;
}

/* ---- putting together ---- */

static uint8_t scratch[SCRATCH_SIZE], result[SCRATCH_SIZE * 2];

/* The bytes with one part's content replaced; the new size, or 0 if it does not fit. */
static size_t replace(const uint8_t *bytes, size_t size, const struct part *part, const uint8_t *content, size_t content_size,
                      uint8_t *out, size_t most) {
    if (part->start + 5 + content_size + (size - part->end) > most)
        return 0;
    memcpy(out, bytes, part->start);
    size_t at = part->start + write_number(out + part->start, (uint32_t)content_size);
    memcpy(out + at, content, content_size);
    at += content_size;
    memcpy(out + at, bytes + part->end, size - part->end);
    return at + size - part->end;
}

/* ---- mutations of a function body ---- */

/* Opcodes of one type each: first and last. */
static const uint8_t alike[][2] = {
    {0x28, 0x28}, {0x2C, 0x2F}, {0x29, 0x29}, {0x30, 0x35}, {0x36, 0x36}, {0x3A, 0x3B}, {0x37, 0x37}, {0x3C, 0x3E}, {0x46, 0x4F},
    {0x51, 0x5A}, {0x5B, 0x60}, {0x61, 0x66}, {0x67, 0x69}, {0x6A, 0x78}, {0x79, 0x7B}, {0x7C, 0x8A}, {0x8B, 0x91}, {0x92, 0x98},
    {0x99, 0x9F}, {0xA0, 0xA6}, {0xA8, 0xA9}, {0xAA, 0xAB}, {0xAC, 0xAD}, {0xAE, 0xAF}, {0xB0, 0xB1}, {0xB2, 0xB3}, {0xB4, 0xB5},
    {0xB7, 0xB8}, {0xB9, 0xBA}, {0xC0, 0xC1}, {0xC2, 0xC4}, {0x0C, 0x0D}, {0x20, 0x22}, {0x23, 0x24}, {0x02, 0x04},
};

/* Whole instructions that find their operands themselves or need none. */
static const struct {
    uint8_t size, bytes[13];
} snippets[] = {
    {3, {0x41, 0x00, 0x1A}},
    {5, {0x41, 0x00, 0x0D, 0x00, 0x01}},
    {3, {0x02, 0x40, 0x0B}},
    {5, {0x03, 0x40, 0x0C, 0x00, 0x0B}},
    {5, {0x41, 0x00, 0x04, 0x40, 0x0B}},
    {2, {0x10, 0x00}},
    {2, {0x12, 0x00}},
    {4, {0x20, 0x00, 0x21, 0x00}},
    {2, {0x20, 0x01}},
    {4, {0x23, 0x00, 0x24, 0x00}},
    {6, {0x41, 0x00, 0x28, 0x02, 0x00, 0x1A}},
    {7, {0x41, 0x00, 0x41, 0x2A, 0x36, 0x02, 0x00}},
    {10, {0x41, 0x00, 0x41, 0x00, 0x41, 0x10, 0xFC, 0x0A, 0x00, 0x00}},
    {9, {0x41, 0x00, 0x41, 0x00, 0x41, 0x10, 0xFC, 0x0B, 0x00}},
    {5, {0x41, 0x01, 0x40, 0x00, 0x1A}},
    {5, {0x41, 0x00, 0x11, 0x00, 0x00}},
    {5, {0x41, 0x00, 0x25, 0x00, 0x1A}},
    {3, {0xD0, 0x70, 0x1A}},
    {3, {0xD2, 0x00, 0x1A}},
    {7, {0x1F, 0x40, 0x01, 0x02, 0x00, 0x0B, 0x01}},
    {7, {0x1F, 0x40, 0x01, 0x00, 0x00, 0x00, 0x0B}},
    {13, {0x02, 0x69, 0x1F, 0x40, 0x01, 0x03, 0x00, 0x08, 0x00, 0x0B, 0x00, 0x0B, 0x0A}},
    {2, {0x08, 0x00}},
    {7, {0x41, 0x00, 0x28, 0x42, 0x01, 0x00, 0x1A}},
    {10, {0x41, 0x00, 0x41, 0x00, 0x41, 0x10, 0xFC, 0x0A, 0x00, 0x01}},
    {3, {0x3F, 0x01, 0x1A}},
    {1, {0x0F}},
    {1, {0x00}},
    {2, {0x0C, 0x00}},
};

static size_t exchange_opcode(uint8_t *body, size_t size) {
    for (uint32_t tries = 0; size != 0 && tries < 8; tries++) {
        size_t at = below((uint32_t)size);
        for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
            if (body[at] >= alike[i][0] && body[at] <= alike[i][1]) {
                body[at] = (uint8_t)(alike[i][0] + below(alike[i][1] - alike[i][0] + 1u));
                return size;
            }
        }
    }
    return size;
}

static size_t insert(uint8_t *body, size_t size, size_t most, const uint8_t *bytes, size_t count) {
    if (size + count > most)
        return size;
    size_t at = below((uint32_t)size + 1);
    memmove(body + at + count, body + at, size - at);
    memcpy(body + at, bytes, count);
    return size + count;
}

static size_t repeat_range(uint8_t *body, size_t size, size_t most) {
    uint8_t range[32];
    if (size == 0)
        return size;
    size_t from = below((uint32_t)size), count = 1 + below(sizeof range);
    count = count < size - from ? count : size - from;
    memcpy(range, body + from, count);
    return insert(body, size, most, range, count);
}

static size_t mutate_body(uint8_t *body, size_t size, size_t most) {
    switch (below(6)) {
    case 0:
    case 1:
        return exchange_opcode(body, size);
    case 2: {
        size_t i = below(sizeof snippets / sizeof snippets[0]);
        return insert(body, size, most, snippets[i].bytes, snippets[i].size);
    }
    case 3:
        return repeat_range(body, size, most);
    default:
        return LLVMFuzzerMutate(body, size, most);
    }
}

/* Changes one body of a code section's content. The new size, or 0. */
static size_t mutate_code(const uint8_t *content, size_t size, uint8_t *out, size_t most) {
    static uint8_t body[SCRATCH_SIZE];
    struct parts bodies;
    size_t at = 0;
    uint32_t count;
    if (!read_number(content, size, &at, &count) || !take_apart(content, at, size, 0, &bodies))
        return 0;
    const struct part *chosen = &bodies.part[below(bodies.count)];
    size_t body_size = chosen->end - chosen->content;
    if (body_size > sizeof body / 2)
        return 0;
    memcpy(body, content + chosen->content, body_size);
    body_size = mutate_body(body, body_size, sizeof body / 2);
    return replace(content, size, chosen, body, body_size, out, most);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned int seed) {
    struct parts sections;
    state = seed;
    if (below(16) == 0 || size < HEADER_SIZE || size > SCRATCH_SIZE || !take_apart(bytes, HEADER_SIZE, size, 1, &sections))
        return LLVMFuzzerMutate(bytes, size, most);
    const struct part *chosen = &sections.part[below(sections.count)];
    if (below(3) != 0) {
        for (uint32_t i = 0; i < sections.count; i++)
            if (bytes[sections.part[i].start - 1] == CODE_SECTION)
                chosen = &sections.part[i];
    }
    const uint8_t *content = bytes + chosen->content;
    size_t content_size = chosen->end - chosen->content, changed = 0;
    if (bytes[chosen->start - 1] == CODE_SECTION && below(8) != 0)
        changed = mutate_code(content, content_size, scratch, sizeof scratch);
    if (changed == 0 && content_size <= sizeof scratch / 2) {
        memcpy(scratch, content, content_size);
        changed = LLVMFuzzerMutate(scratch, content_size, sizeof scratch / 2);
    }
    size_t total = replace(bytes, size, chosen, scratch, changed, result, sizeof result);
    if (total == 0 || total > most)
        return LLVMFuzzerMutate(bytes, size, most);
    memcpy(bytes, result, total);
    return total;
}

/* One module with a section of another's in place of its own. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t most,
                                 unsigned int seed) {
    struct parts of_a, of_b;
    state = seed;
    if (a_size < HEADER_SIZE || b_size < HEADER_SIZE || !take_apart(a, HEADER_SIZE, a_size, 1, &of_a) ||
        !take_apart(b, HEADER_SIZE, b_size, 1, &of_b))
        return 0;
    const struct part *from = &of_b.part[below(of_b.count)];
    for (uint32_t i = 0; i < of_a.count; i++) {
        if (a[of_a.part[i].start - 1] == b[from->start - 1])
            return replace(a, a_size, &of_a.part[i], b + from->content, from->end - from->content, out, most);
    }
    return 0;
}
