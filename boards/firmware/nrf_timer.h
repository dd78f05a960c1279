/* nrf_timer.h: TIMER0 of the nRF51 and nRF52 as tick counter and alarm. For boards that define NRF_TIMER in their board.toml. */
#ifndef NRF_TIMER_H
#define NRF_TIMER_H

enum { NRF_TIMER0 = 8 }; /* its interrupt */

void nrf_timer_init(void);
void nrf_timer_isr(void);

#endif
