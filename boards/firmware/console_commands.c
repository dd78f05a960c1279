/* console_commands.c: what the console can do. */
#include <string.h>

#include "app.h"
#include "board.h"
#include "clock.h"
#include "console.h"
#include "figures.h"
#include "firmware.h"
#include "text.h"
#include "timers.h"
#include "upload.h"
#include "wirq_build_id.h"

enum { MOST_WORDS = 6 };

void console_complain(const char *what, const char *way_out) {
    text_put("error: ");
    text_put(what);
    text_put("\n  ");
    text_put(way_out);
    text_put("\n");
}

static void line(const char *name, uint32_t value, const char *unit) {
    text_column(name, 16);
    text_number(value);
    text_put(unit);
    text_put("\n");
}

/* ---- info, ps ---- */

static void info(char **words, uint32_t count) {
    (void)words;
    (void)count;
    static const uint8_t build_id[8] = WIRQ_BUILD_ID_BYTES;
    struct figures figures;
    figures_get(&figures);
    text_put("board           " BOARD_NAME ": " BOARD_TITLE "\n");
    text_put("wirq            " WIRQ_VERSION ", build ");
    for (uint32_t i = 0; i < sizeof build_id; i++)
        text_hex(build_id[i], 2);
    text_put("\n");
    line("up", (uint32_t)(clock_us() / 1000), " ms");
    line("operations", wirq_operation_count(), "");
    line("RAM", figures.ram_size, " bytes");
    line("  free", figures.ram_free, "");
    line("  firmware", figures.static_bytes, "");
    line("  C stack", figures.c_stack_size, "");
    line("    used at most", figures.c_stack_peak, "");
    line("  arena", figures.vm.arena_size, "");
    line("    VM", figures.vm.vm_bytes, "");
    line("      of it table", figures.vm.handler_table_bytes, "");
    line("    in use", figures.vm.arena_used, "");
    line("    upload", upload_memory(), "");
    line("    largest free", figures.vm.arena_largest_free, "");
}

static void ps(char **words, uint32_t count) {
    (void)words;
    (void)count;
    text_column("state", 16);
    text_put(app_state());
    text_put("\n");
    line("instances", app_instance_count(), "");
    for (uint32_t i = 0; i < app_instance_count(); i++) {
        uint32_t size;
        (void)wirq_memory(app_instance(i), &size);
        line("  memory", size, " bytes");
    }
}

/* ---- irq ---- */

static void irq_list(void) {
    struct wirq_source_info source;
    text_put("SOURCE  NAME      VECTOR  HANDLER  LEVEL  ENABLED  PENDING  RAISED      DELIVERED   MISSED  FAULTS  WORST us\n");
    for (uint32_t i = 0; wirq_source(firmware_vm, i, &source) == WIRQ_OK; i++) {
        text_number_column(i, 6);
        text_column(source.name, 8);
        if (firmware_source_vectors[i] != 0xFFFF)
            text_number_column(firmware_source_vectors[i], 6);
        else
            text_column("-", 6);
        if (source.attached) {
            text_number_column(source.function, 7);
            text_number_column(source.priority, 5);
        } else {
            text_column("-", 7);
            text_column("-", 5);
        }
        text_column(source.enabled ? "yes" : "no", 7);
        text_column(source.pending ? "yes" : "no", 7);
        text_number_column(source.raised, 10);
        text_number_column(source.delivered, 10);
        text_number_column(source.missed, 6);
        text_number_column(source.faults, 6);
        text_number(source.worst_latency_us);
        text_put("\n");
    }
}

/* The source that is named first; complains if there is none, and answers that there is none. */
static uint32_t source_of(char **words, uint32_t count) {
    uint32_t source = count > 0 ? firmware_find_source(words[0]) : BOARD_SOURCE_COUNT;
    if (source == BOARD_SOURCE_COUNT)
        console_complain(count > 0 ? "no such interrupt source" : "no source was named", "irq list shows the sources");
    return source;
}

static void text_line(const char *name, const char *value) {
    text_column(name, 16);
    text_put(value);
    text_put("\n");
}

