// A QuickJS runtime whose allocator has no history: see memory.c.

#ifndef MEMORY_H
#define MEMORY_H

#include "quickjs.h"

JSRuntime *new_runtime(void);

#endif
