// The app: boots the engine in its pool, runs the scripts, and sees that they keep to their limits of memory, time and stack.
// microrest.h says what it does for others.

#include "script.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEFAULT_SCRIPT_MS 1000
// Measured on RV32: 5 KB to boot from bytecode, 9 KB for a plain request, 12.5 KB for one that ends in an error and a warning,
// 13.5 KB to parse the core's source. Frames of x86 are three to four times as large, with 32-bit pointers too.
#ifndef MR_STACK_BYTES
#if defined(__i386__) || defined(__x86_64__) || UINTPTR_MAX > 0xffffffff
#define MR_STACK_BYTES (128 * 1024)
#else
#define MR_STACK_BYTES (16 * 1024)
#endif
#endif

// ------------------------------------------------------------------------------------------------------------- memory

// Out of memory, the engine is not to be trusted: where an allocation fails it throws null, or an error of another kind, or it
// crashes. So it never learns of one. Leaving by longjmp is sound because everything that is left behind is in the pool, which
// is emptied: the runtime is not freed, it is forgotten.
static void *must_have(mr_app *app, void *memory) {
  if (!memory) longjmp(app->out_of_memory, 1);
  return memory;
}

#ifdef MR_QUICKJS_NG

static void *engine_malloc(void *app, size_t size) {
  return must_have(app, mr_pool_malloc(&((mr_app *)app)->pool, size));
}

static void *engine_calloc(void *app, size_t count, size_t size) {
  return memset(engine_malloc(app, count * size), 0, count * size);  // (the engine has checked the product)
}

static void engine_free(void *app, void *memory) { mr_pool_free(&((mr_app *)app)->pool, memory); }

static void *engine_realloc(void *app, void *memory, size_t size) {
  return must_have(app, mr_pool_realloc(&((mr_app *)app)->pool, memory, size));
}

static const JSMallocFunctions engine_memory = {
  engine_calloc, engine_malloc, engine_free, engine_realloc, mr_pool_usable_size,
};

#else

// Bellard's QuickJS leaves the counting to these. Its trigger for collections compares the sum.
static void *engine_malloc(JSMallocState *state, size_t size) {
  mr_app *app = state->opaque;
  void *memory = must_have(app, mr_pool_malloc(&app->pool, size));
  state->malloc_count++;
  state->malloc_size += mr_pool_usable_size(memory);
  return memory;
}

static void engine_free(JSMallocState *state, void *memory) {
  mr_app *app = state->opaque;
  if (!memory) return;
  state->malloc_count--;
  state->malloc_size -= mr_pool_usable_size(memory);
  mr_pool_free(&app->pool, memory);
}

static void *engine_realloc(JSMallocState *state, void *memory, size_t size) {
  mr_app *app = state->opaque;
  if (!memory) return size ? engine_malloc(state, size) : NULL;
  if (size == 0) {
    engine_free(state, memory);
    return NULL;
  }
  const size_t before = mr_pool_usable_size(memory);
  memory = must_have(app, mr_pool_realloc(&app->pool, memory, size));
  state->malloc_size += mr_pool_usable_size(memory) - before;
  return memory;
}

static const JSMallocFunctions engine_memory = {engine_malloc, engine_free, engine_realloc, mr_pool_usable_size};

#endif

void *mr_take(mr_region *region, size_t size) {
  const uintptr_t start = ((uintptr_t)region->memory + 7) & ~(uintptr_t)7;
  const size_t taken = (size_t)(start - (uintptr_t)region->memory) + size;
  if (region->size < taken) return NULL;
  region->memory = (char *)region->memory + taken;
  region->size -= taken;
  return memset((void *)start, 0, size);
}

static void set_gc_mark(mr_app *app, size_t mark) {
  app->gc_mark = mark;
  // In case that one event alone makes a lot of garbage: the engine's own trigger, which it looks at when it makes an object.
  JS_SetGCThreshold(app->runtime, mark);
}

