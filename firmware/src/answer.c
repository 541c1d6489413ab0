// What goes out on a connection: the head of an answer, its body in the framing that the client understands (RFC 9112, section
// 6), and the errors that the server answers with itself. Everything is put into the connection's buffer; server.c sends that.

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "server.h"

#define FIRST_SET_TIME 1577836800  // 2020; a clock that nobody has set is earlier
#define CHUNK_EXTRA 8              // around a chunk: its size in up to four digits, and two line ends
#define LAST_CHUNK "0\r\n\r\n"

static size_t room(const mr_connection *connection) { return MR_OUT_BYTES - connection->out_size; }

static bool put(mr_connection *connection, const char *data, size_t size) {
  if (size > room(connection)) return false;
  if (connection->out_size == 0) connection->since = mr_app_clock(connection->server->app);
  memcpy(connection->out + connection->out_size, data, size);
  connection->out_size += size;
  return true;
}

static bool put_text(mr_connection *connection, const char *text) { return put(connection, text, strlen(text)); }

static bool put_field(mr_connection *connection, const mr_header *header) {
  return put(connection, header->name.data, header->name.size) && put_text(connection, ": ")
    && put(connection, header->value.data, header->value.size) && put_text(connection, "\r\n");
}

static bool put_status_line(mr_connection *connection, int status) {
  const size_t size = mr_status_line(connection->out + connection->out_size, room(connection), status);
  if (connection->out_size == 0) connection->since = mr_app_clock(connection->server->app);
  connection->out_size += size;
  return size > 0;
}

