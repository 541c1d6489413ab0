// An allocator that takes the same instructions for a block whatever has been allocated and freed before: blocks of one size come
// from one list. With the C library's, figures move by a percent or two when something else in a script changes.

#include "memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)1 << 20)

// A class for each multiple of 16 bytes up to 4 KB, then one for each power of two.
#define STEP 16
#define SMALL_BYTES ((size_t)4096)
#define SMALL_CLASSES (SMALL_BYTES / STEP)
#define CLASSES (SMALL_CLASSES + 52)

// A block: its class, and behind that, 16 bytes from the beginning, what is used. While it is free, there is the next in its list.
typedef struct block {
  size_t class;
  size_t unused;
  struct block *next;
} block;

static block *free_blocks[CLASSES];

static size_t class_of(size_t size) {
  if (size <= SMALL_BYTES) return (size + STEP - 1) / STEP;
  const int bits = 64 - __builtin_clzll(size - 1);
  return SMALL_CLASSES - 12 + (size_t)bits;
}

static size_t size_of(size_t class) { return class <= SMALL_CLASSES ? class * STEP : SMALL_BYTES << (class - SMALL_CLASSES); }

static block *block_of(const void *memory) { return (block *)((uintptr_t)memory - offsetof(block, next)); }

static block *carve(size_t size) {
  static char *chunk;
  static size_t room;
  if (size > room) {
    room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    chunk = malloc(room);
    if (!chunk) abort();
  }
  block *carved = (block *)chunk;
  chunk += size;
  room -= size;
  return carved;
}

static void *take(size_t size) {
  const size_t class = class_of(size);
  block *taken = free_blocks[class];
  if (taken) {
    free_blocks[class] = taken->next;
  } else {
    taken = carve(offsetof(block, next) + size_of(class ? class : 1));
    taken->class = class;
  }
  return &taken->next;
}

static void give_back(void *memory) {
  if (!memory) return;
  block *given = block_of(memory);
  given->next = free_blocks[given->class];
  free_blocks[given->class] = given;
}

static size_t usable_size(const void *memory) { return memory ? size_of(block_of(memory)->class) : 0; }

static void *resize(void *memory, size_t size) {
  if (memory && class_of(size) == block_of(memory)->class) return memory;
  const size_t before = usable_size(memory);
  void *other = take(size);
  if (memory) memcpy(other, memory, before < size ? before : size);
  give_back(memory);
  return other;
}

#ifdef QUICKJS_NG

static void *engine_calloc(void *opaque, size_t count, size_t size) {
  (void)opaque;
  return memset(take(count * size), 0, count * size);  // (the engine has checked the product)
}

static void *engine_malloc(void *opaque, size_t size) {
  (void)opaque;
  return take(size);
}

static void engine_free(void *opaque, void *memory) {
  (void)opaque;
  give_back(memory);
}

static void *engine_realloc(void *opaque, void *memory, size_t size) {
  (void)opaque;
  return resize(memory, size);
}

static const JSMallocFunctions functions = {engine_calloc, engine_malloc, engine_free, engine_realloc, usable_size};

#else

// Bellard's QuickJS leaves the counting to these, and collects garbage by it.
static void *engine_malloc(JSMallocState *state, size_t size) {
  void *memory = take(size);
  state->malloc_count++;
  state->malloc_size += usable_size(memory);
  return memory;
}

static void engine_free(JSMallocState *state, void *memory) {
  if (!memory) return;
  state->malloc_count--;
  state->malloc_size -= usable_size(memory);
  give_back(memory);
}

static void *engine_realloc(JSMallocState *state, void *memory, size_t size) {
  if (!memory) return size ? engine_malloc(state, size) : NULL;
  if (size == 0) {
    engine_free(state, memory);
    return NULL;
  }
  const size_t before = usable_size(memory);
  memory = resize(memory, size);
  state->malloc_size += usable_size(memory) - before;
  return memory;
}

static const JSMallocFunctions functions = {engine_malloc, engine_free, engine_realloc, usable_size};

#endif

JSRuntime *new_runtime(void) { return JS_NewRuntime2(&functions, NULL); }
