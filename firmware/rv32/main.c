// The program of ../measure on a microcontroller-like machine: RV32IMC, no operating system, picolibc, memory of a fixed size.
//
// This file is what the machine has to give it: counters, and the calls that the engine makes to an operating system. main() is
// that of ../measure/main.c. QEMU's semihosting gives it arguments and takes its output.

#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "platform.h"

// From the linker script: the stack grows down from here. (Without a size, or the compiler thinks that nothing is in front of it.)
extern struct stack __stack;

// Far more than any task has. (The C library's heap would be there, but nobody calls malloc.)
#define STACK_BYTES (256 * 1024)
#define PAINT 0xa5
#define INSTRUCTIONS_PER_MS 100000  // a device with 100 MHz, in the emulator's time of one instruction a cycle

static uint64_t instructions(void) {
  uint32_t high, low, again;
  do {
    __asm__ volatile(
        ".option push\n.option arch, +zicsr\n"
        "csrr %0, instreth\ncsrr %1, instret\ncsrr %2, instreth\n"
        ".option pop"
        : "=r"(high), "=r"(low), "=r"(again));
  } while (high != again);
  return (uint64_t)high << 32 | low;
}

uint32_t platform_instructions(void) { return (uint32_t)instructions(); }

uint32_t platform_ms(void) { return (uint32_t)(instructions() / INSTRUCTIONS_PER_MS); }

// Paints what is free of the stack before main() is called; what has lost its paint was used.
__attribute__((constructor)) static void paint_stack(void) {
  const uintptr_t bottom = (uintptr_t)&__stack - STACK_BYTES;
  memset((char *)bottom, PAINT, (uintptr_t)__builtin_frame_address(0) - bottom - 256);
}

size_t platform_stack_used(void) {
  uintptr_t at = (uintptr_t)&__stack - STACK_BYTES;
  while (*(const unsigned char *)at == PAINT) at++;
  return (uintptr_t)&__stack - at;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  const uint64_t ms = instructions() / INSTRUCTIONS_PER_MS;
  *now = (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
  return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  const uint64_t ms = instructions() / INSTRUCTIONS_PER_MS;
  *now = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
  return 0;
}
