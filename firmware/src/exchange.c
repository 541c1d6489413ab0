// Requests on their way into the script and answers on their way out: what microrest/embed's `handle` is given, made of C
// values, and the `reply` that it answers by, carried to a sink.

#include <string.h>

#include "http.h"
#include "script.h"

// A part of an answer that the sink had no room for yet. What it refers to is kept alive, not copied.
struct mr_piece {
  mr_piece *next;
  JSValue value;     // bytes; undefined for text
  const char *text;  // UTF-8, which for ASCII is the engine's own
  size_t size, at;
};

#define TAKEN_AWAY "the bytes of an answer have been taken away"

static JSClassID reply_class;

// ---------------------------------------------------------------------------------------------------------- its end

static void free_piece(JSContext *context, mr_piece *piece) {
  if (piece->text) JS_FreeCString(context, piece->text);
  JS_FreeValue(context, piece->value);
  js_free(context, piece);
}

// The exchange is over: nothing that the script still does by its reply gets anywhere.
static void release(JSContext *context, mr_exchange *exchange) {
  exchange->is_live = false;
  JS_SetOpaque(exchange->reply, NULL);
  while (exchange->first) {
    mr_piece *piece = exchange->first;
    exchange->first = piece->next;
    free_piece(context, piece);
  }
  JS_FreeValue(context, exchange->reply);
  JS_FreeValue(context, exchange->input);
}

static void tell_failure(const mr_exchange *exchange, int status) {
  const mr_sink *sink = exchange->sink;
  if (sink->answer) sink->answer(exchange->to, status ? status : 500, NULL, 0, "", 0);
  else sink->fail(exchange->to, status);
}

static void fail(JSContext *context, mr_exchange *exchange, int status) {
  release(context, exchange);
  tell_failure(exchange, status);
}

void mr_exchanges_lost(mr_app *app) {
  for (int ix = 0; ix < MR_EXCHANGES; ix++) {
    mr_exchange *exchange = &app->exchanges[ix];
    if (!exchange->is_live) continue;
    exchange->is_live = false;
    tell_failure(exchange, 503);
  }
}

static void finish_if_whole(JSContext *context, mr_exchange *exchange) {
  if (!exchange->has_ended || exchange->first) return;
  release(context, exchange);
  exchange->sink->end(exchange->to);
}

// --------------------------------------------------------------------------------------------------- header fields out

static mr_text text_of(JSContext *context, JSValueConst value) {
  mr_text text;
  text.data = JS_ToCStringLen(context, &text.size, value);
  return text;
}

// Empties the table.
static void free_headers(mr_app *app) {
  for (size_t ix = 0; ix < app->n_headers; ix++) {
    JS_FreeCString(app->context, app->headers[ix].name.data);
    JS_FreeCString(app->context, app->headers[ix].value.data);
  }
  app->n_headers = 0;
  app->has_headers = false;
}

// Adds a field to the table; the name is text of the engine that the table then frees. Answers why it cannot be, or NULL.
static const char *add_header(mr_app *app, const char *name, size_t name_size, JSValueConst value) {
  JSContext *context = app->context;
  const mr_text text = text_of(context, value);
  if (!text.data) {
    JS_FreeCString(context, name);
    return "";
  }
  const char *problem = app->n_headers == MR_MAX_HEADERS ? "too many header fields"
    : !mr_is_token(name, name_size) ? "bad header name"
    : !mr_is_field_value(text.data, text.size) ? "bad header value" : NULL;
  if (problem) {
    JS_FreeCString(context, name);
    JS_FreeCString(context, text.data);
    return problem;
  }
  app->headers[app->n_headers++] = (mr_header){{name, name_size}, text};
  return NULL;
}

