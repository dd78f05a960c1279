/* nrf_timer.c: TIMER0 of the nRF51 and nRF52, 32 bits at 1 MHz, is both the clock and the alarm. These chips have no SysTick, or
 * one that stands still while the processor sleeps. Registers: nRF51 Series reference manual, nRF52840 product specification. */
#include "nrf_timer.h"

#include "board.h"

#ifndef BOARD_NRF_TIMER

typedef int this_board_counts_otherwise;

#else

#include "cortexm.h"

#define TIMER_START CHIP_REGISTER(0x40008000)
#define TIMER_CAPTURE(n) CHIP_REGISTER(0x40008040 + 4 * (n))
#define TIMER_COMPARE(n) CHIP_REGISTER(0x40008140 + 4 * (n))
#define TIMER_INTENSET CHIP_REGISTER(0x40008304)
#define TIMER_BITMODE CHIP_REGISTER(0x40008508)
#define TIMER_PRESCALER CHIP_REGISTER(0x40008510)
#define TIMER_CC(n) CHIP_REGISTER(0x40008540 + 4 * (n))

enum { ALARM = 0, NOW = 1 }; /* capture and compare registers */

static struct {
    uint32_t high, last_low; /* the counter has 32 bits */
} ticks;

/* Masked. Called at least once in half a turn of the counter, for the alarm is never set further away. */
static uint64_t count(void) {
    TIMER_CAPTURE(NOW) = 1;
    uint32_t low = TIMER_CC(NOW);
    if (low < ticks.last_low)
        ticks.high++;
    ticks.last_low = low;
    return (uint64_t)ticks.high << 32 | low;
}

uint64_t board_ticks(void) {
    uintptr_t before = cortexm_mask();
    uint64_t now = count();
    cortexm_unmask(before);
    return now;
}

uint32_t board_tick_hz(void) {
    return BOARD_TICK_HZ;
}

void board_alarm(uint64_t wanted) {
    uintptr_t before = cortexm_mask();
    uint64_t now = count(), furthest = now + (UINT32_C(1) << 31);
    uint64_t alarm = wanted < furthest ? wanted : furthest;
    TIMER_CC(ALARM) = (uint32_t)alarm;
    if (alarm <= count() + 1) /* too late for the comparison */
        cortexm_pend(NRF_TIMER0);
    cortexm_unmask(before);
}

void nrf_timer_isr(void) {
    TIMER_COMPARE(ALARM) = 0;
    (void)TIMER_COMPARE(ALARM); /* so that the interrupt is gone before this returns */
    firmware_alarm();
}

void nrf_timer_init(void) {
    TIMER_BITMODE = 3;   /* 32 bits */
    TIMER_PRESCALER = 4; /* 16 MHz / 16 */
    TIMER_INTENSET = UINT32_C(1) << (16 + ALARM);
    TIMER_START = 1;
    cortexm_enable(NRF_TIMER0);
}

#endif
