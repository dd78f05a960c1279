/* link.c: sessions and delivery. Go-back-N either way, without timers: frames that must arrive are kept until the host acknowledges
 * them, and sent again when it says that it lacks them. */
#include "link.h"

#include <string.h>

#include "app.h"
#include "board.h"
#include "clock.h"
#include "commands.h"
#include "console.h"
#include "files.h"
#include "frame.h"
#include "kept_code.h"
#include "receive.h"
#include "sizes.h"
#include "wirq_build_id.h"

/* Frames that are kept lie one behind the other: length (2 bytes), content, room for the CRC. */
#define KEPT_OVERHEAD (2 + FRAME_CRC_SIZE)
/* Room for the largest frame behind a window of short answers: so a host can have so many requests under way. */
#define SHORT_FRAME (KEPT_OVERHEAD + LINK_HEADER_FIXED_SIZE + 1 + 4)
#define LARGEST_FRAME (KEPT_OVERHEAD + BOARD_MAX_FRAME)

struct link_failure link_failure;

static struct {
    bool open;
    bool confirmed; /* the host has our welcome, for it sent something else than a hello */
    uint16_t session;
    uint32_t nonce;
    uint8_t expected; /* sequence of the host's next frame */
    uint8_t sequence; /* of our next frame */

    bool answered; /* the last frame that must arrive was an answer: if there is something to tell, it has its turn */
    bool any_request;
    uint16_t request_id; /* the last request that was run */
    bool deferred;       /* a request's answer comes when the app has it */
    uint16_t deferred_id;
    uint8_t deferred_channel;

    bool reset_when_acknowledged;
    bool stamps_lines; /* the host wants to know when each line of text begins */
    bool in_line;      /* the text that was written last did not end its line */

    uint8_t kept_count; /* frames that the host has not acknowledged: the last ones before `sequence` */
    uint32_t kept;      /* their bytes in `out` */
    uint32_t length;    /* of the frame that is being written behind them */
    bool overflow;
    uint8_t out[LARGEST_FRAME + (BOARD_WINDOW - 1) * SHORT_FRAME];
} link;

/* ---- bytes ---- */

uint16_t link_get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t link_get_u32(const uint8_t *bytes) {
    return link_get_u16(bytes) | (uint32_t)link_get_u16(bytes + 2) << 16;
}

/* The content of the frame that is being written. */
static uint8_t *current(void) {
    return link.out + link.kept + 2;
}

uint32_t link_room(void) {
    return BOARD_MAX_FRAME - link.length;
}