// Collects garbage if much of the pool is in use. Objects in no cycle are freed without it; what is in one waits for this.
static void collect(mr_app *app) {
  const mr_pool *pool = &app->pool;
  if (pool->used <= app->gc_mark) return;
  JS_RunGC(app->runtime);
  app->stats.collections++;
  // If most of it was no garbage, it is not tried again before half of what is left is used up.
  const size_t usual = pool->size / 100 * MR_GC_PERCENT;
  const size_t halfway = pool->used + (pool->size - pool->used) / 2;
  set_gc_mark(app, pool->used < usual ? usual : halfway);
}

// ---------------------------------------------------------------------------------------------------------------- time

uint32_t mr_app_clock(const mr_app *app) {
  if (app->config.clock_ms) return app->config.clock_ms();
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)now.tv_sec * 1000 + (uint32_t)(now.tv_nsec / 1000000);
}

static bool is_overtime(const mr_app *app) { return mr_app_clock(app) - app->entered_at > app->config.script_ms; }

static void start_clock(mr_app *app) {
  app->entered_at = mr_app_clock(app);
  app->has_timed_out = false;
}

static int on_interrupt(JSRuntime *runtime, void *opaque) {
  (void)runtime;
  mr_app *app = opaque;
  if (!app->has_timed_out && is_overtime(app)) {
    app->has_timed_out = true;
    app->stats.timeouts++;
  }
  return app->has_timed_out;
}

// ----------------------------------------------------------------------------------------------------------------- log

void mr_app_log(mr_app *app, mr_log_level level, const char *text) {
  if (!app->config.log) return;
  char line[MR_LOG_BYTES];
  while (*text) {
    const size_t length = strcspn(text, "\n");
    size_t kept = length < sizeof line ? length : sizeof line - 1;
    // Not in the middle of a character.
    while (kept < length && kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80) kept--;
    memcpy(line, text, kept);
    line[kept] = 0;
    if (kept) app->config.log(level, line);
    text += length;
    if (*text) text++;
  }
}

void mr_app_caught(mr_app *app, const char *what) {
  JSContext *context = app->context;
  JSValue error = JS_GetException(context);
  const char *text = JS_ToCString(context, error);
  char line[MR_LOG_BYTES];
  snprintf(line, sizeof line, "%s: %s", what, text ? text : "?");
  JS_FreeCString(context, text);
  mr_app_log(app, MR_LOG_ERROR, line);
  if (JS_IsObject(error)) {
    JSValue stack = JS_GetPropertyStr(context, error, "stack");
    text = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
    if (text) mr_app_log(app, MR_LOG_ERROR, text);
    JS_FreeCString(context, text);
    JS_FreeValue(context, stack);
  }
  JS_FreeValue(context, error);
  // (A text or a stack of the script's own making may have thrown in turn.)
  JS_FreeValue(context, JS_GetException(context));
  app->stats.errors++;
}

// ---------------------------------------------------------------------------------------------------------------- boot

mr_app *mr_app_of(JSContext *context) { return JS_GetContextOpaque(context); }

// What the app, the demo and most scripts use. Left out are Proxy, WeakRef and String.prototype.normalize, which cost memory;
// eval and Function are there only for scripts that come as source, Map and its like only if they are used (globals.c).
static void add_intrinsics(JSContext *context) {
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
}

#ifdef MR_NO_SOURCE

static JSValue compile(JSContext *context, const mr_script *script) {
  (void)script;
  return JS_ThrowInternalError(context, "source, and built with MR_NO_SOURCE");
}

#else

static JSValue compile(JSContext *context, const mr_script *script) {
  JS_AddIntrinsicEval(context);
  JS_AddIntrinsicRegExpCompiler(context);
  const int flags = JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY;
  return JS_Eval(context, (const char *)script->data, script->size, script->name, flags);
}

#endif

static JSValue read_bytecode(JSContext *context, const mr_script *script) {
  // (In place, if that is possible.)
  const int flags = JS_READ_OBJ_BYTECODE | JS_READ_OBJ_ROM_DATA;
  return JS_ReadObject(context, script->data, script->size, flags);
}

