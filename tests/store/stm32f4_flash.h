/* stm32f4_flash.h: registers as stm32f4_flash.c plays them; included before everything by the compiler's command line. */
#ifndef STM32F4_FLASH_H
#define STM32F4_FLASH_H

#include <stdint.h>

volatile uint32_t *played(uint32_t address);

#endif
