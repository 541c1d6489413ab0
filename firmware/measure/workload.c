// Sends an app requests and looks at its answers; workload.h says which.

#include "workload.h"

#include <stdio.h>
#include <string.h>

#include "kinds.h"

#define N_KINDS (sizeof KINDS / sizeof *KINDS)

typedef struct {
  workload_result *result;
  const request_kind *kind;
  unsigned number;
} expectation;

static mr_text text(const char *data) { return (mr_text){data, data ? strlen(data) : 0}; }

static void take_answer(void *to, int status, const mr_header *headers, size_t n_headers, const void *body, size_t size) {
  (void)headers;
  (void)n_headers;
  const expectation *expected = to;
  workload_result *result = expected->result;
  const char *wanted = expected->kind->answer;
  char answer[200];
  if (wanted) snprintf(answer, sizeof answer, wanted, expected->number, expected->number);
  result->answered++;
  if (status == expected->kind->status && (!wanted || (size == strlen(answer) && !memcmp(body, answer, size)))) return;
  if (result->wrong++) return;
  snprintf(result->first_wrong, sizeof result->first_wrong, "%s %s (%u): %d %.*s", expected->kind->method, expected->kind->url,
           expected->number, status, (int)(size < 100 ? size : 100), (const char *)body);
}

bool workload_run(mr_app *app, unsigned requests, workload_result *result) {
  static const mr_sink sink = {.answer = take_answer};
  memset(result, 0, sizeof *result);
  result->requests = requests;
  for (unsigned number = 0; number < requests; number++) {
    expectation expected = {result, &KINDS[number % N_KINDS], number};
    char url[100], body[100], length[12];
    snprintf(url, sizeof url, expected.kind->url, number);
    snprintf(body, sizeof body, expected.kind->body ? expected.kind->body : "", number);
    snprintf(length, sizeof length, "%u", (unsigned)strlen(body));
    const mr_header headers[] = {
        {text("Host"), text("device.local")},
        {text("User-Agent"), text("Mozilla/5.0 (X11; Linux x86_64)")},
        {text("Accept"), text("*/*")},
        {text("Content-Type"), text("application/json")},
        {text("Content-Length"), text(length)},
    };
    mr_app_handle(app, &(mr_request){
        .method = text(expected.kind->method), .target = text(url),
        .headers = headers, .n_headers = expected.kind->body ? 5 : 3,
        .body = expected.kind->body ? body : NULL, .body_size = strlen(body),
        .address = "10.0.0.7", .port = 50000,
    }, &sink, &expected);
    // Nothing in the apps waits for a timer: what is not answered by now never is.
    if (result->answered != number + 1) return false;
  }
  return result->wrong == 0;
}
