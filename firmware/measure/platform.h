// What measuring wants of the machine that it runs on. Where there is no such counter, 0.

#ifndef PLATFORM_H
#define PLATFORM_H

#include <stddef.h>
#include <stdint.h>

// Instructions that have been executed, modulo 2^32.
uint32_t platform_instructions(void);

// The most bytes of C stack that have been in use below main().
size_t platform_stack_used(void);

// Milliseconds, for time limits. It may stand still: then there are none.
uint32_t platform_ms(void);

#endif
