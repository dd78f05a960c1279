/* receive.c: tells text from frames, byte by byte, in the UART's ISR.
 *
 * Console text never contains 0x00. A frame is 00 COBS(header payload crc32) 00; after an error the next 0x00 may open a frame:
 * the closing delimiter of a bad one may be the opening one of the next. The bytes 00 03 00 stop the guest in any state: a block
 * that is a lone 03 is no COBS. Ctrl-C (03) does so outside frames, where text is not ignored. */
#include "receive.h"

#include <string.h>

#include "board.h"
#include "clock.h"
#include "firmware.h"
#include "frame.h"
#include "sizes.h"

/* In a session text is ignored for so long after a frame; and what has begun as a frame and not gone on for so long is none.
 * Times are in units of 1024 us: one word, so that both contexts can read them at once. */
#define SILENCE (2000000 / 1024)
/* The same where no session is open: a tool's hello comes in one go, and who types at a terminal makes a pause now and then. */
#define PAUSE (250000 / 1024)

static struct {
    struct frame_decoder decoder;
    bool in_frame;
    uint8_t last, last_but_one; /* the bytes before, for 00 03 00 */
    uint32_t byte_time;         /* within frames: when the last byte came */

    volatile bool session;
    volatile bool for_tool;       /* what is printed goes to a tool, as far as we know */
    volatile uint32_t frame_time; /* when the last good frame came */

    /* Frames that wait for the link. The ISR fills the one at `frames_in`, the link empties the one at `frames_out`. */
    struct {
        uint16_t length;
        uint8_t content[BOARD_MAX_FRAME + FRAME_CRC_SIZE];
    } frames[BOARD_WINDOW];
    volatile uint32_t frames_in, frames_out; /* counts */

    volatile uint8_t acknowledge;
    volatile bool acknowledged, asked_again; /* a frame with an acknowledgement has come; it was a nack */
    uint8_t hello[LINK_HELLO_FIXED_SIZE];
    volatile bool greeted; /* `hello` has come */
    volatile bool damaged; /* a frame came that was none */

    uint8_t text[BOARD_TEXT_RING];
    volatile uint32_t text_in, text_out; /* counts; the ring index is their low bits */
    volatile uint32_t interrupted_at;    /* text_in when Ctrl-C was typed */
    volatile bool interrupted;
} receiver;

static uint32_t time_now(void) {
    return (uint32_t)(clock_us() >> 10);
}

/* The main loop has something to do. */
static void call_main_loop(void) {
    if (firmware_guest_runs)
        wirq_yield_soon(firmware_vm);
}

void firmware_stop(void) {
    if (firmware_guest_runs)
        wirq_stop(firmware_vm);
}

static bool put_text(uint8_t byte) {
    uint32_t in = receiver.text_in;
    if (in - receiver.text_out == BOARD_TEXT_RING)
        return false;
    receiver.text[in % BOARD_TEXT_RING] = byte;
    receiver.text_in = in + 1;
    return true;
}

bool receive_at_terminal(void) {
    return !receiver.for_tool;
}

static void take_text(uint8_t byte) {
    if (receiver.session && time_now() - receiver.frame_time < SILENCE)
        return;
    receiver.for_tool = false;
    if (byte == LINK_STOP_BYTE) {
        receiver.interrupted_at = receiver.text_in;
        receiver.interrupted = true;
        firmware_stop();
    } else if (put_text(byte) && firmware_guest_runs) {
        wirq_raise(firmware_vm, BOARD_SOURCE_UART, byte);
    }
}

static void open_frame(void) {
    receiver.in_frame = true;
    receiver.byte_time = time_now();
    uint32_t in = receiver.frames_in;
    uint8_t *content = in - receiver.frames_out == BOARD_WINDOW ? NULL : receiver.frames[in % BOARD_WINDOW].content;
    frame_begin(&receiver.decoder, content, BOARD_MAX_FRAME + FRAME_CRC_SIZE);
}

/* A delimiter: the end of a frame, the beginning of one, or both. */
static void take_delimiter(void) {
    if (receiver.last == LINK_STOP_BYTE && receiver.last_but_one == LINK_DELIMITER)
        firmware_stop();
    uint32_t length;
    if (!receiver.in_frame || !frame_end(&receiver.decoder, &length)) {
        if (receiver.in_frame && receiver.decoder.length > FRAME_CRC_SIZE && receiver.session) {
            receiver.damaged = true;
            call_main_loop();
        }
        open_frame();
        return;
    }
    uint8_t kind = receiver.decoder.head[LINK_HEADER_KIND];
    receiver.in_frame = false;
    receiver.frame_time = time_now();
    if (kind == LINK_KIND_BYE)
        receiver.session = false; /* at once: what follows is text */
    receiver.for_tool = receiver.session;
    if (kind != LINK_KIND_HELLO) {
        receiver.acknowledge = receiver.decoder.head[LINK_HEADER_ACKNOWLEDGE];
        receiver.acknowledged = true;
    }
    if (kind == LINK_KIND_NACK) {
        receiver.asked_again = true;
    } else if (kind == LINK_KIND_HELLO) { /* not among the others: those may wait for a host that has gone */
        if (length >= FRAME_HEAD_SIZE) {
            memcpy(receiver.hello, receiver.decoder.head + LINK_HEADER_FIXED_SIZE, sizeof receiver.hello);
            receiver.greeted = true;
        }
    } else if (kind != LINK_KIND_ACK && receiver.decoder.content != NULL) {
        uint32_t in = receiver.frames_in;
        receiver.frames[in % BOARD_WINDOW].length = (uint16_t)length;
        receiver.frames_in = in + 1;
    }
    call_main_loop();
}