// Fills the table with the fields of an object: values by name, or lists of values. Answers why it cannot be, "" if an
// exception is pending, or NULL. Either way the table is in use then until it is freed: reading can call the script, and that
// begin another answer.
static const char *read_headers(mr_app *app, JSValueConst object) {
  JSContext *context = app->context;
  JSPropertyEnum *names;
  uint32_t n_names;
  const char *problem = NULL;
  app->has_headers = true;
  if (!JS_IsObject(object)) return NULL;
  if (JS_GetOwnPropertyNames(context, &names, &n_names, object, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0) return "";
  for (uint32_t ix = 0; ix < n_names; ix++) {
    const JSAtom atom = names[ix].atom;
    JSValue value = problem ? JS_UNDEFINED : JS_GetProperty(context, object, atom);
    if (JS_IsException(value)) problem = "";
    // A list has a length and is no text; a field line for each of its values.
    uint32_t n_values = 1;
    const bool is_list = JS_IsObject(value);
    if (is_list) {
      JSValue length = JS_GetPropertyStr(context, value, "length");
      if (JS_ToUint32(context, &n_values, length) < 0) problem = "";
      JS_FreeValue(context, length);
    }
    for (uint32_t at = 0; at < n_values && !problem; at++) {
      JSValue one = is_list ? JS_GetPropertyUint32(context, value, at) : JS_DupValue(context, value);
      JSValue key = JS_AtomToString(context, atom);
      const mr_text name = text_of(context, key);
      if (JS_IsException(one) || !name.data) {
        JS_FreeCString(context, name.data);
        problem = "";
      } else {
        problem = add_header(app, name.data, name.size, one);
      }
      JS_FreeValue(context, key);
      JS_FreeValue(context, one);
    }
    JS_FreeValue(context, value);
    JS_FreeAtom(context, atom);
  }
  js_free(context, names);
  return problem;
}

static JSValue throw_problem(JSContext *context, const char *problem) {
  return *problem ? JS_ThrowTypeError(context, "%s", problem) : JS_EXCEPTION;
}

// ---------------------------------------------------------------------------------------------------------- pieces out

// The bytes of a Uint8Array or ArrayBuffer as they are now: the script can resize or detach what it has handed over.
static const char *bytes_of(JSContext *context, JSValueConst value, size_t *size) {
  size_t offset, length, of_buffer;
  JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, &length, NULL);
  if (JS_IsException(buffer)) {
    JS_FreeValue(context, JS_GetException(context));
    return (const char *)JS_GetArrayBuffer(context, size, value);
  }
  const uint8_t *bytes = JS_GetArrayBuffer(context, &of_buffer, buffer);
  JS_FreeValue(context, buffer);
  if (bytes && (offset > of_buffer || length > of_buffer - offset)) {
    JS_ThrowTypeError(context, TAKEN_AWAY);
    return NULL;
  }
  *size = length;
  return bytes ? (const char *)bytes + offset : NULL;
}

// A text as UTF-8. The engine writes half of a surrogate pair as if it were a character, which others take for damage: it
// becomes U+FFFD, of the same length, as where content-lengths are counted.
static const char *utf8_of(JSContext *context, JSValueConst value, size_t *size) {
  const char *text = JS_ToCStringLen(context, size, value);
  if (!text) return NULL;
  // (ASCII may be the engine's own string. What has such a byte is a copy.)
  const unsigned char *end = (const unsigned char *)text + *size;
  unsigned char *at = (unsigned char *)text;
  while ((at = memchr(at, 0xed, (size_t)(end - at)))) {
    if (at[1] >= 0xa0) memcpy(at, "\xef\xbf\xbd", 3);
    at += 3;
  }
  return text;
}

// Hands a piece of the body to the sink, and keeps what that has no room for. False with a pending exception.
static bool write_chunk(JSContext *context, mr_exchange *exchange, JSValueConst chunk) {
  size_t size = 0, taken = 0;
  const char *text = JS_IsString(chunk) ? utf8_of(context, chunk, &size) : NULL;
  const char *data = text ? text : bytes_of(context, chunk, &size);
  if (!data && (size > 0 || JS_HasException(context))) return false;
  if (!exchange->first && size > 0) taken = exchange->sink->write(exchange->to, data, size);
  if (taken == size) {
    if (text) JS_FreeCString(context, text);
    return true;
  }
  mr_piece *piece = js_malloc(context, sizeof *piece);
  *piece = (mr_piece){NULL, text ? JS_UNDEFINED : JS_DupValue(context, chunk), text, size, taken};
  if (exchange->first) exchange->last->next = piece;
  else exchange->first = piece;
  exchange->last = piece;
  return true;
}

// Offers what is held. False, with a pending exception, if the script has taken it away in the meantime.
static bool write_held(JSContext *context, mr_exchange *exchange) {
  while (exchange->first) {
    mr_piece *piece = exchange->first;
    size_t size = piece->size;
    const char *data = piece->text ? piece->text : bytes_of(context, piece->value, &size);
    if (data && size != piece->size) JS_ThrowTypeError(context, TAKEN_AWAY);
    if (!data || size != piece->size) return false;
    piece->at += exchange->sink->write(exchange->to, data + piece->at, size - piece->at);
    if (piece->at < size) return true;
    exchange->first = piece->next;
    free_piece(context, piece);
  }
  return true;
}

// ------------------------------------------------------------------------------------------------------------- the reply

