// The allocator of the script engine; pool.h says what it does.
//
// Blocks lie end to end in a region. In front of each is one word, its size with two flags in the lowest bits; a free block has
// links of its list behind that word and its size once more in its last word, where the block after it finds it. So neighbours
// are found and joined in constant time. Sizes are multiples of the alignment, 4 at the least, which leaves two bits for the
// flags.

#include "pool.h"

#include <stdbool.h>
#include <string.h>

struct mr_block {
  size_t head;  // size, this word included | flags
  mr_block *next, *previous;  // only while it is free
};

enum { IN_USE = 1, PREVIOUS_IN_USE = 2, FLAGS = 3 };

#define ALIGNMENT ((size_t)MR_POOL_ALIGNMENT)
#define HEAD (sizeof(size_t))
// Room for the word in front, the links, and the size at the end.
#define MIN_BLOCK ((sizeof(mr_block) + HEAD + ALIGNMENT - 1) & ~(ALIGNMENT - 1))
#define MAX_SIZE ((size_t)1 << 28)

static size_t size_of(const mr_block *block) { return block->head & ~(size_t)FLAGS; }
static bool is_free(const mr_block *block) { return !(block->head & IN_USE); }
static void *memory_of(mr_block *block) { return (char *)block + HEAD; }
static mr_block *at(const mr_block *block, size_t offset) { return (mr_block *)((char *)block + offset); }
static mr_block *after(const mr_block *block) { return at(block, size_of(block)); }

static mr_block *block_of(const void *memory) { return (mr_block *)((char *)memory - HEAD); }

// The size of the free block in front, which is in its last word.
static size_t *size_before(const mr_block *block) { return (size_t *)((char *)block - HEAD); }

