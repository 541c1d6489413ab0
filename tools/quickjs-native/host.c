// QuickJS as a program that does the same each time: runs classic scripts one after the other, each followed by its jobs.
//
//     qjs script.js…
//
// Beside the language, scripts have these functions:
//
//     print(text)              writes a line
//     cpuTime()                nanoseconds of CPU time that this process has taken
//     count(name, f, n)        calls f(n) and runs the jobs that it leaves. Under callgrind the instructions of that, and no
//                              others, are dumped under the name
//     keepGarbage()            no more collections: only what is in no cycle is freed
//
// The clock that the engine knows stands still, as it is also the seed of its random numbers and of its hashes: a program that is
// given the same scripts takes the same instructions.

#include <alloca.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "memory.h"

#define STANDING_SECOND 1700000000
#define PAGE 4096

// The linker puts these in place of the library's functions (--wrap).
int __wrap_gettimeofday(struct timeval *now, void *zone);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  *now = (struct timeval){.tv_sec = STANDING_SECOND};
  return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  *now = (struct timespec){.tv_sec = STANDING_SECOND};
  return 0;
}

static JSValue print(JSContext *context, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self;
  const char *text = argc > 0 ? JS_ToCString(context, argv[0]) : NULL;
  if (!text) return JS_EXCEPTION;
  puts(text);
  JS_FreeCString(context, text);
  return JS_UNDEFINED;
}

static JSValue cpu_time(JSContext *context, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self;
  (void)argc;
  (void)argv;
  struct timespec now;
  __real_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return JS_NewFloat64(context, (double)now.tv_sec * 1e9 + (double)now.tv_nsec);
}

// Runs jobs until there are none; false if one has thrown.
static bool run_jobs(JSRuntime *runtime) {
  JSContext *context;
  int more;
  while ((more = JS_ExecutePendingJob(runtime, &context)) > 0) continue;
  return more == 0;
}

static JSValue count(JSContext *context, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self;
  const char *name = argc == 3 ? JS_ToCString(context, argv[0]) : NULL;
  if (!name) return JS_ThrowTypeError(context, "count(name, f, n)");
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  JSValue result = JS_Call(context, argv[1], JS_UNDEFINED, 1, argv + 2);
  if (!JS_IsException(result) && !run_jobs(JS_GetRuntime(context))) result = JS_EXCEPTION;
  CALLGRIND_DUMP_STATS_AT(name);
  CALLGRIND_STOP_INSTRUMENTATION;
  JS_FreeCString(context, name);
  return result;
}

static JSValue keep_garbage(JSContext *context, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self;
  (void)argc;
  (void)argv;
  JS_SetGCThreshold(JS_GetRuntime(context), SIZE_MAX);
  return JS_UNDEFINED;
}

#ifdef QUICKJS_NG
typedef bool engine_bool;
#else
typedef JS_BOOL engine_bool;
#endif

static int unhandled;
static JSValue last_reason;

// A promise that nobody waits for must not fail unseen.
static void note_rejection(JSContext *context, JSValueConst promise, JSValueConst reason, engine_bool is_handled, void *opaque) {
  (void)promise;
  (void)opaque;
  unhandled += is_handled ? -1 : 1;
  if (!is_handled) last_reason = JS_DupValue(context, reason);
}

static void define(JSContext *context, const char *name, JSCFunction *function, int length) {
  const JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, name, JS_NewCFunction(context, function, name, length));
  JS_FreeValue(context, global);
}

// The text of a file, with a 0 behind it, as the engine wants.
static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  char *text = NULL;
  size_t used = 0;
  for (size_t room = 1 << 16;; room *= 2) {
    text = realloc(text, room);
    if (!text) abort();
    used += fread(text + used, 1, room - 1 - used, file);
    if (used < room - 1) break;
  }
  fclose(file);
  text[used] = 0;
  *size = used;
  return text;
}

static int fail(JSContext *context, const char *path, JSValueConst error) {
  const JSValue stack = JS_GetPropertyStr(context, error, "stack");
  const char *message = JS_ToCString(context, error), *lines = JS_ToCString(context, stack);
  fprintf(stderr, "%s: %s\n%s", path, message ? message : "", lines ? lines : "");
  return 1;
}

// Runs a script and all the jobs that it leaves; answers 0 if nothing was thrown.
static int run(JSContext *context, const char *path) {
  size_t size;
  char *text = read_file(path, &size);
  if (!text) {
    perror(path);
    return 1;
  }
  // (By its last name: where a script lies makes no difference.)
  const char *slash = strrchr(path, '/');
  const JSValue result = JS_Eval(context, text, size, slash ? slash + 1 : path, JS_EVAL_TYPE_GLOBAL);
  free(text);
  if (JS_IsException(result) || !run_jobs(JS_GetRuntime(context))) return fail(context, path, JS_GetException(context));
  if (unhandled > 0) return fail(context, path, last_reason);
  JS_FreeValue(context, result);
  return 0;
}

static __attribute__((noinline)) int run_all(int argc, char **argv) {
  JSRuntime *runtime = new_runtime();
  JSContext *context = runtime ? JS_NewContext(runtime) : NULL;
  if (!context) abort();
  JS_SetMaxStackSize(runtime, 1 << 20);
  JS_SetHostPromiseRejectionTracker(runtime, note_rejection, NULL);
  define(context, "print", print, 1);
  define(context, "cpuTime", cpu_time, 0);
  define(context, "count", count, 3);
  define(context, "keepGarbage", keep_garbage, 0);
  // (The process ends here: nothing of it has to be freed.)
  for (int ix = 1; ix < argc; ix++) {
    if (run(context, argv[ix])) return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  // Where the stack begins depends on the environment and on the length of paths, and copying takes more or fewer instructions by
  // where in a line of memory it begins. So this much of the stack is skipped, and the rest lies the same in every run.
  char *skipped = alloca((uintptr_t)__builtin_frame_address(0) % PAGE);
  __asm__ volatile("" : : "r"(skipped) : "memory");
  return run_all(argc, argv);
}