static void irq_show(char **words, uint32_t count) {
    static const char *const classes[] = {"polled", "quiescent", "forced"};
    static const char *const policies[] = {"its program ends", "the handler is dropped", "the firmware decides"};
    struct wirq_source_info source;
    uint32_t number = source_of(words, count);
    if (wirq_source(firmware_vm, number, &source) != WIRQ_OK)
        return;
    text_line("source", source.name);
    if (firmware_source_vectors[number] != 0xFFFF)
        line("vector", firmware_source_vectors[number], "");
    text_line("class", classes[source.class_]);
    if (source.attached) {
        line("handler", source.function, "");
        line("  level", source.priority, "");
        text_line("  if it traps", policies[source.policy]);
    }
    text_line("enabled", source.enabled ? "yes" : "no");
    text_line("pending", source.pending ? "yes" : "no");
    line("raised", source.raised, "");
    line("  missed", source.missed, "");
    line("delivered", source.delivered, "");
    line("  faults", source.faults, "");
    line("  worst", source.worst_latency_us, " us");
}

static void bound_line(const char *name, uint32_t value, const char *unit) {
    if (value == UINT32_MAX)
        text_line(name, "none");
    else
        line(name, value, unit);
}

/* The longest time from a raise to the handler; its parts as `wirq irq bound` names them. */
static void irq_bound(char **words, uint32_t count) {
    struct wirq_bound bound;
    uint32_t number = source_of(words, count);
    if (number == BOARD_SOURCE_COUNT)
        return;
    wirq_status status = wirq_bound(firmware_vm, number, &bound);
    if (status != WIRQ_OK) {
        if (status == WIRQ_NULL_HANDLER)
            console_complain("it has no handler", "irq list shows the handlers");
        else
            console_complain("this firmware computes no bounds", "its board.toml has no [latency]");
        return;
    }
    line("raise", bound.raise, " instructions");
    line("wait", bound.wait, "");
    line("deliver", bound.deliver, "");
    line("handlers", bound.handlers, "");
    line("section", bound.section, "");
    bound_line("total", bound.total, "");
    bound_line("time", bound.us, " us");
    if (bound.demanded_us != 0)
        line("demanded", bound.demanded_us, " us");
    struct wirq_source_info unlimited;
    if (wirq_source(firmware_vm, bound.unlimited, &unlimited) == WIRQ_OK)
        text_line("without budget", unlimited.name);
}

static void irq_raise(char **words, uint32_t count) {
    uint32_t numbers[3] = {1, 0, 0}; /* count, after, every */
    uint32_t source = source_of(words, count);
    if (source == BOARD_SOURCE_COUNT)
        return;
    for (uint32_t i = 1; i < count; i++) {
        if (i > 3 || !text_parse_number(words[i], i > 1, &numbers[i - 1])) {
            console_complain("irq raise SOURCE [COUNT [AFTER [EVERY]]]", "times such as 500us, 10ms, 1s");
            return;
        }
    }
    if (timers_schedule(source, numbers[0], numbers[1], numbers[2], false) != WIRQ_OK)
        console_complain("too many raises are scheduled already", "wait until one of them is over");
}

static void irq_enable(char **words, uint32_t count, bool on) {
    uint32_t source = source_of(words, count);
    if (source != BOARD_SOURCE_COUNT)
        (void)wirq_enable(firmware_vm, source, on);
}

#define IRQ_FORMS "list | show SOURCE | raise SOURCE [COUNT [AFTER [EVERY]]] | mask SOURCE | unmask SOURCE | bound SOURCE"

static void irq(char **words, uint32_t count) {
    if (count >= 1 && strcmp(words[0], "list") == 0)
        irq_list();
    else if (count >= 1 && strcmp(words[0], "show") == 0)
        irq_show(words + 1, count - 1);
    else if (count >= 1 && strcmp(words[0], "bound") == 0)
        irq_bound(words + 1, count - 1);
    else if (count >= 1 && strcmp(words[0], "raise") == 0)
        irq_raise(words + 1, count - 1);
    else if (count >= 1 && (strcmp(words[0], "mask") == 0 || strcmp(words[0], "unmask") == 0))
        irq_enable(words + 1, count - 1, words[0][0] == 'u');
    else
        console_complain("irq does not do that here", "irq " IRQ_FORMS "\n  the rest is asked from a computer: wirq irq --help");
}