// The exchange of a reply, or NULL if it is over.
static mr_exchange *exchange_of(JSValueConst reply) { return JS_GetOpaque(reply, reply_class); }

static JSValue reply_head(JSContext *context, JSValueConst reply, int argc, JSValueConst *argv) {
  int32_t status;
  if (argc < 2) return JS_UNDEFINED;
  // (First of all: this too may call the script.)
  if (JS_ToInt32(context, &status, argv[0]) < 0) return JS_EXCEPTION;
  mr_exchange *exchange = exchange_of(reply);
  if (!exchange) return JS_UNDEFINED;
  mr_app *app = exchange->app;
  if (exchange->has_head || app->has_headers) return JS_ThrowTypeError(context, "the head has been sent");
  const char *problem = read_headers(app, argv[1]);
  // (Reading them may have called the script, and that have ended the exchange.)
  const bool is_live = exchange_of(reply) == exchange;
  if (!problem && is_live) {
    exchange->has_head = true;
    if (status < 200 || status > 999) problem = "bad status";
    else if (!exchange->sink->head(exchange->to, status, app->headers, app->n_headers)) problem = "the head is too long";
  }
  free_headers(app);
  if (!problem) return JS_UNDEFINED;
  if (is_live) fail(context, exchange, 500);
  return throw_problem(context, problem);
}

// write and, with magic, end.
static JSValue reply_write(JSContext *context, JSValueConst reply, int argc, JSValueConst *argv, int is_end) {
  mr_exchange *exchange = exchange_of(reply);
  if (!exchange || exchange->has_ended) return JS_UNDEFINED;
  if (!exchange->has_head) return JS_ThrowTypeError(context, "no head has been sent");
  if (argc > 0 && !JS_IsUndefined(argv[0]) && !write_chunk(context, exchange, argv[0])) return JS_EXCEPTION;
  if (is_end) {
    exchange->has_ended = true;
    finish_if_whole(context, exchange);
    return JS_UNDEFINED;
  }
  if (exchange->first) exchange->wants_drain = true;
  return JS_NewBool(context, !exchange->first);
}

static JSValue reply_abort(JSContext *context, JSValueConst reply, int argc, JSValueConst *argv) {
  (void)argc;
  (void)argv;
  mr_exchange *exchange = exchange_of(reply);
  if (exchange) fail(context, exchange, 0);
  return JS_UNDEFINED;
}

// The reply as a function, for a sink that takes the whole answer: (status, headers, body).
static JSValue reply_answer(
  JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv, int magic, JSValue *data
) {
  (void)this_value;
  (void)magic;
  mr_exchange *exchange = exchange_of(data[0]);
  int32_t status;
  size_t size = 0;
  if (!exchange || argc < 3) return JS_UNDEFINED;
  mr_app *app = exchange->app;
  if (app->has_headers) return JS_ThrowTypeError(context, "the head has been sent");
  if (JS_ToInt32(context, &status, argv[0]) < 0) return JS_EXCEPTION;
  const char *problem = read_headers(app, argv[1]);
  const char *text = !problem && JS_IsString(argv[2]) ? utf8_of(context, argv[2], &size) : NULL;
  const char *body = text || problem ? text : bytes_of(context, argv[2], &size);
  if (!problem && !body && JS_HasException(context)) problem = "";
  if (!problem && (status < 200 || status > 999)) problem = "bad status";
  const bool is_live = exchange_of(data[0]) == exchange;
  if (!problem && is_live) {
    release(context, exchange);
    exchange->sink->answer(exchange->to, status, app->headers, app->n_headers, body ? body : "", size);
  }
  free_headers(app);
  if (text) JS_FreeCString(context, text);
  if (!problem) return JS_UNDEFINED;
  if (is_live) fail(context, exchange, 500);
  return throw_problem(context, problem);
}

// serve(app, handle?): what requests are given to.
static JSValue serve(JSContext *context, JSValueConst this_value, int argc, JSValueConst *argv) {
  (void)this_value;
  mr_app *app = mr_app_of(context);
  JSValue handle = argc > 1 ? JS_DupValue(context, argv[1]) : JS_UNDEFINED;
  if (JS_IsUndefined(handle)) {
    JSValue global = JS_GetGlobalObject(context);
    JSValue microrest = JS_GetPropertyStr(context, global, "microrest");
    if (JS_IsObject(microrest)) handle = JS_GetPropertyStr(context, microrest, "handle");
    JS_FreeValue(context, microrest);
    JS_FreeValue(context, global);
  }
  if (argc < 1 || !JS_IsFunction(context, argv[0]) || !JS_IsFunction(context, handle)) {
    JS_FreeValue(context, handle);
    return JS_ThrowTypeError(context, "serve(app, handle) wants an app, and microrest/embed's handle");
  }
  JS_FreeValue(context, app->served);
  JS_FreeValue(context, app->handle);
  app->served = JS_DupValue(context, argv[0]);
  app->handle = handle;
  return JS_UNDEFINED;
}