void link_put_bytes(const void *bytes, uint32_t length) {
    if (length > link_room()) {
        link.overflow = true;
        return;
    }
    memcpy(current() + link.length, bytes, length);
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

/* Is there room for any frame? */
static bool may_write(void) {
    return sizeof link.out - link.kept >= LARGEST_FRAME;
}

static void begin(uint8_t kind, uint8_t channel, uint16_t request_id) {
    uint8_t *header = current();
    header[LINK_HEADER_KIND] = kind;
    header[LINK_HEADER_CHANNEL] = channel;
    header[LINK_HEADER_REQUEST_ID] = (uint8_t)request_id;
    header[LINK_HEADER_REQUEST_ID + 1] = (uint8_t)(request_id >> 8);
    header[LINK_HEADER_SEQUENCE] = 0;
    link.length = LINK_HEADER_FIXED_SIZE;
    link.overflow = false;
}

static void send(uint8_t *content, uint32_t length) {
    content[LINK_HEADER_ACKNOWLEDGE] = link.expected;
    frame_send(content, length);
}

/* Sends the frame that was written as one that must arrive. */
static void send_sequenced(void) {
    uint8_t *content = current();
    content[LINK_HEADER_SEQUENCE] = link.sequence++;
    content[-2] = (uint8_t)link.length;
    content[-1] = (uint8_t)(link.length >> 8);
    link.kept += KEPT_OVERHEAD + link.length;
    link.kept_count++;
    send(content, link.length);
}

static void send_kept(void) {
    for (uint32_t at = 0; at < link.kept;) {
        uint32_t length = link_get_u16(link.out + at);
        send(link.out + at + 2, length);
        at += KEPT_OVERHEAD + length;
    }
}

/* Forgets the oldest frames that were kept. */
static void forget_kept(uint8_t count) {
    uint32_t end = 0;
    link.kept_count -= count;
    while (count-- > 0)
        end += KEPT_OVERHEAD + link_get_u16(link.out + end);
    link.kept -= end;
    memmove(link.out, link.out + end, link.kept);
}

static void forget_all_kept(void) {
    link.kept_count = 0;
    link.kept = 0;
}

/* Tells what we expect and what we shall send next. */
static void send_state(uint8_t kind) {
    uint8_t frame[LINK_HEADER_FIXED_SIZE + FRAME_CRC_SIZE] = {0};
    frame[LINK_HEADER_KIND] = kind;
    frame[LINK_HEADER_SEQUENCE] = link.sequence;
    send(frame, LINK_HEADER_FIXED_SIZE);
}

void link_acknowledge(void) {
    send_state(LINK_KIND_ACK);
}

void link_stamp_lines(bool on) {
    link.stamps_lines = on;
    link.in_line = false;
}

void link_stamp(bool ends_line) {
    uint8_t frame[LINK_HEADER_FIXED_SIZE + LINK_STAMP_FIXED_SIZE + FRAME_CRC_SIZE] = {0};
    bool begins_line = !link.in_line;
    link.in_line = !ends_line;
    if (!begins_line || !link.open || !link.stamps_lines)
        return;
    frame[LINK_HEADER_KIND] = LINK_KIND_STAMP;
    frame[LINK_HEADER_CHANNEL] = LINK_CHANNEL_LOG;
    frame[LINK_HEADER_SEQUENCE] = link.sequence;
    uint64_t now = clock_us();
    for (uint32_t i = 0; i < sizeof now; i++)
        frame[LINK_HEADER_FIXED_SIZE + i] = (uint8_t)(now >> 8 * i);
    send(frame, LINK_HEADER_FIXED_SIZE + LINK_STAMP_FIXED_SIZE);
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
    link_put_u8(BOARD_WINDOW);
    link_put_u8(BOARD_WINDOW); /* receive buffers */
    link_put_u32(wirq_features());
    link_put_bytes(build_id, sizeof build_id);
    link_put_bytes(unique_id, sizeof unique_id);
    link_put_u16((uint16_t)wirq_operation_count());
    link_put_u8(files_store_kind());
    link_put_u32(files_store_size());
    link_put_u8(kept_code_possible() ? files_store_kind() : LINK_STORE_RAM);
    link_put_u32((uint32_t)board_memory()->arena_size);
    link_put_bytes(names, sizeof names);
    send(current(), link.length);
}

_Static_assert(LINK_HEADER_FIXED_SIZE + LINK_WELCOME_FIXED_SIZE + sizeof BOARD_NAME + sizeof WIRQ_VERSION <= BOARD_MAX_FRAME,
               "a frame must hold the welcome");

static void reset_if_asked(void) {
    if (link.reset_when_acknowledged)
        board_reset();
}

/* Who asked has gone: the answer, be it there or to come, is for nobody. */
static void forget_deferred(void) {
    if (link.deferred)
        app_forget_answer();
    link.deferred = false;
}

static void hello(uint32_t nonce, uint8_t major) {
    bool repeated = link.open && nonce == link.nonce;
    if (repeated && link.confirmed)
        return; /* a late twin of the hello that opened this session */
    reset_if_asked();
    if (!repeated && major == LINK_PROTOCOL_MAJOR) {
        link.open = true;
        link.session++;
        struct acknowledgement of_another;
        (void)receive_acknowledge(&of_another);
        link.confirmed = link.any_request = link.stamps_lines = false;
        forget_all_kept();
        link.expected = link.sequence = 0;
        forget_deferred();
        receive_open_session();
    }
    link.nonce = nonce;
    send_welcome();
}

static void bye(void) {
    reset_if_asked();
    link.open = false;
    forget_all_kept();
    forget_deferred(); /* else the app would be busy with it until the next session */
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
        {control_commands, &control_command_count}, {files_commands, &files_command_count}, {app_commands, &app_command_count},
        {irq_commands, &irq_command_count},         {trap_commands, &trap_command_count},
#if WIRQ_TRACE
        {trace_commands, &trace_command_count},
#endif
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
    link.answered = true;
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

static void request(const uint8_t *frame, const uint8_t *payload, uint32_t length) {
    uint8_t ahead = (uint8_t)(frame[LINK_HEADER_SEQUENCE] - link.expected);
    if (ahead != 0) {
        receive_release_frame();
        /* One before it is missing; or it has been run, and the host lacks the answer or our acknowledgement. */
        send_state(ahead < 128 ? LINK_KIND_NACK : LINK_KIND_ACK);
        return;
    }
    link.expected++;
    uint16_t request_id = link_get_u16(frame + LINK_HEADER_REQUEST_ID);
    bool was_last = link.any_request && request_id == link.request_id;
    if (was_last || (link.deferred && request_id == link.deferred_id)) { /* asked again: it is not run again */
        receive_release_frame();
        send_kept();
        link_acknowledge();
    } else {
        link.any_request = true;
        link.request_id = request_id;
        run_request(frame[LINK_HEADER_CHANNEL], payload, length);
    }
}

/* ---- the main loop's part ---- */

static void take_acknowledgement(void) {
    struct acknowledgement acknowledgement;
    if (!receive_acknowledge(&acknowledgement) || !link.open)
        return;
    link.confirmed = true;
    uint8_t oldest = (uint8_t)(link.sequence - link.kept_count);
    uint8_t arrived = (uint8_t)(acknowledgement.acknowledge - oldest);
    if (arrived <= link.kept_count)
        forget_kept(arrived);
    if (link.kept_count == 0)
        reset_if_asked();
    if (!acknowledgement.asks_again)
        return;
    if (link.kept_count > 0)
        send_kept();
    else
        link_acknowledge();
}

/* Must the frame wait until the host has what we sent? */
static bool must_wait(const uint8_t *frame) {
    return frame[LINK_HEADER_KIND] == LINK_KIND_REQUEST && frame[LINK_HEADER_SEQUENCE] == link.expected &&
           (!may_write() || link.reset_when_acknowledged);
}

static void take_hello(void) {
    uint8_t payload[LINK_HELLO_FIXED_SIZE];
    if (receive_hello(payload))
        hello(link_get_u32(payload + LINK_HELLO_NONCE), payload[LINK_HELLO_MAJOR]);
}

static void take_frame(void) {
    uint32_t length;
    const uint8_t *frame = receive_frame(&length);
    if (frame == NULL || must_wait(frame))
        return;
    const uint8_t *payload = frame + LINK_HEADER_FIXED_SIZE;
    uint8_t kind = frame[LINK_HEADER_KIND];
    length -= LINK_HEADER_FIXED_SIZE;
    if (link.open && kind == LINK_KIND_REQUEST) {
        request(frame, payload, length);
        return;
    }
    receive_release_frame();
    if (link.open && kind == LINK_KIND_BYE)
        bye();
}

static bool answer_is_due(void) {
    return link.open && receive_is_attended() && may_write() && link.deferred && app_answer_pending(APP_LINK);
}

/* Before the next request is taken, which may drop or overwrite what the answer is made of. */
static void send_deferred(void) {
    if (!answer_is_due())
        return;
    begin_response(link.deferred_channel, link.deferred_id);
    wirq_status status = app_answer();
    link.deferred = false;
    end_response(link.deferred_channel, link.deferred_id, status);
}

static bool event_is_due(void) {
    return link.open && receive_is_attended() && may_write() && link.confirmed && events_pending();
}

static void send_event(void) {
    uint8_t channel;
    if (event_is_due()) {
        begin(LINK_KIND_EVENT, 0, 0);
        if (events_write(&channel)) {
            link.answered = false;
            current()[LINK_HEADER_CHANNEL] = channel;
            send_sequenced();
        }
    }
}

void link_poll(void) {
    take_acknowledgement();
    take_hello();
    if (receive_damaged() && link.open)
        send_state(LINK_KIND_NACK);
    send_deferred();
    if (link.answered) /* a host that asks without a pause would leave no room for anything else */
        send_event();
    take_frame();
    send_event();
}

bool link_pending(void) {
    uint32_t length;
    const uint8_t *frame = receive_frame(&length);
    return (frame != NULL && !must_wait(frame)) || answer_is_due() || event_is_due();
}

bool link_is_open(void) {
    return link.open;
}