// Loads what has to come before there is anything else in the pool. False if there is a mistake in it.
//
// Scripts as source, since to compile takes more memory than all that comes after. And bytecode, if it is the first script:
// Bellard's QuickJS leaves the code of functions where it is, in flash, where names have the same numbers as in the bytecode,
// which counts them from the first that a new engine has to give. (So our scripts begin with a name that it has given by then.)
static bool load_first(mr_app *app, JSValue *loaded) {
  for (size_t ix = 0; ix < app->config.n_scripts; ix++) {
    const mr_script *script = &app->config.scripts[ix];
    loaded[ix] = JS_UNDEFINED;
    if (script->kind != MR_SOURCE && ix > 0) continue;
    start_clock(app);
    loaded[ix] = script->kind == MR_SOURCE ? compile(app->context, script) : read_bytecode(app->context, script);
    if (!JS_IsException(loaded[ix])) continue;
    add_intrinsics(app->context);  // (without, an error cannot say what it is)
    mr_app_caught(app, script->name);
    return false;
  }
  return true;
}

// Runs a script. Modules stay with the context, and are found by their names when others import them.
static JSValue run_script(JSContext *context, const mr_script *script, JSValue code) {
  if (JS_IsException(code)) return code;
  if (script->kind == MR_MODULE) return JS_UNDEFINED;
  if (JS_VALUE_GET_TAG(code) == JS_TAG_MODULE && JS_ResolveModule(context, code) < 0) return JS_EXCEPTION;
  return JS_EvalFunction(context, code);
}

static bool run_scripts(mr_app *app, const JSValue *loaded) {
  JSContext *context = app->context;
  for (size_t ix = 0; ix < app->config.n_scripts; ix++) {
    const mr_script *script = &app->config.scripts[ix];
    start_clock(app);
    JSValue value = run_script(context, script, JS_IsUndefined(loaded[ix]) ? read_bytecode(context, script) : loaded[ix]);
    if (JS_IsException(value)) {
      mr_app_caught(app, script->name);
      return false;
    }
    JS_FreeValue(context, value);
  }
  return true;
}

static void run_jobs(mr_app *app);

static bool boot_inside(mr_app *app) {
  app->runtime = JS_NewRuntime2(&engine_memory, app);
  JS_SetMaxStackSize(app->runtime, app->config.stack_bytes);
#ifndef MR_QUICKJS_NG
  // Of scripts that come as source it would keep the text, and where in that everything is: a third of what they take.
  JS_SetStripInfo(app->runtime, MR_KEEP_POSITIONS ? JS_STRIP_SOURCE : JS_STRIP_DEBUG);
#endif
  JS_SetInterruptHandler(app->runtime, on_interrupt, app);
  app->context = JS_NewContextRaw(app->runtime);
  JS_SetContextOpaque(app->context, app);
  app->served = app->handle = app->body_prototype = JS_UNDEFINED;
  set_gc_mark(app, app->pool.size / 100 * MR_GC_PERCENT);
  JSValue *loaded = js_malloc(app->context, app->config.n_scripts * sizeof(JSValue));
  if (!load_first(app, loaded)) return false;
  add_intrinsics(app->context);
  mr_globals_boot(app);
  mr_exchanges_boot(app);
  if (app->config.extend) app->config.extend(app->context);
  if (!run_scripts(app, loaded)) return false;
  js_free(app->context, loaded);
  run_jobs(app);
  if (!JS_IsFunction(app->context, app->served)) {
    mr_app_log(app, MR_LOG_ERROR, "no script has called serve(app)");
    return false;
  }
  collect(app);
  return true;
}

static bool boot(mr_app *app) {
  app->context = NULL;
  app->runtime = NULL;
  app->timers = app->running_timer = NULL;
  app->rejections = NULL;
  app->n_headers = 0;
  app->has_headers = false;
  mr_pool_init(&app->pool);
  for (size_t ix = 0; ix < app->n_regions; ix++) mr_pool_add(&app->pool, app->regions[ix].memory, app->regions[ix].size);

  app->is_inside = true;
  bool is_up = false;
  if (setjmp(app->out_of_memory) == 0) is_up = boot_inside(app);
  else mr_app_log(app, MR_LOG_ERROR, "not enough memory to boot");
  app->is_inside = false;
  if (!is_up) app->context = NULL;
  return is_up;
}

