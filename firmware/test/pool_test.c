// Calls the allocator at random, and looks at every byte that it handed out:
//
//     pool_test SEED CALLS
//
// Prints what the pool counts in the end, when all has been given back; aborts where something is wrong.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/pool.h"

#define N_BLOCKS 500

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                \
    }                                                                         \
  } while (0)

// Large, small and too small to be of use; not where an aligned block begins.
static unsigned char large[60007], other[30011], small[3001], tiny[20];

static struct {
  unsigned char *memory;
  size_t size;
  unsigned char content;
} blocks[N_BLOCKS];

static uint32_t seed;

static uint32_t random_below(uint32_t limit) {
  seed = seed * 1664525 + 1013904223;
  return (uint32_t)((uint64_t)seed * limit >> 32);
}

static size_t random_size(void) { return random_below(20) == 0 ? random_below(8000) : random_below(200); }

static bool is_within(const unsigned char *memory, size_t size) {
  return (memory >= large && memory + size <= large + sizeof large) || (memory >= other && memory + size <= other + sizeof other)
    || (memory >= small && memory + size <= small + sizeof small);
}

static void check_content(int ix, size_t size) {
  for (size_t at = 0; at < size; at++) CHECK(blocks[ix].memory[at] == blocks[ix].content);
}

static void fill(int ix, size_t size) {
  CHECK((uintptr_t)blocks[ix].memory % MR_POOL_ALIGNMENT == 0);
  CHECK(mr_pool_usable_size(blocks[ix].memory) >= size);
  CHECK(is_within(blocks[ix].memory, mr_pool_usable_size(blocks[ix].memory)));
  blocks[ix].size = size;
  blocks[ix].content = (unsigned char)random_below(256);
  memset(blocks[ix].memory, blocks[ix].content, size);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  seed = (uint32_t)strtoul(argv[1], NULL, 10);
  static mr_pool pool;
  mr_pool_init(&pool);
  mr_pool_add(&pool, large + 1, sizeof large - 1);
  mr_pool_add(&pool, tiny, sizeof tiny);
  mr_pool_add(&pool, other + 2, sizeof other - 2);
  mr_pool_add(&pool, small + 3, sizeof small - 3);
  const size_t largest = mr_pool_largest(&pool);
  unsigned long refused = 0;

  for (unsigned long calls = strtoul(argv[2], NULL, 10); calls > 0; calls--) {
    const int ix = (int)random_below(N_BLOCKS);
    const size_t size = random_size(), before = pool.used;
    if (!blocks[ix].memory) {
      const bool must_fail = size > mr_pool_largest(&pool);
      blocks[ix].memory = mr_pool_malloc(&pool, size);
      // It is refused if and only if no free block is large enough.
      CHECK(must_fail == !blocks[ix].memory);
      if (blocks[ix].memory) fill(ix, size);
      else CHECK(pool.used == before && ++refused);
    } else if (random_below(2) == 0) {
      check_content(ix, blocks[ix].size);
      mr_pool_free(&pool, blocks[ix].memory);
      blocks[ix].memory = NULL;
      CHECK(pool.used < before);
    } else {
      unsigned char *moved = mr_pool_realloc(&pool, blocks[ix].memory, size);
      if (moved) blocks[ix].memory = moved;
      // What was in it has come along, or has stayed.
      check_content(ix, moved && size < blocks[ix].size ? size : blocks[ix].size);
      if (moved) fill(ix, size);
      else CHECK(pool.used == before && ++refused);
    }
    CHECK(pool.used <= pool.size && pool.used <= pool.peak && pool.peak <= pool.size);
  }

  for (int ix = 0; ix < N_BLOCKS; ix++) {
    if (!blocks[ix].memory) continue;
    check_content(ix, blocks[ix].size);
    mr_pool_free(&pool, blocks[ix].memory);
  }
  printf("{\"size\":%zu,\"used\":%zu,\"peak\":%zu,\"refused\":%lu,\"joined\":%s}\n", pool.size, pool.used, pool.peak, refused,
    mr_pool_largest(&pool) == largest ? "true" : "false");
  return 0;
}