// What bodies have that other bytes have not: their text, as Node's have. So JSON.parse(req.body) works, and bytes stay what
// they are.
static JSValue body_to_string(JSContext *context, JSValueConst body, int argc, JSValueConst *argv) {
  (void)argc;
  (void)argv;
  size_t size = 0;
  const char *bytes = bytes_of(context, body, &size);
  if (!bytes && JS_HasException(context)) return JS_EXCEPTION;
  return JS_NewStringLen(context, bytes ? bytes : "", size);
}

static JSValue prototype_of(JSContext *context, const char *class_name) {
  JSValue global = JS_GetGlobalObject(context);
  JSValue constructor = JS_GetPropertyStr(context, global, class_name);
  JSValue prototype = JS_GetPropertyStr(context, constructor, "prototype");
  JS_FreeValue(context, constructor);
  JS_FreeValue(context, global);
  return prototype;
}

void mr_exchanges_boot(mr_app *app) {
  static const JSClassDef reply_definition = {.class_name = "Reply"};
  static const JSCFunctionListEntry reply_functions[] = {
    JS_CFUNC_DEF("head", 2, reply_head),
    JS_CFUNC_MAGIC_DEF("write", 1, reply_write, 0),
    JS_CFUNC_MAGIC_DEF("end", 1, reply_write, 1),
    JS_CFUNC_DEF("abort", 0, reply_abort),
  };
  JSContext *context = app->context;
#ifdef MR_QUICKJS_NG
  JS_NewClassID(app->runtime, &reply_class);
#else
  JS_NewClassID(&reply_class);
#endif
  JS_NewClass(app->runtime, reply_class, &reply_definition);
  JSValue reply_prototype = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, reply_prototype, reply_functions, sizeof reply_functions / sizeof *reply_functions);
  JS_SetClassProto(context, reply_class, reply_prototype);

  JSValue bytes_prototype = prototype_of(context, "Uint8Array");
  app->body_prototype = JS_NewObjectProto(context, bytes_prototype);
  JS_FreeValue(context, bytes_prototype);
  JS_DefinePropertyValueStr(context, app->body_prototype, "toString",
    JS_NewCFunction(context, body_to_string, "toString", 0), JS_PROP_C_W_E & ~JS_PROP_ENUMERABLE);

  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "serve", JS_NewCFunction(context, serve, "serve", 2));
  JS_FreeValue(context, global);
}

// ------------------------------------------------------------------------------------------------------------ requests in

