/* link.c: sessions and delivery. Go-back-N with a window of one frame either way: the frame sent last is kept until the host
 * acknowledges it, and sent again when an acknowledgement shows that the host lacks it. */
#include "link.h"

#include <string.h>

#include "app.h"
#include "board.h"
#include "commands.h"
#include "console.h"
#include "frame.h"
#include "receive.h"
#include "wirq_build_id.h"

struct link_failure link_failure;

static struct {
    bool open;
    bool confirmed; /* the host has our welcome, for it sent something else than a hello */
    uint16_t session;
    uint32_t nonce;
    uint8_t expected; /* sequence of the host's next frame */
    uint8_t sequence; /* of our next frame */

    bool any_request;
    uint16_t request_id; /* the last request that was run */
    bool deferred;       /* a request's answer comes when the app has it */
    uint16_t deferred_id;
    uint8_t deferred_channel;

    bool unacknowledged; /* `out` was sent, and the host has not said that it has it */
    bool reset_when_acknowledged;
    bool overflow;
    uint32_t length;
    uint8_t out[BOARD_MAX_FRAME + FRAME_CRC_SIZE];
} link;

/* ---- bytes ---- */

uint16_t link_get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t link_get_u32(const uint8_t *bytes) {
    return link_get_u16(bytes) | (uint32_t)link_get_u16(bytes + 2) << 16;
}

uint32_t link_room(void) {
    return BOARD_MAX_FRAME - link.length;
}

void link_put_bytes(const void *bytes, uint32_t length) {
    if (length > link_room()) {
        link.overflow = true;
        return;
    }
    memcpy(link.out + link.length, bytes, length);
    link.length += length;
}

void link_put_u8(uint8_t value) {
    link_put_bytes(&value, 1);
}

void link_put_u16(uint16_t value) {
    link_put_u8((uint8_t)value);
    link_put_u8((uint8_t)(value >> 8));
}

void link_put_u32(uint32_t value) {
    link_put_u16((uint16_t)value);
    link_put_u16((uint16_t)(value >> 16));
}

void link_put_u64(uint64_t value) {
    link_put_u32((uint32_t)value);
    link_put_u32((uint32_t)(value >> 32));
}

/* ---- frames ---- */

static void begin(uint8_t kind, uint8_t channel, uint16_t request_id) {
    uint8_t *header = link.out;
    header[LINK_HEADER_KIND] = kind;
    header[LINK_HEADER_CHANNEL] = channel;
    header[LINK_HEADER_REQUEST_ID] = (uint8_t)request_id;
    header[LINK_HEADER_REQUEST_ID + 1] = (uint8_t)(request_id >> 8);
    header[LINK_HEADER_SEQUENCE] = 0;
    link.length = LINK_HEADER_FIXED_SIZE;
    link.overflow = false;
}

static void send(void) {
    link.out[LINK_HEADER_ACKNOWLEDGE] = link.expected;
    frame_send(link.out, link.length);
}

/* Sends `out` as one that must arrive. */
static void send_sequenced(void) {
    uint8_t older;
    (void)receive_acknowledge(&older); /* it cannot be about this frame */
    link.out[LINK_HEADER_SEQUENCE] = link.sequence++;
    link.unacknowledged = true;
    send();
}

void link_acknowledge(void) {
    uint8_t frame[LINK_HEADER_FIXED_SIZE + FRAME_CRC_SIZE] = {0};
    frame[LINK_HEADER_KIND] = LINK_KIND_ACK;
    frame[LINK_HEADER_ACKNOWLEDGE] = link.expected;
    frame_send(frame, LINK_HEADER_FIXED_SIZE);
}

/* ---- sessions ---- */

static void send_welcome(void) {
    static const uint8_t build_id[8] = WIRQ_BUILD_ID_BYTES;
    static const char names[] = BOARD_NAME "\0" WIRQ_VERSION; /* the second terminator is the string's own */
    uint8_t unique_id[8];
    board_unique_id(unique_id);
    begin(LINK_KIND_WELCOME, LINK_CHANNEL_CONTROL, 0);
    link_put_u32(link.nonce);
    link_put_u8(LINK_PROTOCOL_MAJOR);
    link_put_u8(LINK_PROTOCOL_MINOR);
    link_put_u16(link.session);
    link_put_u16(BOARD_MAX_FRAME);
    link_put_u8(1); /* window */
    link_put_u8(1); /* receive buffers */
    link_put_u32(wirq_features());
    link_put_bytes(build_id, sizeof build_id);
    link_put_bytes(unique_id, sizeof unique_id);
    link_put_u16((uint16_t)wirq_operation_count());
    link_put_u8(LINK_STORE_RAM);
    link_put_u32((uint32_t)board_memory()->arena_size);
    link_put_u32((uint32_t)board_memory()->arena_size);
    link_put_bytes(names, sizeof names);
    send();
}