// The Date field (RFC 9110, section 6.6.1), if there is a clock.
static bool put_date(mr_connection *connection) {
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const mr_server_config *config = &connection->server->config;
  const time_t now = config->time ? (time_t)config->time() : time(NULL);
  struct tm parts;
  if (now < FIRST_SET_TIME || !gmtime_r(&now, &parts)) return true;
  char line[48];
  snprintf(line, sizeof line, "date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + 3 * parts.tm_wday, parts.tm_mday,
    months + 3 * parts.tm_mon, parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return put_text(connection, line);
}

static bool is_named(const mr_header *header, const char *name) {
  return mr_is_name(header->name.data, header->name.size, name);
}

// Whether a list of tokens has this one.
static bool has_token(mr_text list, const char *token) {
  size_t start = 0;
  for (size_t ix = 0; ix <= list.size; ix++) {
    if (ix < list.size && list.data[ix] != ',' && list.data[ix] != ' ' && list.data[ix] != '\t') continue;
    if (mr_is_name(list.data + start, ix - start, token)) return true;
    start = ix + 1;
  }
  return false;
}

// A content-length; -1 if it is none.
static int64_t parse_length(mr_text text) {
  int64_t length = 0;
  if (text.size == 0 || text.size > 15) return -1;
  for (size_t ix = 0; ix < text.size; ix++) {
    if (text.data[ix] < '0' || text.data[ix] > '9') return -1;
    length = length * 10 + (text.data[ix] - '0');
  }
  return length;
}

// What the body's end is known by is for the server to say; it takes the length from the app's fields, and a wish to close.
static bool put_head(mr_connection *connection, int status, const mr_header *headers, size_t n_headers) {
  const bool never_has_body = status == 204 || status < 200;
  bool has_date = false;
  int64_t length = -1;
  for (size_t ix = 0; ix < n_headers; ix++) {
    const mr_header *header = &headers[ix];
    if (is_named(header, "date")) has_date = true;
    if (is_named(header, "connection") && has_token(header->value, "close")) connection->keep_alive = false;
    if (!is_named(header, "content-length")) continue;
    if (length >= 0) return false;
    length = parse_length(header->value);
    if (length < 0) return false;
  }
  connection->framing = never_has_body || status == 304 || connection->is_for_head ? MR_NO_BODY
    : length >= 0 ? MR_SIZED
    : connection->is_http10 ? MR_UNTIL_CLOSE : MR_CHUNKED;
  connection->left = length;
  if (connection->framing == MR_UNTIL_CLOSE || connection->server->is_stopping) connection->keep_alive = false;

  if (!put_status_line(connection, status)) return false;
  if (!has_date && !put_date(connection)) return false;
  for (size_t ix = 0; ix < n_headers; ix++) {
    const mr_header *header = &headers[ix];
    if (is_named(header, "connection") || is_named(header, "transfer-encoding")) continue;
    if (never_has_body && is_named(header, "content-length")) continue;
    if (!put_field(connection, header)) return false;
  }
  if (connection->framing == MR_CHUNKED && !put_text(connection, "transfer-encoding: chunked\r\n")) return false;
  if (!connection->keep_alive && !put_text(connection, "connection: close\r\n")) return false;
  if (connection->keep_alive && connection->is_http10 && !put_text(connection, "connection: keep-alive\r\n")) return false;
  // (Room for the end is kept, so that it never has to wait.)
  return put_text(connection, "\r\n") && room(connection) >= sizeof LAST_CHUNK - 1;
}

void mr_answer_begin(mr_connection *connection) {
  connection->exchange = NULL;
  connection->has_head = connection->is_whole = connection->has_sent = false;
  connection->out_at = connection->out_size = 0;
}

void mr_answer_continue(mr_connection *connection) { put_text(connection, "HTTP/1.1 100 Continue\r\n\r\n"); }

void mr_answer_refuse(mr_connection *connection, int status) {
  char body[96], length[8];
  const int size = snprintf(body, sizeof body, "{\"error\":\"%d\",\"message\":\"%d %s\"}", status, status, mr_reason(status));
  snprintf(length, sizeof length, "%d", size);
  const mr_header headers[] = {
    {{"content-type", 12}, {"application/json", 16}}, {{"content-length", 14}, {length, strlen(length)}},
  };
  mr_answer_begin(connection);
  connection->keep_alive = false;
  connection->has_head = connection->is_whole = true;
  put_head(connection, status, headers, 2);
  if (!connection->is_for_head) put(connection, body, (size_t)size);
}

// ------------------------------------------------------------------------------------------------- what the app answers

static bool on_head(void *to, int status, const mr_header *headers, size_t n_headers) {
  mr_connection *connection = to;
  if (!put_head(connection, status, headers, n_headers)) return false;
  connection->has_head = true;
  return true;
}

static size_t put_chunk(mr_connection *connection, const char *data, size_t size) {
  const size_t extra = CHUNK_EXTRA + sizeof LAST_CHUNK - 1;
  char line[16];
  if (room(connection) <= extra) return 0;
  if (size > room(connection) - extra) size = room(connection) - extra;
  snprintf(line, sizeof line, "%x\r\n", (unsigned)size);
  put_text(connection, line);
  put(connection, data, size);
  put_text(connection, "\r\n");
  return size;
}

static size_t on_write(void *to, const void *data, size_t size) {
  mr_connection *connection = to;
  if (connection->framing == MR_NO_BODY || connection->is_cut) return size;
  if (connection->framing == MR_CHUNKED) return put_chunk(connection, data, size);
  if (connection->framing == MR_SIZED && (int64_t)size > connection->left) {
    mr_app_log(connection->server->app, MR_LOG_ERROR, "an answer is longer than its content-length");
    connection->is_cut = connection->server->is_busy = true;
    return size;
  }
  if (size > room(connection)) size = room(connection);
  put(connection, data, size);
  connection->left -= (int64_t)size;
  return size;
}

static void on_end(void *to) {
  mr_connection *connection = to;
  connection->exchange = NULL;
  connection->is_whole = true;
  connection->server->is_busy = true;
  if (connection->framing == MR_CHUNKED) put_text(connection, LAST_CHUNK);
  if (connection->framing == MR_SIZED && connection->left > 0) {
    mr_app_log(connection->server->app, MR_LOG_ERROR, "an answer is shorter than its content-length");
    connection->is_cut = true;
  }
}

static void on_fail(void *to, int status) {
  mr_connection *connection = to;
  connection->exchange = NULL;
  connection->server->is_busy = true;
  if (status == 0 || connection->has_sent) connection->is_cut = true;
  else mr_answer_refuse(connection, status);
}

const mr_sink mr_connection_sink = {.head = on_head, .write = on_write, .end = on_end, .fail = on_fail};
