// A libFuzzer target: any bytes, in any pieces. Nothing is read out of bounds, what the parser promises holds (see ../test/feed.h), and what
// comes out does not depend on the pieces.
//
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o fuzz_http fuzz/fuzz_http.c src/http.c
//   ./fuzz_http -max_len=4096 -dict=fuzz/http.dict corpus

#define _POSIX_C_SOURCE 200809L

#include "../test/feed.h"

// The first two bytes choose the buffer, the body limit and the pieces.
#define N_CHOICES 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const size_t SIZES[] = {2048, 64, 256, 70000};
  static const int64_t LIMITS[] = {8192, 0, 7, INT64_MAX};
  if (len < N_CHOICES) return 0;
  size_t size = SIZES[data[0] & 3];
  int64_t limit = LIMITS[data[0] >> 2 & 3];
  uint32_t random = data[1] + 1u;
  const char *bytes = (const char *)data + N_CHOICES;
  len -= N_CHOICES;

  feed whole, pieces;
  feed_open(&whole, size, limit);
  feed_bytes(&whole, bytes, len);
  char *expected = feed_close(&whole);

  feed_open(&pieces, size, limit);
  for (size_t at = 0; at < len;) {
    random = random * 1664525 + 1013904223;
    size_t piece = (random >> 16) % (data[1] % 2 == 0 ? 3 : 40) + 1;
    if (piece > len - at) piece = len - at;
    feed_bytes(&pieces, bytes + at, piece);
    at += piece;
  }
  char *actual = feed_close(&pieces);
  CHECK(strcmp(expected, actual) == 0);
  free(expected);
  free(actual);
  return 0;
}
