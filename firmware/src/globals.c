// What scripts expect and a bare engine lacks: console and timers. Collections, for scripts that name one. And a word about promises
// that were rejected without anybody looking.

#include <stdio.h>
#include <string.h>

#include "script.h"

#define MAX_TIMER_MS 0x3fffffff  // 12 days; the clock's differences have 31 bits

// ------------------------------------------------------------------------------------------------------------- console

// Adds text to a line, as far as there is room.
static size_t add(char *line, size_t at, const char *text, size_t size) {
  if (size > MR_LOG_BYTES - 1 - at) size = MR_LOG_BYTES - 1 - at;
  memcpy(line + at, text, size);
  line[at + size] = 0;
  return at + size;
}

// console.log and the others; the level is the magic.
static JSValue console_log(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int level) {
  (void)this_value;
  char line[MR_LOG_BYTES] = "";
  size_t at = 0;
  for (int ix = 0; ix < argc; ix++) {
    if (ix > 0) at = add(line, at, " ", 1);
    size_t size;
    const char *text = JS_ToCStringLen(context, &size, argv[ix]);
    if (!text) return JS_EXCEPTION;
    at = add(line, at, text, size);
    JS_FreeCString(context, text);
    JSValue stack = JS_IsObject(argv[ix]) ? JS_GetPropertyStr(context, argv[ix], "stack") : JS_UNDEFINED;
    if (JS_IsString(stack)) {
      text = JS_ToCStringLen(context, &size, stack);
      at = add(line, at, "\n", 1);
      at = add(line, at, text, size);
      JS_FreeCString(context, text);
    }
    JS_FreeValue(context, stack);
  }
  mr_app_log(mr_app_of(context), (mr_log_level)level, line);
  return JS_UNDEFINED;
}

// -------------------------------------------------------------------------------------------------------------- timers

struct mr_timer {
  mr_timer *next;
  int32_t id;
  uint32_t due;
  uint32_t interval;  // 0: it runs once
  JSValue function;
  int argc;
  JSValue argv[];
};

static bool is_before(uint32_t time, uint32_t other) { return (int32_t)(time - other) < 0; }

static void insert(mr_app *app, mr_timer *timer) {
  mr_timer **link = &app->timers;
  while (*link && !is_before(timer->due, (*link)->due)) link = &(*link)->next;
  timer->next = *link;
  *link = timer;
}

static void free_timer(JSContext *context, mr_timer *timer) {
  JS_FreeValue(context, timer->function);
  for (int ix = 0; ix < timer->argc; ix++) JS_FreeValue(context, timer->argv[ix]);
  js_free(context, timer);
}

// setTimeout and, with magic, setInterval.
static JSValue set_timer(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int repeats) {
  (void)this_value;
  mr_app *app = mr_app_of(context);
  double ms = 0;
  if (argc < 1 || !JS_IsFunction(context, argv[0])) return JS_ThrowTypeError(context, "not a function");
  if (argc > 1 && JS_ToFloat64(context, &ms, argv[1]) < 0) return JS_EXCEPTION;
  // (As elsewhere: at least one, and so is what is no number.)
  const uint32_t delay = ms >= 1 ? (ms < MAX_TIMER_MS ? (uint32_t)ms : MAX_TIMER_MS) : 1;
  const int n_arguments = argc > 2 ? argc - 2 : 0;
  mr_timer *timer = js_malloc(context, sizeof *timer + (size_t)n_arguments * sizeof(JSValue));
  app->last_timer = app->last_timer == INT32_MAX ? 1 : app->last_timer + 1;
  timer->id = app->last_timer;
  timer->due = mr_app_clock(app) + delay;
  timer->interval = repeats ? delay : 0;
  timer->function = JS_DupValue(context, argv[0]);
  timer->argc = n_arguments;
  for (int ix = 0; ix < n_arguments; ix++) timer->argv[ix] = JS_DupValue(context, argv[ix + 2]);
  insert(app, timer);
  return JS_NewInt32(context, timer->id);
}

static JSValue clear_timer(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv) {
  (void)this_value;
  mr_app *app = mr_app_of(context);
  int32_t id;
  if (argc < 1 || !JS_IsNumber(argv[0]) || JS_ToInt32(context, &id, argv[0]) < 0) return JS_UNDEFINED;
  if (app->running_timer && app->running_timer->id == id) app->running_timer->interval = 0;
  for (mr_timer **link = &app->timers; *link; link = &(*link)->next) {
    mr_timer *timer = *link;
    if (timer->id != id) continue;
    *link = timer->next;
    free_timer(context, timer);
    break;
  }
  return JS_UNDEFINED;
}

// Runs the first timer. While it runs it is in no list.
static void run_first(JSContext *context, void *argument) {
  (void)argument;
  mr_app *app = mr_app_of(context);
  mr_timer *timer = app->running_timer = app->timers;
  app->timers = timer->next;
  JSValue result = JS_Call(context, timer->function, JS_UNDEFINED, timer->argc, timer->argv);
  if (JS_IsException(result)) mr_app_caught(app, "timer");
  JS_FreeValue(context, result);
  app->running_timer = NULL;
  if (timer->interval) {
    timer->due = mr_app_clock(app) + timer->interval;
    insert(app, timer);
  } else {
    free_timer(context, timer);
  }
}

