// What the server knows of the app besides microrest.h.

#ifndef MR_APP_H
#define MR_APP_H

#include "microrest.h"

// Takes a piece off the front of a region, 8-byte aligned and zeroed; NULL if it is too small.
void *mr_take(mr_region *region, size_t size);

uint32_t mr_app_clock(const mr_app *app);

// Logs text that may have several lines.
void mr_app_log(mr_app *app, mr_log_level level, const char *text);

// The counters, to count in.
mr_stats *mr_app_counters(mr_app *app);

#endif
