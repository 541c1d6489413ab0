// The grammar of HTTP/1.1 requests, see http.h. Each function reads from left to right and answers at the first byte that is wrong,
// so what it answers for some bytes it also answers for those bytes and any more. Numbers in parentheses are sections of RFC 9112
// unless another one is named.

#include "http.h"

#include <limits.h>
#include <string.h>

// Bytes. The wire is ASCII, and the functions of <ctype.h> may follow a locale.

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_white_space(char c) { return c == ' ' || c == '\t'; }

static bool is_one_of(char c, const char *set) { return c != '\0' && strchr(set, c) != NULL; }

static char to_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// tchar (RFC 9110, 5.6.2)
static bool is_token_char(char c) { return is_letter(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~"); }

// What a field value may consist of: visible characters, bytes above ASCII, space and tab (RFC 9110, 5.5)
static bool is_value_char(char c) {
  unsigned char byte = (unsigned char)c;
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

// Visible ASCII without " < > and #, which are in no request target (3.2). RFC 3986 does not allow \ ^ ` { | } either, but browsers
// send them in queries as they are.
static bool is_target_char(char c) { return c > ' ' && c < 0x7f && !is_one_of(c, "\"<>#"); }

// unreserved and sub-delims (RFC 3986, 2.2 and 2.3)
static bool is_name_char(char c) { return is_letter(c) || is_digit(c) || is_one_of(c, "-._~!$&'()*+,;="); }

bool mr_is_token(const char *text, size_t len) {
  size_t at = 0;
  while (at < len && is_token_char(text[at])) at++;
  return at == len && len > 0;
}

bool mr_is_field_value(const char *text, size_t len) {
  size_t at = 0;
  while (at < len && is_value_char(text[at])) at++;
  return at == len;
}

bool mr_is_name(const char *text, size_t len, const char *lower_name) {
  size_t at = 0;
  while (at < len && lower_name[at] != '\0' && to_lower(text[at]) == lower_name[at]) at++;
  return at == len && lower_name[at] == '\0';
}

// Hosts (RFC 3986, 3.2.2), which are only looked at and not looked up.

static bool is_ipv4(const char *at, const char *end) {
  for (int octets = 1;; octets++) {
    int value = 0, digits = 0;
    for (; at < end && is_digit(*at); digits++) {
      if (digits > 0 && value == 0) return false;
      value = value * 10 + (*at++ - '0');
      if (value > 255) return false;
    }
    if (digits == 0) return false;
    if (octets == 4) return at == end;
    if (at == end || *at++ != '.') return false;
  }
}

static bool is_ipv6(const char *at, const char *end) {
  int groups = 0;
  bool gap = end - at >= 2 && at[0] == ':' && at[1] == ':';
  if (gap) at += 2;
  while (at < end) {
    const char *group = at;
    while (at < end && at - group <= 4 && hex_value(*at) >= 0) at++;
    if (at < end && *at == '.') {  // the last 32 bits may be an IPv4 address
      groups += 2;
      return is_ipv4(group, end) && (gap ? groups <= 7 : groups == 8);
    }
    if (at == group || at - group > 4) return false;
    groups++;
    if (at == end) break;
    if (*at++ != ':' || at == end) return false;
    if (*at == ':') {
      if (gap) return false;
      gap = true;
      at++;
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

static bool is_ip_literal(const char *at, const char *end) {
  if (at == end || to_lower(*at) != 'v') return is_ipv6(at, end);
  const char *version = ++at;
  while (at < end && hex_value(*at) >= 0) at++;
  if (at == version || end - at < 2 || *at++ != '.') return false;
  while (at < end && (is_name_char(*at) || *at == ':')) at++;
  return at == end;
}

// host [ ":" port ]: whether the text is one, and how long its parts are, each of which may be empty. It has no user name.
static bool split_authority(const char *text, size_t len, size_t *host_len, size_t *port_len) {
  size_t at = 0;
  if (len > 0 && text[0] == '[') {
    const char *bracket = memchr(text, ']', len);
    if (bracket == NULL || !is_ip_literal(text + 1, bracket)) return false;
    at = (size_t)(bracket - text) + 1;
  }
  else {
    for (; at < len && text[at] != ':'; at++) {
      if (is_name_char(text[at])) continue;
      if (text[at] != '%' || len - at < 3 || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return false;
    }
  }
  *host_len = at;
  *port_len = 0;
  if (at == len) return true;
  if (text[at++] != ':') return false;
  *port_len = len - at;
  while (at < len && is_digit(text[at])) at++;
  return at == len;
}

// Fields that decide about the message.

typedef struct {
  mr_field *host;
  bool transfer_encoding, chunked, other_coding;  // there is such a field; its last coding is chunked; it has others
  bool connect, close, keep_open, expects_continue;
} judged;

// Cuts the next element off a list of elements between commas; false at its end. Elements may be empty.
static bool next_element(const char **list, const char *end, const char **element, size_t *len) {
  if (*list == NULL) return false;
  const char *comma = memchr(*list, ',', (size_t)(end - *list));
  const char *from = *list, *to = comma == NULL ? end : comma;
  while (from < to && is_white_space(*from)) from++;
  while (from < to && is_white_space(to[-1])) to--;
  *element = from;
  *len = (size_t)(to - from);
  *list = comma == NULL ? NULL : comma + 1;
  return true;
}

// Digits alone, one number, once (6.3): signs, lists and a second field of the same value are what smuggling is made of.
static int judge_content_length(const char *value, size_t len, mr_head *head, const judged *seen) {
  if (head->content_length >= 0 || seen->transfer_encoding || len == 0) return -400;
  int64_t length = 0;
  for (size_t at = 0; at < len; at++) {
    if (!is_digit(value[at])) return -400;
    int digit = value[at] - '0';
    if (length > (INT64_MAX - digit) / 10) return -413;
    length = length * 10 + digit;
  }
  head->content_length = length;
  return 0;
}

// Not beside a Content-Length and not in HTTP/1.0 (6.1); nothing after chunked (6.3), and no parameters to it (7.1). Empty elements are
// refused here, other than in other lists (RFC 9110, 5.6.1.2): nobody sends them who does not want to be misunderstood.
static int judge_transfer_encoding(const char *value, size_t len, const mr_head *head, judged *seen) {
  if (head->minor == 0 || head->content_length >= 0) return -400;
  seen->transfer_encoding = true;
  const char *coding, *end = value + len;
  size_t coding_len;
  while (next_element(&value, end, &coding, &coding_len)) {
    if (seen->chunked || !mr_is_token(coding, coding_len)) return -400;
    if (mr_is_name(coding, coding_len, "chunked")) seen->chunked = true;
    else seen->other_coding = true;
  }
  return 0;
}

static void judge_connection(const char *value, size_t len, judged *seen) {
  const char *option, *end = value + len;
  size_t option_len;
  while (next_element(&value, end, &option, &option_len)) {
    if (mr_is_name(option, option_len, "close")) seen->close = true;
    if (mr_is_name(option, option_len, "keep-alive")) seen->keep_open = true;
  }
}

// HTTP/1.0 knows no expectations (RFC 9110, 10.1.1).
static int judge_expect(const char *value, size_t len, const mr_head *head, judged *seen) {
  if (head->minor == 0) return 0;
  const char *expectation, *end = value + len;
  size_t expectation_len;
  while (next_element(&value, end, &expectation, &expectation_len)) {
    if (expectation_len == 0) continue;
    if (!mr_is_name(expectation, expectation_len, "100-continue")) return -417;
    seen->expects_continue = true;
  }
  return 0;
}

static int judge_field(const char *buf, mr_field *field, mr_head *head, judged *seen) {
  const char *name = buf + field->name, *value = buf + field->value;
  size_t name_len = field->name_len, len = field->value_len, host_len, port_len;
  if (mr_is_name(name, name_len, "content-length")) return judge_content_length(value, len, head, seen);
  if (mr_is_name(name, name_len, "transfer-encoding")) return judge_transfer_encoding(value, len, head, seen);
  if (mr_is_name(name, name_len, "expect")) return judge_expect(value, len, head, seen);
  if (mr_is_name(name, name_len, "connection")) judge_connection(value, len, seen);
  if (mr_is_name(name, name_len, "host")) {  // at most one, and a valid one (3.2); it may be empty
    if (seen->host != NULL || !split_authority(value, len, &host_len, &port_len)) return -400;
    seen->host = field;
  }
  return 0;
}

// What only the whole head can tell.
static int judge_head(mr_head *head, const judged *seen) {
  if (head->minor > 0 && seen->host == NULL) return -400;
  if (seen->transfer_encoding && !seen->chunked) return -400;  // where its body ends nobody could know (6.3)
  if (seen->other_coding) return -501;
  head->chunked = seen->chunked;
  head->has_body = head->chunked || head->content_length > 0;
  head->expect_continue = seen->expects_continue && head->has_body;
  // After a 2xx to CONNECT a client takes all that follows for its tunnel's.
  head->keep_alive = !seen->close && (head->minor > 0 || seen->keep_open) && !seen->connect;
  return 0;
}

// The head. What parses a part of it answers as mr_parse_head does, and moves *at behind the part if that is all there.

// The offset and the length of the authority in an absolute URL (3.2.2); false for another target.
static bool find_authority(const char *target, size_t len, size_t *from, size_t *authority_len) {
  size_t at = 0;
  while (at < len && (is_letter(target[at]) || (at > 0 && (is_digit(target[at]) || is_one_of(target[at], "+-."))))) at++;
  if (at == 0 || len - at < 3 || memcmp(target + at, "://", 3) != 0) return false;
  *from = at + 3;
  for (at += 3; at < len && target[at] != '/' && target[at] != '?';) at++;
  *authority_len = at - *from;
  return true;
}

// The four forms, two of which belong to one method each (3.2).
static bool is_target(const char *target, size_t len, bool is_connect, bool is_options) {
  size_t from = 0, authority_len = len, host_len, port_len;
  if (is_connect) return split_authority(target, len, &host_len, &port_len) && host_len > 0 && port_len > 0;
  if (target[0] == '/') return true;
  if (target[0] == '*') return len == 1 && is_options;
  return find_authority(target, len, &from, &authority_len) &&
    split_authority(target + from, authority_len, &host_len, &port_len) && host_len > 0;
}

// Methods are case-sensitive.
static bool is_method(const char *buf, const mr_head *head, const char *method) {
  return head->method_len == strlen(method) && memcmp(buf + head->method, method, head->method_len) == 0;
}

static int parse_request_line(const char *buf, size_t len, size_t *at, mr_head *head, judged *seen) {
  size_t ix = *at;
  head->started = true;
  head->method = (uint16_t)ix;
  while (ix < len && is_token_char(buf[ix])) {
    if (++ix - *at > MR_MAX_METHOD) return -501;
  }
  if (ix == len) return 0;
  if (ix == *at || buf[ix] != ' ') return -400;
  head->method_len = (uint16_t)(ix - *at);

  head->target = (uint16_t)++ix;
  while (ix < len && is_target_char(buf[ix])) ix++;
  if (ix == len) return 0;
  if (ix == head->target || buf[ix] != ' ') return -400;
  head->target_len = (uint16_t)(ix - head->target);

  ix++;
  for (const char *pattern = "HTTP/1.0\r\n"; *pattern != '\0'; pattern++, ix++) {
    if (ix == len) return 0;
    if (*pattern == '0' ? is_digit(buf[ix]) : buf[ix] == *pattern) continue;
    return *pattern == '1' && is_digit(buf[ix]) ? -505 : -400;
  }
  head->minor = buf[ix - 3] == '0' ? 0 : 1;

  seen->connect = is_method(buf, head, "CONNECT");
  if (!is_target(buf + head->target, head->target_len, seen->connect, is_method(buf, head, "OPTIONS"))) return -400;
  *at = ix;
  return 1;
}

static int parse_field(const char *buf, size_t len, size_t *at, mr_field *field) {
  size_t ix = *at;
  while (ix < len && is_token_char(buf[ix])) ix++;
  if (ix == len) return 0;
  // White space before the colon (5.1), and at the start of a line, where it continues the line before (5.2), ends here too.
  if (ix == *at || buf[ix] != ':') return -400;
  field->name = (uint16_t)*at;
  field->name_len = (uint16_t)(ix - *at);

  ix++;
  while (ix < len && is_white_space(buf[ix])) ix++;
  size_t value = ix;
  while (ix < len && is_value_char(buf[ix])) ix++;
  if (ix == len) return 0;
  if (buf[ix] != '\r') return -400;
  if (ix + 1 == len) return 0;
  if (buf[ix + 1] != '\n') return -400;
  *at = ix + 2;
  while (ix > value && is_white_space(buf[ix - 1])) ix--;
  field->value = (uint16_t)value;
  field->value_len = (uint16_t)(ix - value);
  return 1;
}

enum { OTHER = -1 };

// An empty line; OTHER if there is something in the line.
static int parse_empty_line(const char *buf, size_t len, size_t *at) {
  if (*at == len) return 0;
  if (buf[*at] != '\r') return OTHER;
  if (*at + 1 == len) return 0;
  if (buf[*at + 1] != '\n') return -400;
  *at += 2;
  return 1;
}

static int parse_head(const char *buf, size_t len, mr_head *head) {
  size_t at = 0, from, authority_len;
  judged seen = {0};
  int found;

  for (int lines = 0; (found = parse_empty_line(buf, len, &at)) > 0;) {
    if (++lines > MR_MAX_EMPTY_LINES) return -400;
  }
  if (found != OTHER) return found;
  found = parse_request_line(buf, len, &at, head, &seen);
  if (found <= 0) return found;

  head->too_long = 431;
  while ((found = parse_empty_line(buf, len, &at)) == OTHER) {
    if (head->n_fields == MR_MAX_FIELDS) return -431;
    mr_field *field = &head->fields[head->n_fields];
    found = parse_field(buf, len, &at, field);
    if (found <= 0) return found;
    found = judge_field(buf, field, head, &seen);
    if (found < 0) return found;
    head->n_fields++;
  }
  if (found <= 0) return found;
  found = judge_head(head, &seen);
  if (found < 0) return found;

  if (seen.host != NULL && find_authority(buf + head->target, head->target_len, &from, &authority_len)) {
    seen.host->value = (uint16_t)(head->target + from);
    seen.host->value_len = (uint16_t)authority_len;
  }
  return (int)at;
}

int mr_parse_head(const char *buf, size_t len, mr_head *head) {
  head->method = head->method_len = head->target = head->target_len = 0;
  head->minor = head->n_fields = 0;
  head->keep_alive = head->chunked = head->has_body = head->expect_continue = head->started = false;
  head->content_length = -1;
  head->too_long = 414;
  int found = parse_head(buf, len < MR_MAX_HEAD ? len : MR_MAX_HEAD, head);
  return found == 0 && len >= MR_MAX_HEAD ? -(int)head->too_long : found;
}

// The body. The framing of chunks (7.1) is read byte by byte, the content in pieces.

enum {
  SIZED,  // a body without chunks
  SIZE_START, SIZE, SIZE_END,  // of a chunk; SIZE_END is white space, which only a ';' may follow
  EXT_START, EXT_NAME, EXT_NAME_END, EXT_VALUE_START, EXT_VALUE, EXT_QUOTED, EXT_ESCAPED, EXT_QUOTED_END,
  SIZE_LF, DATA, DATA_CR, DATA_LF,
  TRAILER_START, TRAILER_NAME, TRAILER_VALUE, TRAILER_LF, LAST_LF,
  END,
  BAD
};

// What follows a chunk's size, an extension's name or its value.
static uint8_t after_part(char c) {
  if (c == '\r') return SIZE_LF;
  if (c == ';') return EXT_START;
  return is_white_space(c) ? SIZE_END : BAD;
}

static uint8_t next_state(uint8_t state, char c) {
  bool white = is_white_space(c), token = is_token_char(c);
  switch (state) {
    case SIZE: return after_part(c);
    case SIZE_END: return white || c == ';' ? after_part(c) : BAD;
    case EXT_START: return white ? EXT_START : token ? EXT_NAME : BAD;
    case EXT_NAME: return token ? EXT_NAME : c == '=' ? EXT_VALUE_START : white ? EXT_NAME_END : after_part(c);
    case EXT_NAME_END: return white ? EXT_NAME_END : c == '=' ? EXT_VALUE_START : c == ';' ? EXT_START : BAD;
    case EXT_VALUE_START: return white ? EXT_VALUE_START : c == '"' ? EXT_QUOTED : token ? EXT_VALUE : BAD;
    case EXT_VALUE: return token ? EXT_VALUE : after_part(c);
    case EXT_QUOTED: return c == '"' ? EXT_QUOTED_END : c == '\\' ? EXT_ESCAPED : is_value_char(c) ? EXT_QUOTED : BAD;
    case EXT_ESCAPED: return is_value_char(c) ? EXT_QUOTED : BAD;
    case EXT_QUOTED_END: return after_part(c);
    case SIZE_LF: return c == '\n' ? DATA : BAD;
    case DATA_CR: return c == '\r' ? DATA_LF : BAD;
    case DATA_LF: return c == '\n' ? SIZE_START : BAD;
    case TRAILER_START: return c == '\r' ? LAST_LF : token ? TRAILER_NAME : BAD;
    case TRAILER_NAME: return token ? TRAILER_NAME : c == ':' ? TRAILER_VALUE : BAD;
    case TRAILER_VALUE: return c == '\r' ? TRAILER_LF : is_value_char(c) ? TRAILER_VALUE : BAD;
    case TRAILER_LF: return c == '\n' ? TRAILER_START : BAD;
    case LAST_LF: return c == '\n' ? END : BAD;
    default: return BAD;
  }
}

static int take_size_digit(mr_body *body, char c) {
  int digit = hex_value(c);
  bool leading_zero = body->state == SIZE && body->left == 0;
  if (body->state == SIZE_START) body->left = 0;
  body->state = SIZE;
  // No size wraps around, as none exceeds the limit.
  if (digit > body->room || body->left > (body->room - digit) / 16) return -413;
  body->left = body->left * 16 + digit;
  return leading_zero && ++body->extra > MR_MAX_BODY_EXTRA ? -413 : 0;
}

// Takes a byte that is not content; answers 0 or minus a status.
static int take_framing(mr_body *body, char c) {
  uint8_t state = body->state;
  if ((state == SIZE_START || state == SIZE) && hex_value(c) >= 0) return take_size_digit(body, c);
  body->state = next_state(state, c);
  if (body->state == BAD) return -400;
  if (body->state == DATA) {
    body->room -= body->left;
    if (body->left == 0) body->state = TRAILER_START;
  }
  if (body->state == END) body->done = true;
  if (c == '\r' || c == '\n') return 0;
  if (++body->extra <= MR_MAX_BODY_EXTRA) return 0;
  return state >= TRAILER_START ? -431 : -413;
}

int mr_body_begin(mr_body *body, const mr_head *head, int64_t limit) {
  body->room = limit;
  body->left = head->content_length > 0 ? head->content_length : 0;
  body->extra = 0;
  body->state = head->chunked ? SIZE_START : SIZED;
  body->done = !head->has_body;
  return body->left > limit ? -413 : 0;
}

int mr_body_take(mr_body *body, const char *in, size_t len, const char **data, size_t *data_len) {
  size_t at = 0;
  if (len > INT_MAX) len = INT_MAX;
  *data = in;
  *data_len = 0;
  while (at < len && !body->done) {
    if (body->state != SIZED && body->state != DATA) {
      int status = take_framing(body, in[at++]);
      if (status < 0) return status;
      continue;
    }
    *data = in + at;
    *data_len = (uint64_t)body->left < len - at ? (size_t)body->left : len - at;
    body->left -= (int64_t)*data_len;
    if (body->left == 0) {
      if (body->state == DATA) body->state = DATA_CR;
      else body->done = true;
    }
    return (int)(at + *data_len);
  }
  return (int)at;
}

// Answers.

const char *mr_reason(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

size_t mr_status_line(char *out, size_t size, int status) {
  static const char VERSION[] = "HTTP/1.1 ";
  const size_t version_len = sizeof VERSION - 1;
  const char *reason = mr_reason(status);
  size_t reason_len = strlen(reason), len = version_len + 4 + reason_len + 2;
  if (status < 100 || status > 999 || len > size) return 0;
  memcpy(out, VERSION, version_len);
  out += version_len;
  *out++ = (char)('0' + status / 100);
  *out++ = (char)('0' + status / 10 % 10);
  *out++ = (char)('0' + status % 10);
  *out++ = ' ';
  memcpy(out, reason, reason_len);
  memcpy(out + reason_len, "\r\n", 2);
  return len;
}
