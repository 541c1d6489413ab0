// Feeds bytes to the parser as a server does, through an input buffer of a certain size and in pieces as they come, and writes down in
// JSON what came out. Every call gets its bytes in a block of exactly their length, so that AddressSanitizer sees a byte too many,
// and what the parser answers is checked against what it promises.

#ifndef MR_FEED_H
#define MR_FEED_H

#include "../src/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) ((condition) ? (void)0 : broken(__LINE__, #condition))

static void broken(int line, const char *condition) {
  fprintf(stderr, "feed.h:%d: not so: %s\n", line, condition);
  abort();
}

typedef struct {
  size_t buffer_size;  // what a server would have for input
  int64_t limit;       // of a body
  char *buf;
  size_t len;          // bytes in buf
  size_t fed;          // bytes that had come when the connection was closed, or so far
  bool in_body, closed;
  int status;          // of the refusal, 0 if there was none
  mr_head head;
  mr_body body;
  FILE *out;           // the transcript
  char *text;
  size_t text_len;
  int n_requests;
} feed;

static void put_text(FILE *out, const char *text, size_t len) {
  for (size_t at = 0; at < len; at++) {
    unsigned char byte = (unsigned char)text[at];
    if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') fprintf(out, "\\u%04x", byte);
    else fputc(byte, out);
  }
}

