// microrest for firmware: an app of microrest, in a QuickJS with a fixed amount of memory, behind BSD sockets.
//
//     static mr_region memory[] = { { heap, sizeof heap } };
//     mr_server *server = mr_start(&(mr_server_config){
//       .app = { .regions = memory, .n_regions = 1, .scripts = mr_scripts, .n_scripts = mr_n_scripts },
//       .port = 80,
//     });
//     mr_run(server);
//
// Two layers. The app (mr_app_…) is the engine and the scripts, without any socket: who has a server already, such as
// esp_http_server, hands it requests and takes its answers. The server (mr_start and so on) is one made with it. Neither
// allocates a byte besides the regions it is given at start; neither starts a task; all calls belong in one task, mr_stop
// excepted.

#ifndef MICROREST_H
#define MICROREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct JSContext;  // of quickjs.h, which only those need who add functions of their own

#ifdef __cplusplus
extern "C" {
#endif

// ------------------------------------------------------------------------------------------------- compile-time limits

#ifndef MR_CONNECTIONS
#define MR_CONNECTIONS 4  // at once; the next wait in the backlog
#endif
#ifndef MR_EXCHANGES
#define MR_EXCHANGES MR_CONNECTIONS  // requests that the app has not answered yet
#endif
#ifndef MR_IN_BYTES
#define MR_IN_BYTES 2048  // of a connection: a request's head, and its body where that fits in behind it
#endif
#ifndef MR_OUT_BYTES
#define MR_OUT_BYTES 2048  // of a connection: the head of an answer has to fit in, its body passes through in pieces
#endif
#ifndef MR_BODY_BYTES
#define MR_BODY_BYTES 8192  // the longest body of a request, over it 413
#endif
#ifndef MR_BODY_BUFFERS
#define MR_BODY_BUFFERS 1  // for bodies that do not fit in MR_IN_BYTES; connections take turns
#endif
#ifndef MR_MAX_REGIONS
#define MR_MAX_REGIONS 4
#endif
#ifndef MR_MAX_HEADERS
#define MR_MAX_HEADERS 24  // header fields in an answer
#endif
#ifndef MR_LOG_BYTES
#define MR_LOG_BYTES 256  // of a line that is logged; the rest is cut off
#endif
#ifndef MR_KEEP_POSITIONS
#define MR_KEEP_POSITIONS 0  // of scripts that come as source, for line numbers in stack traces; costs memory
#endif
// (MR_NO_SOURCE, if it is defined, leaves the compiler out: scripts are bytecode then.)
#ifndef MR_GC_PERCENT
#define MR_GC_PERCENT 75  // of the pool in use, above it garbage is collected after an event
#endif

// -------------------------------------------------------------------------------------------------------------- the app

typedef struct {
  void *memory;
  size_t size;
} mr_region;

typedef enum {
  MR_SOURCE,    // text of a classic script, with a 0 behind it that size does not count
  MR_BYTECODE,  // of qjsc, of the same version of the engine; a classic script, or the module that is run
  MR_MODULE,    // bytecode of a module that is imported by a later one
} mr_script_kind;

typedef struct {
  const char *name;
  const uint8_t *data;
  size_t size;
  mr_script_kind kind;
} mr_script;

typedef enum { MR_LOG_INFO, MR_LOG_ERROR } mr_log_level;

typedef struct {
  // Memory for all that there is. The app and the server take what they need for themselves from the first region, the engine
  // has what remains. None may be used for anything else while the app is up. At most MR_MAX_REGIONS.
  const mr_region *regions;
  size_t n_regions;

  // Run in this order. They find serve(app, handle?), console, setTimeout, setInterval and their clear… as globals; one of them
  // has to call serve. `handle` is that of microrest/embed, by default microrest.handle of the ES5 script. The list and what it
  // refers to are kept, not copied.
  const mr_script *scripts;
  size_t n_scripts;

  // Called before the scripts are, also after a restart: defines your own functions with the engine's C API. The context's
  // and the runtime's opaque pointers are taken.
  void (*extend)(struct JSContext *context);

  // Gets console's lines and reports of errors. Default is none.
  void (*log)(mr_log_level level, const char *line);

  // Milliseconds that never go back, but may wrap around. Default is CLOCK_MONOTONIC.
  uint32_t (*clock_ms)(void);

  uint32_t script_ms;  // how long the script may run at a stretch, then its request is answered with 500. Default 1000
  size_t stack_bytes;  // how much C stack the engine may use. Default 16 KB; on x86 and with 64-bit pointers 128 KB
} mr_app_config;

typedef struct {
  uint32_t connections;  // that the server has accepted
  uint32_t requests;     // that the app was given
  uint32_t refused;      // that were not for the app: malformed, too long, too slow
  uint32_t restarts;     // of the engine, because memory had run out
  uint32_t timeouts;     // the script ran for longer than script_ms
  uint32_t unanswered;   // the app did not answer in time
  uint32_t errors;       // exceptions that nobody caught, unhandled rejections of promises included
  uint32_t rejections;   // those alone
  uint32_t collections;  // of garbage
  size_t pool_size, pool_used, pool_peak;  // in bytes; the peak is that since the last (re)start
  size_t pool_largest;                     // the largest block that is free
} mr_stats;

// Text with its length, valid during the call only. What the app is given need have no 0 at its end; header fields that a sink
// is given have one, and none inside.
typedef struct {
  const char *data;
  size_t size;
} mr_text;

typedef struct {
  mr_text name, value;
} mr_header;

typedef struct {
  mr_text method;  // upper-case
  mr_text target;  // /path?query, as on the wire
  const mr_header *headers;
  size_t n_headers;
  const void *body;  // the whole body; steps get it as a Uint8Array whose toString() is its text
  size_t body_size;
  const char *address;  // of the client, for req.socket; NULL if it is not known
  uint16_t port;
} mr_request;

// What takes an answer; `to` is what was given with the request. Either answer alone, or the other four. None of them may call
// the app.
typedef struct {
  // The whole answer, once.
  void (*answer)(void *to, int status, const mr_header *headers, size_t n_headers, const void *body, size_t size);

  // The head, once. Names are lower-case, and nothing in here can break out of its line. False: it is too long for you.
  bool (*head)(void *to, int status, const mr_header *headers, size_t n_headers);
  // A piece of the body. Says how many bytes were taken; for the rest to be offered call mr_app_drain when there is room again.
  size_t (*write)(void *to, const void *data, size_t size);
  // The body is whole.
  void (*end)(void *to);
  // There will be no (more) answer: say `status` to the client if nothing was said yet, else cut the connection. 0: cut it.
  void (*fail)(void *to, int status);
} mr_sink;

typedef struct mr_app mr_app;
typedef struct mr_exchange mr_exchange;

// Boots the engine and runs the scripts. NULL if they fail or no app is served; the log says why.
mr_app *mr_app_start(const mr_app_config *config);

// Hands over a request. The answer may come before this returns, or in a later call of any function of the app. Answers what
// the two below want; NULL if the answer was given or has failed already. After end, fail or answer it is no longer valid.
mr_exchange *mr_app_handle(mr_app *app, const mr_request *request, const mr_sink *sink, void *to);

// There is room again for what write could not take.
void mr_app_drain(mr_exchange *exchange);

// The client has left. The sink hears no more.
void mr_app_abort(mr_exchange *exchange);

// Runs timers that are due. Answers how long it may wait until the next call, in milliseconds; UINT32_MAX if there is no timer.
uint32_t mr_app_turn(mr_app *app);

// Runs a function of yours in the engine, within its limits of time and memory, and then what it has set off: for events of your
// own that are to reach the script. False if it was broken off, because memory had run out. Not to be called from within itself.
bool mr_app_run(mr_app *app, void (*work)(struct JSContext *context, void *argument), void *argument);

// Frees the engine. The regions are yours again.
void mr_app_stop(mr_app *app);

void mr_app_stats(mr_app *app, mr_stats *stats);

// ----------------------------------------------------------------------------------------------------------- the server

typedef struct {
  mr_app_config app;
  const char *address;  // IPv4 or IPv6, as digits. Default 0.0.0.0
  uint16_t port;        // 0 is any free one

  // Time limits in milliseconds, each with its default.
  uint32_t idle_ms;    // 5000: between requests
  uint32_t head_ms;    // 10000: for a request's head, from its first byte
  uint32_t body_ms;    // 20000: for its body
  uint32_t answer_ms;  // 10000: for the app to begin its answer; then 503. Once the client sends no more: for each piece
  uint32_t write_ms;   // 10000: for the client to take MR_OUT_BYTES
  uint32_t linger_ms;  // 2000: for the client to close, after the last answer

  // Seconds since 1970, for the Date field. Default is time(). What is before 2020 is no clock that has been set: no Date then.
  int64_t (*time)(void);
} mr_server_config;

typedef struct mr_server mr_server;

// Boots the app and listens. NULL if that fails; the log says why.
mr_server *mr_start(const mr_server_config *config);

// The app of a server, and the port that it listens on.
mr_app *mr_server_app(mr_server *server);
uint16_t mr_server_port(const mr_server *server);

// One turn of the loop: waits for something to do, at most so long, and does it. False when the server has stopped.
bool mr_poll(mr_server *server, uint32_t timeout_ms);

// Turns until it is stopped.
void mr_run(mr_server *server);

// Stops: no new connections, idle ones are closed, busy ones after their answer; what is not out answer_ms later is cut off (also
// the answer to a client that has left: whether it still reads nobody knows). May be called from a signal handler, from another
// task and by the app; takes effect within a second.
void mr_stop(mr_server *server);

// Closes all that is still open and frees the engine. The regions are yours again.
void mr_close(mr_server *server);

#ifdef __cplusplus
}
#endif

#endif
