// What the parts of the app share: script.c boots the engine and enters it, exchange.c carries requests and answers, globals.c
// has what a bare engine lacks. Their common rules:
//
//   - Only what runs inside mr_app_run, or is called by it, calls the engine. There a failed allocation never returns: it leaves by
//     longjmp, the pool is emptied and the engine booted anew. So no result of an allocation has to be checked, and what has to
//     outlive a restart is not kept in the pool.
//   - Nothing of the server is called while it could call back.

#ifndef MR_SCRIPT_H
#define MR_SCRIPT_H

#include <setjmp.h>

#include "app.h"
#include "pool.h"
#include "quickjs.h"

typedef struct mr_piece mr_piece;
typedef struct mr_timer mr_timer;
typedef struct mr_rejection mr_rejection;

// A request that is not answered yet.
struct mr_exchange {
  mr_app *app;
  const mr_sink *sink;
  void *to;
  bool is_live;
  bool has_head;  // of the answer
  bool has_ended;
  bool wants_drain;      // write has answered false
  JSValue reply, input;  // the object that the script answers by, and what it gave for it
  mr_piece *first, *last;  // of the answer, that the sink had no room for
};

struct mr_app {
  mr_app_config config;
  mr_region regions[MR_MAX_REGIONS];  // less what was taken from them
  size_t n_regions;
  mr_pool pool;
  mr_stats stats;

  JSRuntime *runtime;
  JSContext *context;  // NULL if there is no engine: it could not be booted
  JSValue served, handle, body_prototype;
  mr_timer *timers;  // by time
  mr_timer *running_timer;
  int32_t last_timer;
  mr_rejection *rejections;
  mr_exchange exchanges[MR_EXCHANGES];
  mr_header headers[MR_MAX_HEADERS];  // of the answer whose head is going out
  size_t n_headers;
  bool has_headers;

  bool is_inside;
  bool has_timed_out;
  uint32_t entered_at;
  size_t gc_mark;  // pool in use above which garbage is collected
  jmp_buf out_of_memory;
};

mr_app *mr_app_of(JSContext *context);

// Logs the pending exception with what was going on, counts it, and forgets it.
void mr_app_caught(mr_app *app, const char *what);

// exchange.c: the class of replies; and what becomes of live exchanges when the engine is gone.
void mr_exchanges_boot(mr_app *app);
void mr_exchanges_lost(mr_app *app);

// globals.c: console, timers, collections; runs what is due, answers as mr_app_turn; reports the rejections that are left unhandled.
void mr_globals_boot(mr_app *app);
uint32_t mr_timers_run(mr_app *app);
void mr_rejections_report(mr_app *app);

#endif