static void put_flag(FILE *out, const char *name, bool value) {
  fprintf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void feed_open(feed *conn, size_t buffer_size, int64_t limit) {
  memset(conn, 0, sizeof *conn);
  conn->buffer_size = buffer_size;
  conn->limit = limit;
  conn->buf = malloc(buffer_size);
  conn->out = open_memstream(&conn->text, &conn->text_len);
  CHECK(conn->buf != NULL && conn->out != NULL);
  fprintf(conn->out, "{\"requests\":[");
}

// Bytes in a block of their own.
static char *copy_of(const char *bytes, size_t len) {
  char *copy = malloc(len);
  CHECK(copy != NULL || len == 0);
  if (len > 0) memcpy(copy, bytes, len);
  return copy;
}

static void drop(feed *conn, size_t len) {
  conn->len -= len;
  memmove(conn->buf, conn->buf + len, conn->len);
}

static void refuse(feed *conn, int status) {
  CHECK(status == 400 || status == 413 || status == 414 || status == 417 || status == 431 || status == 501 || status == 505);
  conn->status = status;
  conn->closed = true;
}

// What a head that was taken may not contain, however it was parsed.
static void check_head(const char *bytes, int len, const mr_head *head) {
  int lines = 0;
  for (int at = 0; at < len; at++) {
    unsigned char byte = (unsigned char)bytes[at];
    CHECK(byte >= 0x20 || byte == '\t' || byte == '\r' || byte == '\n');
    CHECK(byte != '\r' || (at + 1 < len && bytes[at + 1] == '\n'));
    CHECK(byte != '\n' || (at > 0 && bytes[at - 1] == '\r'));
    if (byte != '\n') continue;
    lines++;
    CHECK(at + 1 == len || (bytes[at + 1] != ' ' && bytes[at + 1] != '\t'));
  }
  CHECK(head->started && head->n_fields <= MR_MAX_FIELDS && head->minor <= 1);
  CHECK(lines >= head->n_fields + 2 && lines <= head->n_fields + 2 + MR_MAX_EMPTY_LINES);
  CHECK(head->method + head->method_len < head->target && head->target + head->target_len < len);
  CHECK(head->method_len <= MR_MAX_METHOD && head->target_len > 0 && mr_is_token(bytes + head->method, head->method_len));

  int lengths = 0, codings = 0, hosts = 0;
  for (int ix = 0; ix < head->n_fields; ix++) {
    const mr_field *field = &head->fields[ix];
    CHECK(field->name + field->name_len < len && field->value + field->value_len < len);
    CHECK(mr_is_token(bytes + field->name, field->name_len));
    CHECK(mr_is_field_value(bytes + field->value, field->value_len));
    lengths += mr_is_name(bytes + field->name, field->name_len, "content-length");
    codings += mr_is_name(bytes + field->name, field->name_len, "transfer-encoding");
    hosts += mr_is_name(bytes + field->name, field->name_len, "host");
  }
  CHECK(lengths + codings <= 1 && hosts <= 1 && (hosts == 1 || head->minor == 0));
  CHECK((head->content_length >= 0) == (lengths == 1) && head->chunked == (codings == 1));
  CHECK(head->has_body == (head->chunked || head->content_length > 0) && (head->has_body || !head->expect_continue));
}

static void put_head(feed *conn, const char *bytes) {
  const mr_head *head = &conn->head;
  fprintf(conn->out, "%s{\"method\":\"", conn->n_requests++ > 0 ? "," : "");
  put_text(conn->out, bytes + head->method, head->method_len);
  fprintf(conn->out, "\",\"target\":\"");
  put_text(conn->out, bytes + head->target, head->target_len);
  fprintf(conn->out, "\",\"minor\":%d,\"fields\":[", head->minor);
  for (int ix = 0; ix < head->n_fields; ix++) {
    const mr_field *field = &head->fields[ix];
    fprintf(conn->out, "%s[\"", ix > 0 ? "," : "");
    put_text(conn->out, bytes + field->name, field->name_len);
    fprintf(conn->out, "\",\"");
    put_text(conn->out, bytes + field->value, field->value_len);
    fprintf(conn->out, "\"]");
  }
  fprintf(conn->out, "]");
  put_flag(conn->out, "keepAlive", head->keep_alive);
  put_flag(conn->out, "chunked", head->chunked);
  put_flag(conn->out, "expectContinue", head->expect_continue);
  fprintf(conn->out, ",\"contentLength\":%lld,\"body\":\"", (long long)head->content_length);
}

// Answers whether there may be more to do.
static bool feed_head(feed *conn) {
  char *bytes = copy_of(conn->buf, conn->len);
  int found = mr_parse_head(bytes, conn->len, &conn->head);
  CHECK(found <= (int)conn->len);
  if (found > 0) {
    check_head(bytes, found, &conn->head);
    put_head(conn, bytes);
  }
  free(bytes);

  if (found < 0) refuse(conn, -found);
  if (found == 0 && conn->len == conn->buffer_size) refuse(conn, conn->head.too_long);
  if (found <= 0) return false;
  drop(conn, (size_t)found);
  conn->in_body = true;
  int status = mr_body_begin(&conn->body, &conn->head, conn->limit);
  if (status < 0) refuse(conn, -status);
  return status == 0;
}

static bool feed_body(feed *conn) {
  while (!conn->body.done && conn->len > 0) {
    const char *data;
    size_t data_len;
    char *bytes = copy_of(conn->buf, conn->len);
    int taken = mr_body_take(&conn->body, bytes, conn->len, &data, &data_len);
    if (taken >= 0) {
      CHECK(taken > 0 && (size_t)taken <= conn->len);
      CHECK(data >= bytes && data + data_len <= bytes + taken);
      CHECK(conn->body.left >= 0 && conn->body.room >= 0 && conn->body.extra <= MR_MAX_BODY_EXTRA);
      put_text(conn->out, data, data_len);
    }
    free(bytes);
    if (taken < 0) {
      refuse(conn, -taken);
      return false;
    }
    drop(conn, (size_t)taken);
  }
  if (!conn->body.done) return false;
  fprintf(conn->out, "\",\"complete\":true}");
  conn->in_body = false;
  conn->closed = !conn->head.keep_alive;
  return !conn->closed;
}

static void feed_bytes(feed *conn, const char *bytes, size_t len) {
  while (len > 0 && !conn->closed) {
    size_t room = conn->buffer_size - conn->len, take = len < room ? len : room;
    CHECK(take > 0);
    memcpy(conn->buf + conn->len, bytes, take);
    conn->len += take;
    conn->fed += take;
    bytes += take;
    len -= take;
    while (conn->in_body ? feed_body(conn) : feed_head(conn)) continue;
  }
}

// Ends the transcript, which the caller frees.
static char *feed_close(feed *conn) {
  const char *reading = conn->closed ? "closed"
    : conn->in_body ? "body"
    : conn->len == 0 || !conn->head.started ? "nothing"
    : conn->head.too_long == 414 ? "line" : "head";
  if (conn->in_body) fprintf(conn->out, "\",\"complete\":false}");
  fprintf(conn->out, "],\"status\":%d,\"reading\":\"%s\"}", conn->status, reading);
  fclose(conn->out);
  free(conn->buf);
  return conn->text;
}

#endif