// What a request needs as a block; 0 if it is absurd.
static size_t block_size(size_t size) {
  if (size > MAX_SIZE) return 0;
  const size_t rounded = (size + HEAD + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  return rounded < MIN_BLOCK ? MIN_BLOCK : rounded;
}

// The list for free blocks of a size. Lists are in order of the sizes in them.
static unsigned list_of(size_t size) {
  if (size < MR_POOL_SMALL) return (unsigned)(size / ALIGNMENT);
  unsigned log2 = 8;
  while (size >> (log2 + 1)) log2++;
  const unsigned list = (unsigned)(MR_POOL_SMALL / ALIGNMENT) + 4 * (log2 - 8) + (unsigned)(size >> (log2 - 2) & 3);
  return list < MR_POOL_LISTS ? list : MR_POOL_LISTS - 1;
}

static void insert(mr_pool *pool, mr_block *block) {
  const unsigned list = list_of(size_of(block));
  block->previous = NULL;
  block->next = pool->free[list];
  if (block->next) block->next->previous = block;
  pool->free[list] = block;
  pool->occupied[list / 32] |= 1u << list % 32;
}

static void take_out(mr_pool *pool, mr_block *block) {
  if (block->next) block->next->previous = block->previous;
  if (block->previous) {
    block->previous->next = block->next;
    return;
  }
  const unsigned list = list_of(size_of(block));
  pool->free[list] = block->next;
  if (!block->next) pool->occupied[list / 32] &= ~(1u << list % 32);
}

// The first list from this one on that is not empty; MR_POOL_LISTS if there is none.
static unsigned next_occupied(const mr_pool *pool, unsigned list) {
  while (list < MR_POOL_LISTS) {
    const uint32_t bits = pool->occupied[list / 32] >> list % 32;
    if (bits) return list + (unsigned)__builtin_ctz(bits);
    list = (list / 32 + 1) * 32;
  }
  return MR_POOL_LISTS;
}

// The smallest block of a list that is large enough, or NULL.
static mr_block *smallest(const mr_pool *pool, unsigned list, size_t size) {
  mr_block *best = NULL;
  for (mr_block *block = pool->free[list]; block; block = block->next) {
    if (size_of(block) < size || (best && size_of(block) >= size_of(best))) continue;
    best = block;
    if (size_of(best) == size) break;
  }
  return best;
}

// Makes a block free that is in no list: joins it with free neighbours.
static void release(mr_pool *pool, mr_block *block) {
  size_t size = size_of(block);
  if (!(block->head & PREVIOUS_IN_USE)) {
    const size_t before = *size_before(block);
    block = (mr_block *)((char *)block - before);
    take_out(pool, block);
    size += before;
  }
  mr_block *next = at(block, size);
  if (is_free(next)) {
    take_out(pool, next);
    size += size_of(next);
    next = at(block, size);
  }
  // (Two free blocks are never side by side: what is in front of this one is in use.)
  block->head = size | PREVIOUS_IN_USE;
  *size_before(next) = size;
  next->head &= ~(size_t)PREVIOUS_IN_USE;
  insert(pool, block);
}

// Gives what a block has beyond size back to the pool, if a block can be made of it. The block is in use, or about to be.
static void trim(mr_pool *pool, mr_block *block, size_t size) {
  const size_t surplus = size_of(block) - size;
  if (surplus < MIN_BLOCK) return;
  block->head = size | (block->head & FLAGS);
  mr_block *rest = at(block, size);
  rest->head = surplus | IN_USE | PREVIOUS_IN_USE;
  pool->used -= surplus;
  release(pool, rest);
}

static void count(mr_pool *pool, size_t more) {
  pool->used += more;
  if (pool->used > pool->peak) pool->peak = pool->used;
}

void mr_pool_init(mr_pool *pool) { memset(pool, 0, sizeof *pool); }

void mr_pool_add(mr_pool *pool, void *memory, size_t size) {
  // The first block begins one word in front of an aligned address, and the last word is a block in use, for it to end at.
  const uintptr_t start = (((uintptr_t)memory + HEAD + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1)) - HEAD;
  const size_t lost = (size_t)(start - (uintptr_t)memory);
  if (size > MAX_SIZE) size = MAX_SIZE;
  if (size < lost + MIN_BLOCK + HEAD) return;
  const size_t room = (size - lost - HEAD) & ~(ALIGNMENT - 1);
  mr_block *block = (mr_block *)start;
  block->head = room | IN_USE | PREVIOUS_IN_USE;
  at(block, room)->head = IN_USE | PREVIOUS_IN_USE;
  pool->size += room;
  release(pool, block);
}

void *mr_pool_malloc(mr_pool *pool, size_t size) {
  const size_t wanted = block_size(size);
  if (wanted == 0) return NULL;
  // In the list of this size some may be too small; in the lists above it none is.
  unsigned list = list_of(wanted);
  mr_block *block = smallest(pool, list, wanted);
  if (!block) {
    list = next_occupied(pool, list + 1);
    if (list == MR_POOL_LISTS) return NULL;
    block = smallest(pool, list, wanted);
  }
  take_out(pool, block);
  block->head |= IN_USE;
  after(block)->head |= PREVIOUS_IN_USE;
  pool->used += size_of(block);
  trim(pool, block, wanted);
  count(pool, 0);
  return memory_of(block);
}

void mr_pool_free(mr_pool *pool, void *memory) {
  if (!memory) return;
  mr_block *block = block_of(memory);
  pool->used -= size_of(block);
  release(pool, block);
}

// Makes a block larger by its free neighbours, if they are enough. What was in it may move to the front.
static mr_block *grow(mr_pool *pool, mr_block *block, size_t wanted) {
  const size_t size = size_of(block);
  mr_block *next = after(block);
  const size_t behind = is_free(next) ? size_of(next) : 0;
  const size_t before = block->head & PREVIOUS_IN_USE ? 0 : *size_before(block);
  if (size + behind >= wanted) {
    take_out(pool, next);
    block->head += behind;
    after(block)->head |= PREVIOUS_IN_USE;
    count(pool, behind);
    return block;
  }
  if (before == 0 || before + size + behind < wanted) return NULL;
  mr_block *front = (mr_block *)((char *)block - before);
  take_out(pool, front);
  if (behind) take_out(pool, next);
  memmove(memory_of(front), memory_of(block), size - HEAD);
  front->head = (before + size + behind) | IN_USE | PREVIOUS_IN_USE;
  after(front)->head |= PREVIOUS_IN_USE;
  count(pool, before + behind);
  return front;
}

void *mr_pool_realloc(mr_pool *pool, void *memory, size_t size) {
  if (!memory) return mr_pool_malloc(pool, size);
  const size_t wanted = block_size(size);
  if (wanted == 0) return NULL;
  mr_block *block = block_of(memory);
  const size_t peak = pool->peak;
  if (wanted > size_of(block)) {
    block = grow(pool, block, wanted);
    if (!block) {
      void *copy = mr_pool_malloc(pool, size);
      if (!copy) return NULL;
      memcpy(copy, memory, mr_pool_usable_size(memory));
      mr_pool_free(pool, memory);
      return copy;
    }
  }
  trim(pool, block, wanted);
  // (What was taken from neighbours and given back at once was never in use.)
  pool->peak = peak;
  count(pool, 0);
  return memory_of(block);
}

size_t mr_pool_usable_size(const void *memory) {
  return memory ? size_of(block_of(memory)) - HEAD : 0;
}

size_t mr_pool_largest(const mr_pool *pool) {
  size_t largest = 0;
  for (unsigned list = MR_POOL_LISTS; list-- > 0 && !largest;) {
    for (const mr_block *block = pool->free[list]; block; block = block->next) {
      if (size_of(block) > largest) largest = size_of(block);
    }
  }
  return largest ? largest - HEAD : 0;
}
