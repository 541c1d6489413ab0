// HTTP/1.1 requests as they come from the wire (RFC 9112): the head, and the body in its two framings.
//
// Pure functions over bytes that the caller keeps: no socket, no allocation, no engine, no global state. What is not exactly
// the grammar is refused, because a request that two servers read differently is how requests are smuggled past one of them.
// After a refusal the caller answers with the status and closes the connection: where the next request begins is not known.

#ifndef MR_HTTP_H
#define MR_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MR_MAX_FIELDS
#define MR_MAX_FIELDS 32  // header fields in a request, over it 431; 8 bytes each in mr_head; at most 255
#endif
#define MR_MAX_HEAD 65535       // bytes in a head, as offsets have 16 bits; the caller's buffer is usually far smaller
#define MR_MAX_METHOD 32        // bytes in a method, over it 501
#define MR_MAX_EMPTY_LINES 4    // skipped in front of a request line, over it 400
#define MR_MAX_BODY_EXTRA 1024  // bytes of chunk extensions, leading zeros and trailer fields in a body, over it 413 or 431

// A header field; the offsets count from the start of the buffer that was parsed, and nothing there is copied or terminated.
// The value is without the white space around it.
typedef struct {
  uint16_t name, name_len, value, value_len;
} mr_field;

typedef struct {
  uint16_t method, method_len;  // an offset too: empty lines may come before it
  uint16_t target, target_len;  // as on the wire: /path?query, http://host/path, host:port (CONNECT) or * (OPTIONS)
  uint8_t minor;                // of the version, HTTP/1.minor: 0 or 1 (1 stands for all later ones)
  bool keep_alive;              // the client expects that the connection stays open after the answer
  bool chunked;                 // the body is in chunks
  bool has_body;                // there are bytes of a body to take: use mr_body
  bool expect_continue;         // the client waits for 100 Continue before it sends the body
  int64_t content_length;       // -1: the request has none

  // Where the head is not all there yet (mr_parse_head answered 0), these hold and nothing else does:
  bool started;                 // a byte of a request line has come, so this is no longer an idle connection
  uint16_t too_long;            // the status if there is no room for more: 414 in the request line, 431 after it

  uint8_t n_fields;
  mr_field fields[MR_MAX_FIELDS];  // in the order of the wire, repeated names and all; see mr_parse_head for Host
} mr_head;

// Parses the request head at the start of buf.
//   > 0  its length, with the empty line at its end; what follows in buf is the body
//   = 0  not all there yet, and nothing wrong so far: call again with the same bytes and more
//   < 0  minus the status to refuse it with: 400, 413, 414, 417, 431, 501, 505
// The answer depends on the bytes alone, not on how they were cut into calls, and a mistake is found at the byte that makes it.
// If the target is an absolute URL, the value of the Host field points at the authority there, which replaces it (RFC 9112 3.2.2).
int mr_parse_head(const char *buf, size_t len, mr_head *head);

// A body that is being received.
typedef struct {
  int64_t room;    // content that may still come before the limit
  int64_t left;    // of this chunk, or of the whole body if it is not in chunks
  uint16_t extra;  // bytes that were neither content nor plain framing, see MR_MAX_BODY_EXTRA
  uint8_t state;
  bool done;       // the body is complete, and its last byte consumed
} mr_body;

// Begins the body that head announces; without one it is done at once. Answers 0, or -413 if it is known to exceed the limit.
int mr_body_begin(mr_body *body, const mr_head *head, int64_t limit);

// Takes what it can from in[0..len): sets *data and *data_len to the content in it (a part of in, possibly empty), and answers the number
// of bytes consumed, or minus a status (400, 413, 431). Call again with what remains until body->done, or until nothing remains:
//   while (!body.done && len > 0) {
//     int n = mr_body_take(&body, in, len, &data, &data_len);
//     if (n < 0) …
//     use(data, data_len), in += n, len -= n;
//   }
// It consumes at least one byte unless len is 0 or the body is done, so nothing has to be kept between calls. Trailer fields are
// checked and dropped.
int mr_body_take(mr_body *body, const char *in, size_t len, const char **data, size_t *data_len);

// For answers and look-ups.

// The standard phrase of a status, or "" where there is none.
const char *mr_reason(int status);

// Writes "HTTP/1.1 200 OK\r\n" (no terminator) if it fits into size bytes; answers its length, or 0 if it does not or status is not
// one of three digits from 100 to 999.
size_t mr_status_line(char *out, size_t size, int status);

// Whether text may go out as a header field's name (a token), or as its value: no line can be added to a head by it.
bool mr_is_token(const char *text, size_t len);
bool mr_is_field_value(const char *text, size_t len);

// Whether text is the name, which is given in lower case; upper and lower case of ASCII are the same.
bool mr_is_name(const char *text, size_t len, const char *lower_name);

#endif
