/* systick.c: one 24-bit counter is both the clock and the alarm. A period of the counter is as long as the time to the next
 * alarm, or as long as it can be; where periods begin is kept in 64 bits. While interrupts are held off for more than a period
 * (only bench does that) the clock loses time; the alarm itself has the longest period. */
#include "systick.h"

#include "board.h"

#ifndef BOARD_SYSTICK

typedef int this_board_counts_otherwise;

#else

#include "cortexm.h"

#define LONGEST UINT32_C(0xFFFFFF)
#define SHORTEST 64 /* cycles: enough to leave the code that set it */

#define CSR_ENABLE 1u
#define CSR_TICKINT 2u
#define CSR_CLKSOURCE_CPU 4u

static uint64_t begin;  /* ticks when the counter was last 0 */
static uint32_t period; /* of the counter as it runs now */
static uint64_t last;   /* the largest count that was told */
static uint32_t tick_hz;

/* The clock is read twice in every interrupt's way: it is one piece of code. */
#define INLINE static inline __attribute__((always_inline))

/* Ticks since the counter was 0. */
INLINE uint32_t since_zero(uint32_t value) {
    return value == 0 ? 0 : period - value;
}

/* Masked. */
INLINE uint64_t count(void) {
    uint32_t value = SYST_CVR;
    uint64_t ticks = begin + since_zero(value);
    if (SCB_ICSR & ICSR_PENDSTSET) /* it has been 0 since, and the ISR could not say so yet */
        ticks = begin + period + since_zero(SYST_CVR);
    /* The counter may have come to 0 and not said so yet (QEMU), or more than once while interrupts were held off. */
    if (ticks > last)
        last = ticks;
    return last;
}

uint64_t board_ticks(void) {
    uintptr_t before = cortexm_mask();
    uint64_t ticks = count();
    cortexm_unmask(before);
    return ticks;
}

uint32_t board_tick_hz(void) {
    return tick_hz;
}

/* Begins a period of a length now. It loses the few cycles between the count and its clearing. */
static void restart(uint32_t length) {
    begin = count(); /* before the new length is set: the counter may turn over at any time */
    SYST_RVR = length - 1;
    SYST_CVR = 0;
    SCB_ICSR = ICSR_PENDSTCLR;
    period = length;
    last = begin;
}

void board_alarm(uint64_t ticks) {
    uintptr_t before = cortexm_mask();
    uint64_t now = count();
    uint64_t left = ticks > now ? ticks - now : 0;
    restart(left > LONGEST ? LONGEST : left < SHORTEST ? SHORTEST : (uint32_t)left);
    cortexm_unmask(before);
}

void systick_isr(void) {
    begin += period;
    restart(LONGEST); /* what is due may take longer to raise than the next period is long: the clock must not lose that */
    firmware_alarm();
}

void systick_init(uint32_t hz) {
    tick_hz = hz;
    period = LONGEST;
    SYST_RVR = period - 1;
    SYST_CVR = 0;
    SYST_CSR = CSR_ENABLE | CSR_TICKINT | CSR_CLKSOURCE_CPU;
}

#endif
