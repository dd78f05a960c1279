/* console_files.c: what the console can do with files. */
#include <string.h>

#include "app.h"
#include "autostart.h"
#include "console.h"
#include "files.h"
#include "kept_code.h"
#include "link_table.h"
#include "text.h"

void console_ls(char **words, uint32_t count) {
    (void)words;
    (void)count;
    struct store_file file;
    bool frozen;
    for (uint32_t position = 0; files_next(&position, &file, &frozen);) {
        text_number_column(file.size, 8);
        text_write(file.name, file.name_length);
        if (files_is_autostart(&file))
            text_put(", run at boot");
        if (frozen)
            text_put(", frozen");
        text_put("\n");
    }
}

void console_df(char **words, uint32_t count) {
    (void)words;
    (void)count;
    struct store_space space;
    files_space(&space);
    text_number(space.used);
    text_put(" of ");
    text_number(space.size);
    text_put(files_store_kind() == LINK_STORE_RAM ? " bytes of RAM in use: a reset empties it\n" : " bytes in use\n");
    text_number(space.largest);
    text_put(" bytes: the largest file that fits\n");
    if (kept_code_possible()) {
        text_number(kept_code_bytes());
        text_put(" bytes in use are lowered code, which gives way to files\n");
    }
}

static void tell(wirq_status status, uint32_t count) {
    if (count == 0)
        console_complain("no file was named", "ls lists the files");
    else if (status == WIRQ_UNKNOWN_FILE)
        console_complain("no such file", "ls lists the files");
    else if (status == WIRQ_BUSY)
        console_complain("something runs", "Ctrl-C stops it");
    else if (status != WIRQ_OK)
        console_complain("that failed", "df tells whether there is room");
}

void console_rm(char **words, uint32_t count) {
    tell(count == 0 ? WIRQ_OK : files_remove(words[0], (uint32_t)strlen(words[0])), count);
}

void console_start(char **words, uint32_t count) {
    tell(count == 0 ? WIRQ_OK : autostart_run(words[0], (uint32_t)strlen(words[0])), count);
}

void console_boot(char **words, uint32_t count) {
    uint32_t length = count == 0 ? 0 : (uint32_t)strlen(words[0]);
    if (count > 0 && strcmp(words[0], "-") == 0)
        length = 0;
    tell(count == 0 ? WIRQ_OK : app_is_loading() ? WIRQ_BUSY : files_set_autostart(words[0], length), count);
}