// --------------------------------------------------------------------------------------------------------------- enter

// Runs what promises have set off. Each job has the time limit to itself; all together have it, too, and are continued in the
// next turn: a script that never runs out of jobs must not keep the server from its work.
static void run_jobs(mr_app *app) {
  const uint32_t began = mr_app_clock(app);
  JSContext *context;
  int result;
  do {
    start_clock(app);
    result = JS_ExecutePendingJob(app->runtime, &context);
    if (result < 0) mr_app_caught(app, "job");
  } while (result != 0 && mr_app_clock(app) - began <= app->config.script_ms);
  if (result > 0 && !app->has_timed_out) app->stats.timeouts++;
  mr_rejections_report(app);
}

// Out of memory: forgets the engine with all that it held, and boots another.
static void restart(mr_app *app) {
  char line[MR_LOG_BYTES];
  snprintf(line, sizeof line, "out of memory, restarting: %u of %u bytes in use, the largest free block has %u",
    (unsigned)app->pool.used, (unsigned)app->pool.size, (unsigned)mr_pool_largest(&app->pool));
  mr_app_log(app, MR_LOG_ERROR, line);
  app->stats.restarts++;
  mr_exchanges_lost(app);
  boot(app);
}

bool mr_app_run(mr_app *app, void (*work)(JSContext *context, void *argument), void *argument) {
  if (app->is_inside) return false;
  // (It has failed to boot, maybe for something that passes.)
  if (!app->context && !boot(app)) return false;
  app->is_inside = true;
  if (setjmp(app->out_of_memory)) {
    app->is_inside = false;
    restart(app);
    return false;
  }
  JS_UpdateStackTop(app->runtime);
  start_clock(app);
  work(app->context, argument);
  run_jobs(app);
  collect(app);
  app->is_inside = false;
  return true;
}

static void nothing(JSContext *context, void *argument) {
  (void)context;
  (void)argument;
}

uint32_t mr_app_turn(mr_app *app) {
  if (!app->context) return UINT32_MAX;
  if (JS_IsJobPending(app->runtime)) mr_app_run(app, nothing, NULL);
  const uint32_t wait = mr_timers_run(app);
  return app->context && JS_IsJobPending(app->runtime) ? 0 : wait;
}

// -------------------------------------------------------------------------------------------------------- start and stop

mr_app *mr_app_start(const mr_app_config *config) {
  if (config->n_regions == 0 || config->n_regions > MR_MAX_REGIONS) return NULL;
  mr_region first = config->regions[0];
  mr_app *app = mr_take(&first, sizeof *app);
  if (!app) return NULL;
  app->config = *config;
  app->n_regions = config->n_regions;
  memcpy(app->regions, config->regions, config->n_regions * sizeof *config->regions);
  app->regions[0] = first;
  if (!app->config.script_ms) app->config.script_ms = DEFAULT_SCRIPT_MS;
  if (!app->config.stack_bytes) app->config.stack_bytes = MR_STACK_BYTES;
  return boot(app) ? app : NULL;
}

void mr_app_stop(mr_app *app) {
  // Everything that the engine has is in the pool. Its finalizers are not run: what they could free goes with the pool.
  app->context = NULL;
  app->runtime = NULL;
  mr_pool_init(&app->pool);
}

mr_stats *mr_app_counters(mr_app *app) { return &app->stats; }

void mr_app_stats(mr_app *app, mr_stats *stats) {
  *stats = app->stats;
  stats->pool_size = app->pool.size;
  stats->pool_used = app->pool.used;
  stats->pool_peak = app->pool.peak;
  stats->pool_largest = mr_pool_largest(&app->pool);
}
