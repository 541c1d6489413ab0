// The kinds of requests, see workload.h. %u stands for the number of the request.

#ifndef KINDS_H
#define KINDS_H

typedef struct {
  const char *method, *url, *body;  // body: NULL if there is none
  int status;
  const char *answer;
} request_kind;

#define NOTHING ""
#define ANY_ANSWER NULL
#define ERROR_BECAUSE(status, phrase, why) "{\"error\":\"" #status "\",\"message\":\"" #status " " phrase "\",\"debug\":\"" why "\"}"

static const request_kind KINDS[] = {
  {"GET", "/status", NULL, 200, "{\"ok\":true,\"leds\":2}"},
  {"GET", "/sensors/%u", NULL, 200, "{\"id\":\"%u\",\"value\":21}"},
  {"GET", "/sensors/7/history/%u", NULL, 200, "{\"id\":\"7\",\"day\":\"%u\",\"values\":[20,21,22]}"},
  {"GET", "/sensors?unit=F&n=%u", NULL, 200, "{\"unit\":\"F\",\"ids\":[1,2,3]}"},
  {"PUT", "/sensors/3", "{\"offset\":%u}", 200, "{\"id\":\"3\",\"offset\":%u}"},
  {"GET", "/leds/2", NULL, 200, "{\"on\":true}"},
  {"PUT", "/leds/1", "{\"on\":%u}", 200, "{\"on\":%u}"},
  {"POST", "/leds/2/blink", "", 200, "{\"blinked\":true}"},
  {"PUT", "/config/net/host", "{\"value\":\"host%u\"}", 204, NOTHING},
  {"GET", "/config/mqtt/port", NULL, 200, "{\"value\":1883}"},
  {"GET", "/files/a/b%%20c/%u.txt", NULL, 200, "/a/b c/%u.txt"},
  {"POST", "/log", "line %u of the log of this device", 201, ANY_ANSWER},
  {"GET", "/update", NULL, 200, "{\"version\":\"1.0.1\"}"},
  {"POST", "/login", "user=a&password=%u", 401, ERROR_BECAUSE(401, "Unauthorized", "wrong password")},
  {"GET", "/missing/%u", NULL, 404, ERROR_BECAUSE(404, "Not Found", "GET /missing/%u: path not routed")},
  {"GET", "/sensors/%%zz", NULL, 400, ERROR_BECAUSE(400, "Bad Request", "malformed escape in path: /sensors/%%zz")},
  {"PUT", "/leds/1", "{\"on\":%u", 400, ERROR_BECAUSE(400, "Bad Request", "the body must be JSON")},
  {"POST", "/sensors/5/alarms", "{\"above\":%u}", 201, "{\"id\":\"5\",\"above\":%u}"},
  {"DELETE", "/sensors/5/alarms/%u", NULL, 204, NOTHING},
  {"GET", "/time", NULL, 500, "{\"error\":\"500\",\"message\":\"500 Internal Error\"}"},
};

#endif
