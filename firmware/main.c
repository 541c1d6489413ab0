// A web server in a program: an app of microrest with a sensor and a lamp, both pretended. This is what a project of your own
// starts from; under an RTOS its main is a task, and what it says on the terminal goes to the log there.
//
//     microrest [name=value …]    such as port=8080 pool=196608 head=300; the names are in `options` below

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microrest.h"
#include "quickjs.h"

#define MAX_POOL (8 * 1024 * 1024)

extern const mr_script mr_scripts[];  // made by tools/bytecode.mjs
extern const size_t mr_n_scripts;

static mr_server *server;
static bool is_lit;

// ------------------------------------------------------------------------------------------ functions for the script

static JSValue read_sensor(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv) {
  static unsigned reading;
  (void)this_value, (void)argc, (void)argv;
  reading++;
  return JS_NewFloat64(context, 20 + (reading % 16) / 8.0);
}

static JSValue set_led(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv) {
  (void)this_value;
  if (argc > 0) is_lit = JS_ToBool(context, argv[0]) > 0;
  return JS_NewBool(context, is_lit);
}

static JSValue read_stats(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv) {
  (void)this_value, (void)argc, (void)argv;
  mr_stats stats = {0};
  // (There is no server yet when the scripts run for the first time.)
  if (server) mr_app_stats(mr_server_app(server), &stats);
  const struct {
    const char *name;
    size_t value;
  } values[] = {
    {"connections", stats.connections}, {"requests", stats.requests}, {"refused", stats.refused}, {"restarts", stats.restarts},
    {"timeouts", stats.timeouts}, {"unanswered", stats.unanswered}, {"errors", stats.errors}, {"rejections", stats.rejections},
    {"collections", stats.collections}, {"pool", stats.pool_size}, {"poolUsed", stats.pool_used}, {"poolPeak", stats.pool_peak},
    {"poolLargest", stats.pool_largest},
  };
  JSValue object = JS_NewObject(context);
  for (size_t ix = 0; ix < sizeof values / sizeof *values; ix++) {
    JS_SetPropertyStr(context, object, values[ix].name, JS_NewInt64(context, (int64_t)values[ix].value));
  }
  return object;
}

static JSValue stop(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv) {
  (void)this_value, (void)argc, (void)argv;
  if (!server) return JS_ThrowTypeError(context, "the server has not started yet");
  mr_stop(server);
  return JS_UNDEFINED;
}

static void extend(JSContext *context) {
  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "readSensor", JS_NewCFunction(context, read_sensor, "readSensor", 0));
  JS_SetPropertyStr(context, global, "led", JS_NewCFunction(context, set_led, "led", 1));
  JS_SetPropertyStr(context, global, "stats", JS_NewCFunction(context, read_stats, "stats", 0));
  JS_SetPropertyStr(context, global, "stop", JS_NewCFunction(context, stop, "stop", 0));
  JS_FreeValue(context, global);
}

// -------------------------------------------------------------------------------------------------------- the program

static void log_line(mr_log_level level, const char *line) {
  fprintf(stderr, "%s%s\n", level == MR_LOG_ERROR ? "! " : "", line);
}

static void on_signal(int number) {
  (void)number;
  mr_stop(server);
}

typedef struct {
  const char *name;
  uint32_t *value;
} option;

// Sets the option that an argument, name=number, names. False if there is none, or no number.
static bool set_option(const option *options, size_t count, const char *argument) {
  const size_t length = strcspn(argument, "=");
  for (size_t ix = 0; ix < count && argument[length]; ix++) {
    if (strlen(options[ix].name) != length || memcmp(options[ix].name, argument, length) != 0) continue;
    const char *digits = argument + length + 1;
    if (!*digits || digits[strspn(digits, "0123456789")]) break;
    *options[ix].value = (uint32_t)strtoul(digits, NULL, 10);
    return true;
  }
  fprintf(stderr, "what is %s?\n", argument);
  return false;
}

int main(int argc, char **argv) {
  static uint8_t memory[2][MAX_POOL / 2];
  uint32_t port = 0, pool = sizeof(void *) == 4 ? 256 * 1024 : 512 * 1024, stack = 0;
  mr_server_config config = {
    .app = {.scripts = mr_scripts, .n_scripts = mr_n_scripts, .extend = extend, .log = log_line},
    .address = "127.0.0.1",
  };
  const option options[] = {
    {"port", &port}, {"pool", &pool}, {"stack", &stack}, {"script", &config.app.script_ms}, {"idle", &config.idle_ms},
    {"head", &config.head_ms}, {"body", &config.body_ms}, {"answer", &config.answer_ms}, {"write", &config.write_ms},
    {"linger", &config.linger_ms},
  };
  for (int ix = 1; ix < argc; ix++) {
    if (!set_option(options, sizeof options / sizeof *options, argv[ix])) return 2;
  }

  if (port > UINT16_MAX) {
    fprintf(stderr, "no port %u\n", (unsigned)port);
    return 2;
  }

  // In two pieces, as a microcontroller has it.
  if (pool > MAX_POOL) pool = MAX_POOL;
  const mr_region regions[] = {{memory[0], pool / 2}, {memory[1], pool / 2}};
  config.app.regions = regions;
  config.app.n_regions = 2;
  config.app.stack_bytes = stack;
  config.port = (uint16_t)port;

  server = mr_start(&config);
  if (!server) return 1;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  printf("listening on http://%s:%u\n", config.address, mr_server_port(server));
  fflush(stdout);
  mr_run(server);

  mr_stats stats;
  mr_app_stats(mr_server_app(server), &stats);
  printf("%zu of %zu bytes in use, %zu at the peak, after %u requests, %u collections and %u restarts\n",
    stats.pool_used, stats.pool_size, stats.pool_peak, (unsigned)stats.requests, (unsigned)stats.collections,
    (unsigned)stats.restarts);
  mr_close(server);
  return 0;
}