static JSValue new_body(mr_app *app, const void *data, size_t size) {
  JSContext *context = app->context;
  JSValue buffer = JS_NewArrayBufferCopy(context, data, size);
  JSValueConst arguments[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  JSValue body = JS_NewTypedArray(context, 3, arguments, JS_TYPED_ARRAY_UINT8);
  JS_FreeValue(context, buffer);
  JS_SetPrototype(context, body, app->body_prototype);
  return body;
}

static JSValue new_text(JSContext *context, mr_text text) { return JS_NewStringLen(context, text.data, text.size); }

// What `handle` takes: { method, url, headers: [name, value, …], body, client? }
static JSValue new_request(mr_app *app, const mr_request *request) {
  JSContext *context = app->context;
  JSValue object = JS_NewObject(context);
  JSValue headers = JS_NewArray(context);
  for (uint32_t ix = 0; ix < request->n_headers; ix++) {
    const mr_header *header = &request->headers[ix];
    JS_SetPropertyUint32(context, headers, 2 * ix, new_text(context, header->name));
    JS_SetPropertyUint32(context, headers, 2 * ix + 1, new_text(context, header->value));
  }
  JS_SetPropertyStr(context, object, "method", new_text(context, request->method));
  JS_SetPropertyStr(context, object, "url", new_text(context, request->target));
  JS_SetPropertyStr(context, object, "headers", headers);
  // (Of what is null nobody looks for a word in the header fields.)
  JS_SetPropertyStr(context, object, "body", request->body_size > 0 ? new_body(app, request->body, request->body_size) : JS_NULL);
  if (request->address) {
    JSValue client = JS_NewObject(context);
    JS_SetPropertyStr(context, client, "remoteAddress", JS_NewString(context, request->address));
    JS_SetPropertyStr(context, client, "remotePort", JS_NewInt32(context, request->port));
    JS_SetPropertyStr(context, object, "client", client);
  }
  return object;
}

typedef struct {
  mr_exchange *exchange;
  const mr_request *request;
} mr_entry;

static void handle(JSContext *context, void *argument) {
  const mr_entry *entry = argument;
  mr_exchange *exchange = entry->exchange;
  mr_app *app = exchange->app;
  JSValue reply = JS_NewObjectClass(context, (int)reply_class);
  JS_SetOpaque(reply, exchange);
  exchange->reply = JS_DupValue(context, reply);
  if (exchange->sink->answer) {
    JSValueConst data[] = {reply};
    JSValue function = JS_NewCFunctionData(context, reply_answer, 3, 0, 1, data);
    JS_FreeValue(context, reply);
    reply = function;
  }
  JSValue request = new_request(app, entry->request);
  JSValueConst arguments[] = {app->served, request, reply};
  JSValue input = JS_Call(context, app->handle, JS_UNDEFINED, 3, arguments);
  JS_FreeValue(context, request);
  JS_FreeValue(context, reply);
  if (JS_IsException(input)) {
    mr_app_caught(app, "request");
    if (exchange->is_live) fail(context, exchange, 500);
  } else if (exchange->is_live) {
    exchange->input = input;
  } else {
    JS_FreeValue(context, input);
  }
}

mr_exchange *mr_app_handle(mr_app *app, const mr_request *request, const mr_sink *sink, void *to) {
  mr_exchange *exchange = NULL;
  for (int ix = 0; ix < MR_EXCHANGES && !exchange; ix++) {
    if (!app->exchanges[ix].is_live) exchange = &app->exchanges[ix];
  }
  app->stats.requests++;
  mr_exchange none = {.sink = sink, .to = to};
  if (!exchange || app->is_inside) {
    tell_failure(&none, 503);
    return NULL;
  }
  *exchange = (mr_exchange){.app = app, .sink = sink, .to = to, .is_live = true, .reply = JS_UNDEFINED, .input = JS_UNDEFINED};
  mr_entry entry = {exchange, request};
  mr_app_run(app, handle, &entry);
  if (!app->context && exchange->is_live) {
    // (There is no engine, and none could be booted.)
    exchange->is_live = false;
    tell_failure(exchange, 503);
  }
  return exchange->is_live ? exchange : NULL;
}

// ------------------------------------------------------------------------------------------------------- what goes on after

// Calls a method of what the script gave for a request. False if it threw.
static bool call_input(mr_app *app, JSValueConst input, const char *name) {
  JSContext *context = app->context;
  JSValue function = JS_GetPropertyStr(context, input, name);
  JSValue value = JS_IsFunction(context, function) ? JS_Call(context, function, input, 0, NULL) : JS_UNDEFINED;
  const bool has_thrown = JS_IsException(value);
  if (has_thrown) mr_app_caught(app, name);
  JS_FreeValue(context, value);
  JS_FreeValue(context, function);
  return !has_thrown;
}

static void drain(JSContext *context, void *argument) {
  mr_exchange *exchange = argument;
  if (!write_held(context, exchange)) {
    mr_app_caught(exchange->app, "answer");
    // (To make text of what was caught may have called the script, and that have ended the exchange.)
    if (exchange->is_live) fail(context, exchange, 0);
  }
  if (!exchange->is_live || exchange->first) return;
  if (exchange->has_ended) {
    finish_if_whole(context, exchange);
  } else if (exchange->wants_drain) {
    exchange->wants_drain = false;
    JSValue input = JS_DupValue(context, exchange->input);
    const bool goes_on = call_input(exchange->app, input, "drain");
    JS_FreeValue(context, input);
    // (What was to write on was broken off, and will not be called again.)
    if (!goes_on && exchange->is_live) fail(context, exchange, 0);
  }
}

void mr_app_drain(mr_exchange *exchange) {
  if (exchange->is_live && (exchange->first || exchange->wants_drain)) mr_app_run(exchange->app, drain, exchange);
}

static void abort_input(JSContext *context, void *argument) {
  mr_exchange *exchange = argument;
  JSValue input = JS_DupValue(context, exchange->input);
  release(context, exchange);
  call_input(exchange->app, input, "abort");
  JS_FreeValue(context, input);
}

void mr_app_abort(mr_exchange *exchange) {
  if (exchange->is_live) mr_app_run(exchange->app, abort_input, exchange);
}