_Static_assert(LINK_HEADER_FIXED_SIZE + LINK_WELCOME_FIXED_SIZE + sizeof BOARD_NAME + sizeof WIRQ_VERSION <= BOARD_MAX_FRAME,
               "a frame must hold the welcome");

static void reset_if_asked(void) {
    if (link.reset_when_acknowledged)
        board_reset();
}

static void hello(uint32_t nonce, uint8_t major) {
    bool repeated = link.open && nonce == link.nonce;
    if (repeated && link.confirmed)
        return; /* a late twin of the hello that opened this session */
    reset_if_asked();
    if (!repeated && major == LINK_PROTOCOL_MAJOR) {
        link.open = true;
        link.session++;
        link.confirmed = link.any_request = link.unacknowledged = false;
        link.expected = link.sequence = 0;
        if (link.deferred)
            app_forget_answer();
        link.deferred = false;
        receive_open_session();
    }
    link.nonce = nonce;
    send_welcome();
}

static void bye(void) {
    reset_if_asked();
    link.open = link.unacknowledged = false;
    receive_close_session();
    if (app_exit_pending()) { /* it ended while the host was going */
        struct app_exit exit;
        app_take_exit(&exit);
        console_app_ended(&exit);
    }
}

/* ---- requests ---- */

static const struct link_command *find_command(uint8_t channel, uint8_t number) {
    static const struct {
        const struct link_command *commands;
        const uint32_t *count;
    } tables[] = {
        {control_commands, &control_command_count},
        {files_commands, &files_command_count},
        {app_commands, &app_command_count},
        {irq_commands, &irq_command_count},
        {trap_commands, &trap_command_count},
    };
    for (uint32_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (uint32_t j = 0; j < *tables[i].count; j++) {
            const struct link_command *command = &tables[i].commands[j];
            if (command->channel == channel && command->number == number)
                return command;
        }
    }
    return NULL;
}

static void write_failure(uint8_t channel, uint16_t request_id, wirq_status status) {
    begin(LINK_KIND_RESPONSE, channel, request_id);
    link_put_u8(status);
    link_put_u32(link_failure.offset);
    link_put_u32(link_failure.function);
    link_put_u32(link_failure.detail);
    if (link_failure.text != NULL) {
        uint32_t length = (uint32_t)strlen(link_failure.text);
        link_put_bytes(link_failure.text, length < link_room() ? length : link_room());
    }
}

/* Begins the response; what follows the status are the fields of success, which end_response replaces if it was none. */
static void begin_response(uint8_t channel, uint16_t request_id) {
    link_failure = (struct link_failure){.function = UINT32_MAX};
    begin(LINK_KIND_RESPONSE, channel, request_id);
    link_put_u8(WIRQ_OK);
}

static void end_response(uint8_t channel, uint16_t request_id, wirq_status status) {
    if (status == WIRQ_OK && link.overflow)
        status = WIRQ_IMPLEMENTATION_LIMIT;
    if (status != WIRQ_OK)
        write_failure(channel, request_id, status);
    send_sequenced();
}

static void run_request(uint8_t channel, const uint8_t *payload, uint32_t length) {
    begin_response(channel, link.request_id);
    const struct link_command *command = length >= 1 ? find_command(channel, payload[0]) : NULL;
    wirq_status status = WIRQ_BAD_REQUEST;
    if (command != NULL && length - 1 >= command->fixed_size)
        status = command->handler(&(struct request){.fields = payload + 1, .length = length - 1});
    bool resets = status == WIRQ_OK && channel == LINK_CHANNEL_CONTROL && payload[0] == LINK_CONTROL_RESET;
    receive_release_frame(); /* before the answer, for the next request may follow at once */
    if (status == LINK_DEFERRED) {
        link.deferred = true;
        link.deferred_id = link.request_id;
        link.deferred_channel = channel;
        link_acknowledge();
        return;
    }
    end_response(channel, link.request_id, status);
    link.reset_when_acknowledged = resets;
}