/* Is this byte part of a frame? Not after a long silence: then the 00 before it was a stray one on a plain terminal. */
static bool belongs_to_frame(void) {
    uint32_t now = time_now();
    if (now - receiver.byte_time >= (receiver.session ? SILENCE : PAUSE))
        return false;
    receiver.byte_time = now;
    return true;
}

void firmware_received(uint8_t byte) {
    if (byte == LINK_DELIMITER) {
        take_delimiter();
    } else {
        if (receiver.in_frame)
            receiver.in_frame = belongs_to_frame() && frame_take(&receiver.decoder, byte);
        if (!receiver.in_frame)
            take_text(byte);
    }
    receiver.last_but_one = receiver.last;
    receiver.last = byte;
}

/* Where the text ends that can be taken now. With interrupts masked: where Ctrl-C was typed and whether it was belong together. */
static uint32_t text_end(void) {
    return receiver.interrupted ? receiver.interrupted_at : receiver.text_in;
}

uint32_t receive_text(uint8_t *to, uint32_t capacity) {
    uintptr_t before = board_mask();
    uint32_t out = receiver.text_out, length = text_end() - out;
    board_unmask(before); /* what the ISR adds meanwhile lies behind that */
    if (length > capacity)
        length = capacity;
    for (uint32_t i = 0; i < length; i++)
        to[i] = receiver.text[(out + i) % BOARD_TEXT_RING];
    receiver.text_out = out + length;
    return length;
}

bool receive_interrupted(void) {
    uintptr_t before = board_mask(); /* another Ctrl-C may come, behind other text */
    bool is_next = receiver.interrupted && receiver.text_out == receiver.interrupted_at;
    if (is_next)
        receiver.interrupted = false;
    board_unmask(before);
    return is_next;
}

uint32_t receive_add_text(const uint8_t *text, uint32_t length) {
    uintptr_t before = board_mask(); /* the ISR fills the ring and raises the source, too (R10) */
    uint32_t taken = 0;
    while (taken < length && put_text(text[taken]))
        taken++;
    if (taken > 0 && firmware_guest_runs)
        wirq_raise(firmware_vm, BOARD_SOURCE_UART, taken);
    board_unmask(before);
    return taken;
}

void receive_forget_text(void) {
    uintptr_t before = board_mask(); /* a Ctrl-C that comes now is not forgotten */
    receiver.text_out = text_end();
    receiver.interrupted = false;
    board_unmask(before);
}

const uint8_t *receive_frame(uint32_t *length) {
    uint32_t out = receiver.frames_out;
    if (receiver.frames_in == out)
        return NULL;
    *length = receiver.frames[out % BOARD_WINDOW].length;
    return receiver.frames[out % BOARD_WINDOW].content;
}

void receive_release_frame(void) {
    receiver.frames_out++;
}

bool receive_acknowledge(struct acknowledgement *acknowledgement) {
    uintptr_t before = board_mask();
    bool acknowledged = receiver.acknowledged;
    *acknowledgement = (struct acknowledgement){receiver.acknowledge, receiver.asked_again};
    receiver.acknowledged = receiver.asked_again = false;
    board_unmask(before);
    return acknowledged;
}

bool receive_hello(uint8_t hello[LINK_HELLO_FIXED_SIZE]) {
    uintptr_t before = board_mask();
    bool greeted = receiver.greeted;
    memcpy(hello, receiver.hello, sizeof receiver.hello);
    receiver.greeted = false;
    board_unmask(before);
    return greeted;
}

bool receive_damaged(void) {
    if (!receiver.damaged)
        return false;
    receiver.damaged = false; /* not if it was not set: the ISR may set it just now */
    return true;
}

void receive_open_session(void) {
    receiver.session = receiver.for_tool = true;
    receiver.frames_out = receiver.frames_in; /* they are of another session */
}

void receive_close_session(void) {
    receiver.session = receiver.for_tool = false;
}

bool receive_is_attended(void) {
    return receiver.session;
}

bool receive_pending(void) {
    return receiver.acknowledged || receiver.greeted || receiver.damaged || receiver.interrupted ||
           receiver.text_in != receiver.text_out;
}
