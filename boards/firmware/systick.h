/* systick.h: the Cortex-M SysTick as tick counter and alarm. For boards that define SYSTICK in their board.toml. */
#ifndef SYSTICK_H
#define SYSTICK_H

#include <stdint.h>

void systick_init(uint32_t hz);
void systick_isr(void);

#endif