/* A request that was run before is not run again. Its answer is sent again if it is still there; else it is still to come. */
static void repeat_answer(uint16_t request_id) {
    if (link.out[LINK_HEADER_KIND] == LINK_KIND_RESPONSE && link_get_u16(link.out + LINK_HEADER_REQUEST_ID) == request_id)
        send_sequenced();
    else
        link_acknowledge();
}

static void request(const uint8_t *frame, const uint8_t *payload, uint32_t length, bool sent_again) {
    if (frame[LINK_HEADER_SEQUENCE] != link.expected) {
        receive_release_frame();
        if (!sent_again)
            link_acknowledge(); /* it has been run, or one before it is missing: this tells which is expected */
        return;
    }
    link.expected++;
    uint16_t request_id = link_get_u16(frame + LINK_HEADER_REQUEST_ID);
    bool was_last = link.any_request && request_id == link.request_id;
    if (was_last || (link.deferred && request_id == link.deferred_id)) {
        receive_release_frame();
        repeat_answer(request_id);
    } else {
        link.any_request = true;
        link.request_id = request_id;
        run_request(frame[LINK_HEADER_CHANNEL], payload, length);
    }
}

/* ---- the main loop's part ---- */

/* Returns whether the last frame was sent again. */
static bool take_acknowledgement(void) {
    uint8_t acknowledge;
    if (!receive_acknowledge(&acknowledge))
        return false;
    link.confirmed = true;
    if (!link.unacknowledged)
        return false;
    uint8_t sent = link.out[LINK_HEADER_SEQUENCE];
    if (acknowledge == sent) {
        send();
        return true;
    }
    if (acknowledge == (uint8_t)(sent + 1)) {
        link.unacknowledged = false;
        reset_if_asked();
    }
    return false;
}

/* Must the frame wait until the host has what we sent? */
static bool must_wait(const uint8_t *frame) {
    return link.unacknowledged && frame[LINK_HEADER_KIND] == LINK_KIND_REQUEST && frame[LINK_HEADER_SEQUENCE] == link.expected;
}

static void take_frame(bool sent_again) {
    uint32_t length;
    const uint8_t *frame = receive_frame(&length);
    if (frame == NULL || must_wait(frame))
        return;
    const uint8_t *payload = frame + LINK_HEADER_FIXED_SIZE;
    uint8_t kind = frame[LINK_HEADER_KIND];
    length -= LINK_HEADER_FIXED_SIZE;
    if (link.open && kind == LINK_KIND_REQUEST) {
        request(frame, payload, length, sent_again);
        return;
    }
    bool is_hello = kind == LINK_KIND_HELLO && length >= LINK_HELLO_FIXED_SIZE;
    uint32_t nonce = is_hello ? link_get_u32(payload + LINK_HELLO_NONCE) : 0;
    uint8_t major = is_hello ? payload[LINK_HELLO_MAJOR] : 0;
    receive_release_frame();
    if (is_hello)
        hello(nonce, major);
    else if (link.open && kind == LINK_KIND_BYE)
        bye();
}

static void send_due(void) {
    uint8_t channel;
    if (link.unacknowledged || !link.open)
        return;
    if (link.deferred && app_answer_pending()) {
        begin_response(link.deferred_channel, link.deferred_id);
        wirq_status status = app_answer();
        link.deferred = false;
        end_response(link.deferred_channel, link.deferred_id, status);
    } else if (link.confirmed && events_pending()) {
        begin(LINK_KIND_EVENT, 0, 0);
        if (events_write(&channel)) {
            link.out[LINK_HEADER_CHANNEL] = channel;
            send_sequenced();
        }
    }
}

void link_poll(void) {
    bool sent_again = take_acknowledgement();
    take_frame(sent_again);
    send_due();
}

bool link_pending(void) {
    uint32_t length;
    const uint8_t *frame = receive_frame(&length);
    bool may_send = link.open && !link.unacknowledged;
    return (frame != NULL && !must_wait(frame)) || (may_send && link.deferred && app_answer_pending()) ||
           (may_send && link.confirmed && events_pending());
}

bool link_is_open(void) {
    return link.open;
}
