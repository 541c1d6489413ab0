// The allocator of the script engine: a fixed amount of memory in one or several regions, and nothing beyond it.
//
// Microcontrollers seldom have 128 KB in one piece, hence the regions. A block costs one word (4 bytes where pointers have 32
// bits) and its size is known, which the engine makes use of. The same calls always give the same layout, so a test that passes
// in a pool of some size passes in it everywhere. Not safe to be called from two tasks at once.

#ifndef MR_POOL_H
#define MR_POOL_H

#include <stddef.h>
#include <stdint.h>

// What is handed out begins at a multiple of this. A word is what the heaps of small 32-bit systems keep to as well, and all
// that Bellard's engine needs there; that saves 4 % of what it takes. QuickJS-ng declares that it wants 8.
#ifndef MR_POOL_ALIGNMENT
#ifdef MR_QUICKJS_NG
#define MR_POOL_ALIGNMENT 8
#else
#define MR_POOL_ALIGNMENT sizeof(size_t)
#endif
#endif

// Free blocks are listed by size: every one up to MR_POOL_SMALL has a list of its own, and above that each power of two is
// divided into four.
#define MR_POOL_SMALL 256
#define MR_POOL_LISTS (MR_POOL_SMALL / MR_POOL_ALIGNMENT + 4 * 20)

typedef struct mr_block mr_block;

typedef struct {
  size_t size;  // bytes that can be in use, what blocks cost included
  size_t used;
  size_t peak;  // the most that were in use at once since mr_pool_init
  uint32_t occupied[(MR_POOL_LISTS + 31) / 32];  // a bit for each list that is not empty
  mr_block *free[MR_POOL_LISTS];
} mr_pool;

// Begins with nothing; also forgets all that was allocated.
void mr_pool_init(mr_pool *pool);

// Adds memory. A region that is too small to be of use is ignored.
void mr_pool_add(mr_pool *pool, void *memory, size_t size);

// As malloc and its kin, but for the alignment; NULL if there is no block that is large enough, and then nothing has changed.
void *mr_pool_malloc(mr_pool *pool, size_t size);
void *mr_pool_realloc(mr_pool *pool, void *memory, size_t size);
void mr_pool_free(mr_pool *pool, void *memory);

// How many bytes an allocated block has room for.
size_t mr_pool_usable_size(const void *memory);

// The largest allocation that would succeed now. Walks the largest free blocks.
size_t mr_pool_largest(const mr_pool *pool);

#endif
