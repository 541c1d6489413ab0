// Answers questions about http.c, one per line of standard input, in one line of JSON each; test/firmware/http.ts asks them. Bytes
// are in hexadecimal, "-" for none.
//
//   feed SIZE LIMIT BYTES    what a server with an input buffer of SIZE bytes and a body limit sees of a connection, and whether
//                            that is the same for the bytes in one piece, in any two pieces, and one by one
//   cut SIZE LIMIT BYTES N…  the same bytes in pieces of N, N, … and the rest
//   text BYTES               whether that may go out as a field's name, and as its value
//   name BYTES NAME          whether that is the name
//   status N SIZE            the status line for N in SIZE bytes, and its length

#define _POSIX_C_SOURCE 200809L

#include "feed.h"

static size_t from_hex(char *hex) {
  size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
  for (size_t at = 0; at < len; at++) {
    const char pair[] = {hex[2 * at], hex[2 * at + 1], '\0'};
    hex[at] = (char)strtol(pair, NULL, 16);
  }
  return len;
}

static size_t next_number(void) {
  const char *word = strtok(NULL, " ");
  return word == NULL ? 0 : (size_t)strtoul(word, NULL, 10);
}

static int64_t next_limit(void) { return strtoll(strtok(NULL, " "), NULL, 10); }

static void ask_feed(void) {
  size_t size = next_number();
  int64_t limit = next_limit();
  char *bytes = strtok(NULL, " ");
  size_t len = from_hex(bytes);

  feed conn;
  feed_open(&conn, size, limit);
  feed_bytes(&conn, bytes, len);
  char *whole = feed_close(&conn);

  feed_open(&conn, size, limit);
  for (size_t at = 0; at < len; at++) feed_bytes(&conn, bytes + at, 1);
  char *single = feed_close(&conn);
  const char *different = strcmp(single, whole) == 0 ? NULL : "one by one";
  size_t fed = conn.fed, cut = 0;

  for (size_t at = 1; at < len && different == NULL; at++) {
    feed_open(&conn, size, limit);
    feed_bytes(&conn, bytes, at);
    feed_bytes(&conn, bytes + at, len - at);
    char *halves = feed_close(&conn);
    if (strcmp(halves, whole) != 0) {
      different = "in two";
      cut = at;
    }
    free(halves);
  }
  // "fed" is after how many single bytes the connection was closed, or all of them.
  printf("{\"seen\":%s,\"fed\":%zu", whole, fed);
  if (different != NULL) printf(",\"different\":\"%s, at %zu\"", different, cut);
  printf("}\n");
  free(whole);
  free(single);
}

static void ask_cut(void) {
  size_t size = next_number();
  int64_t limit = next_limit();
  char *bytes = strtok(NULL, " ");
  size_t len = from_hex(bytes), piece;
  feed conn;
  feed_open(&conn, size, limit);
  while ((piece = next_number()) > 0 && piece < len) {
    feed_bytes(&conn, bytes, piece);
    bytes += piece;
    len -= piece;
  }
  feed_bytes(&conn, bytes, len);
  char *text = feed_close(&conn);
  printf("{\"seen\":%s,\"fed\":%zu}\n", text, conn.fed);
  free(text);
}

static void ask_text(void) {
  char *bytes = strtok(NULL, " ");
  size_t len = from_hex(bytes);
  char *copy = copy_of(bytes, len);
  printf("{\"name\":%d,\"value\":%d}\n", mr_is_token(copy, len), mr_is_field_value(copy, len));
  free(copy);
}

static void ask_name(void) {
  char *bytes = strtok(NULL, " ");
  size_t len = from_hex(bytes);
  char *copy = copy_of(bytes, len);
  printf("{\"same\":%d}\n", mr_is_name(copy, len, strtok(NULL, " ")));
  free(copy);
}

static void ask_status(void) {
  int status = (int)next_number();
  size_t size = next_number();
  char *out = malloc(size);
  size_t len = mr_status_line(out, size, status);
  CHECK(len <= size);
  printf("{\"line\":\"");
  put_text(stdout, out, len);
  printf("\",\"reason\":\"%s\"}\n", mr_reason(status));
  free(out);
}

int main(void) {
  char *line = NULL;
  size_t line_size = 0;
  while (getline(&line, &line_size, stdin) > 0) {
    line[strcspn(line, "\n")] = '\0';
    const char *word = strtok(line, " ");
    CHECK(word != NULL);
    if (strcmp(word, "feed") == 0) ask_feed();
    else if (strcmp(word, "cut") == 0) ask_cut();
    else if (strcmp(word, "text") == 0) ask_text();
    else if (strcmp(word, "name") == 0) ask_name();
    else if (strcmp(word, "status") == 0) ask_status();
    else return 1;
    fflush(stdout);
  }
  free(line);
  return 0;
}
