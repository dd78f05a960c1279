/* uart_echo: sends back what is typed, and sleeps in between.
 *
 *     wirq run examples/uart_echo/uart_echo.c
 *
 * wirq_wait() is the simplest way to meet interrupts: the program stops there until one has come, the processor sleeps, and no
 * code ever runs in the middle of other code. Ctrl-D ends the program.
 */
#include "wirq_guest.h"

enum { CTRL_D = 4 };

int main(void) {
    char text[64];

    wirq_print("type something; Ctrl-D ends\n");
    for (;;) {
        /* First everything that is there, then sleep: a byte that arrives between the two wakes the sleep at once. */
        int32_t length;
        while ((length = board_read(text, sizeof text)) > 0) {
            for (int32_t i = 0; i < length; i++) {
                if (text[i] == CTRL_D) {
                    board_write(text, (size_t)i);
                    wirq_print("\nbye\n");
                    return 0;
                }
            }
            board_write(text, (size_t)length);
        }
        wirq_wait(-1);
    }
}