uint32_t mr_timers_run(mr_app *app) {
  // Those that are set from now on wait for the next turn, so that one that sets itself again and again lets others have theirs.
  const uint32_t now = mr_app_clock(app);
  while (app->context && app->timers && !is_before(now, app->timers->due)) {
    if (!mr_app_run(app, run_first, NULL)) break;
  }
  if (!app->context || !app->timers) return UINT32_MAX;
  const uint32_t due = app->timers->due;
  const uint32_t later = mr_app_clock(app);
  return is_before(later, due) ? due - later : 0;
}

// ---------------------------------------------------------------------------------------------------- rejected promises

// One that nobody has looked at so far. Somebody still may, until the jobs are done.
struct mr_rejection {
  mr_rejection *next;
  JSValue promise, reason;
};

#ifdef MR_QUICKJS_NG
typedef bool is_handled_t;
#else
typedef JS_BOOL is_handled_t;
#endif

static void free_rejection(JSContext *context, mr_rejection *rejection) {
  JS_FreeValue(context, rejection->promise);
  JS_FreeValue(context, rejection->reason);
  js_free(context, rejection);
}

static void on_rejection(JSContext *context, JSValueConst promise, JSValueConst reason, is_handled_t is_handled, void *opaque) {
  mr_app *app = opaque;
  mr_rejection **link = &app->rejections;
  if (!is_handled) {
    mr_rejection *rejection = js_malloc(context, sizeof *rejection);
    *rejection = (mr_rejection){NULL, JS_DupValue(context, promise), JS_DupValue(context, reason)};
    while (*link) link = &(*link)->next;
    *link = rejection;
    return;
  }
  for (; *link; link = &(*link)->next) {
    mr_rejection *rejection = *link;
    if (JS_VALUE_GET_PTR(rejection->promise) != JS_VALUE_GET_PTR(promise)) continue;
    *link = rejection->next;
    free_rejection(context, rejection);
    break;
  }
}

void mr_rejections_report(mr_app *app) {
  while (app->rejections) {
    mr_rejection *rejection = app->rejections;
    app->rejections = rejection->next;
    app->stats.rejections++;
    JS_Throw(app->context, JS_DupValue(app->context, rejection->reason));
    mr_app_caught(app, "unhandled rejection");
    free_rejection(app->context, rejection);
  }
}

// --------------------------------------------------------------------------------------------------------- collections

static const char *const COLLECTIONS[] = {"Map", "Set", "WeakMap", "WeakSet"};
#define N_COLLECTIONS ((int)(sizeof COLLECTIONS / sizeof *COLLECTIONS))

// A getter and setter for one of them, by its index. All take more than 2 KB, and most apps have none: so the engine makes them, in
// place of these, when a script first names one.
static JSValue collection(JSContext *context, JSValueConst global, int argc, JSValueConst *argv, int ix) {
  JS_AddIntrinsicMapSet(context);
  if (argc == 0) return JS_GetPropertyStr(context, global, COLLECTIONS[ix]);
  JS_SetPropertyStr(context, global, COLLECTIONS[ix], JS_DupValue(context, argv[0]));
  return JS_UNDEFINED;
}

static void define_collections(JSContext *context, JSValueConst global) {
  for (int ix = 0; ix < N_COLLECTIONS; ix++) {
    const JSAtom name = JS_NewAtom(context, COLLECTIONS[ix]);
    JSValue accessor = JS_NewCFunctionMagic(context, collection, COLLECTIONS[ix], 0, JS_CFUNC_generic_magic, ix);
    JS_DefinePropertyGetSet(context, global, name, JS_DupValue(context, accessor), accessor, JS_PROP_CONFIGURABLE);
    JS_FreeAtom(context, name);
  }
}

// ---------------------------------------------------------------------------------------------------------------- boot

void mr_globals_boot(mr_app *app) {
  static const JSCFunctionListEntry console_functions[] = {
    JS_CFUNC_MAGIC_DEF("log", 1, console_log, MR_LOG_INFO),
    JS_CFUNC_MAGIC_DEF("info", 1, console_log, MR_LOG_INFO),
    JS_CFUNC_MAGIC_DEF("debug", 1, console_log, MR_LOG_INFO),
    JS_CFUNC_MAGIC_DEF("warn", 1, console_log, MR_LOG_ERROR),
    JS_CFUNC_MAGIC_DEF("error", 1, console_log, MR_LOG_ERROR),
  };
  static const JSCFunctionListEntry timer_functions[] = {
    JS_CFUNC_MAGIC_DEF("setTimeout", 2, set_timer, 0),
    JS_CFUNC_MAGIC_DEF("setInterval", 2, set_timer, 1),
    JS_CFUNC_DEF("clearTimeout", 1, clear_timer),
    JS_CFUNC_DEF("clearInterval", 1, clear_timer),
  };
  JSContext *context = app->context;
  JSValue global = JS_GetGlobalObject(context);
  JSValue console = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, console, console_functions, sizeof console_functions / sizeof *console_functions);
  JS_SetPropertyStr(context, global, "console", console);
  JS_SetPropertyFunctionList(context, global, timer_functions, sizeof timer_functions / sizeof *timer_functions);
  define_collections(context, global);
  JS_FreeValue(context, global);
  JS_SetHostPromiseRejectionTracker(app->runtime, on_rejection, app);
}