/* ---- peek, pins ---- */

/* Bytes of a line that peek prints, and the most that one command shows. */
enum { PEEK_LINE = 16, PEEK_MOST = 256 };

static void peek(char **words, uint32_t count) {
    uint32_t address, length = PEEK_LINE, size = 0;
    if (count < 1 || count > 2 || !text_parse_number(words[0], false, &address) ||
        (count == 2 && !text_parse_number(words[1], false, &length)) || length > PEEK_MOST) {
        console_complain("peek ADDRESS [LENGTH]", "bytes of the guest's memory, at most 256 at once");
        return;
    }
    const struct wirq_instance *instance = app_instance(app_instance_count() - 1);
    if (instance == NULL) {
        console_complain("there is no guest", "load one: run NAME");
        return;
    }
    const uint8_t *memory = wirq_memory(instance, &size);
    if (memory == NULL || address > size || length > size - address) {
        console_complain(memory == NULL ? "the guest has no memory" : "that is beyond the guest's memory", "ps shows its size");
        return;
    }
    for (uint32_t i = 0; i < length; i++) {
        if (i % PEEK_LINE == 0) {
            text_hex(address + i, 8);
            text_put(" ");
        }
        text_put(" ");
        text_hex(memory[address + i], 2);
        if (i % PEEK_LINE == PEEK_LINE - 1 || i + 1 == length)
            text_put("\n");
    }
}

static void pins(char **words, uint32_t count) {
    (void)words;
    (void)count;
    static const char *const names[] = BOARD_PIN_NAMES;
    for (uint32_t i = 0; i < BOARD_PIN_COUNT; i++) {
        text_column(names[i], 8);
        text_number(board_pin_level(i));
        text_put("\n");
    }
}

/* ---- the table ---- */

static void help(char **words, uint32_t count);

static const struct {
    const char *name;
    void (*run)(char **words, uint32_t count); /* the words after the name */
    const char *help;
} commands[] = {
    {"help", help, "this list"},
    {"info", info, "the board, and where its RAM went"},
    {"ps", ps, "what is loaded and what runs"},
    {"irq", irq, IRQ_FORMS},
    {"peek", peek, "ADDRESS [LENGTH]: the guest's memory"},
    {"pins", pins, "levels of the pins"},
    {"ls", console_ls, "files of the board"},
    {"df", console_df, "room for files"},
    {"rm", console_rm, "NAME: remove a file"},
    {"run", console_start, "NAME: load a file and run it"},
    {"boot", console_boot, "NAME | -: the file that is run at boot, - for none"},
};

static void help(char **words, uint32_t count) {
    (void)words;
    (void)count;
    for (uint32_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        text_column(commands[i].name, 6);
        text_put(commands[i].help);
        text_put("\n");
    }
    text_put("Ctrl-C stops a running guest. What is typed while one runs is its input.\n");
}

/* Splits a line at spaces. Words beyond MOST_WORDS stay together in the last one. */
static uint32_t split(char *text, char *words[MOST_WORDS]) {
    uint32_t count = 0;
    for (;;) {
        while (*text == ' ')
            *text++ = '\0';
        if (*text == '\0')
            return count;
        words[count++] = text;
        if (count == MOST_WORDS)
            return count;
        while (*text != ' ' && *text != '\0')
            text++;
    }
}

void console_run(char *text) {
    char *words[MOST_WORDS];
    uint32_t count = split(text, words);
    if (count == 0)
        return;
    for (uint32_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(words[0], commands[i].name) == 0) {
            commands[i].run(words + 1, count - 1);
            return;
        }
    }
    console_complain("no such command", "help lists them");
}
