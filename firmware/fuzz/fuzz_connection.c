// A libFuzzer target: any bytes on the connections of a server, with an engine and an app behind it.
//
// An input is a list of actions on two connections: send so many bytes in one piece, take what has come, close one half, reset,
// let time pass. After each, the server takes its turns. Sanitizers look for what is out of bounds; the target itself looks at what
// comes back, which has to be answers in a framing that is right, one after the other, and nothing behind one that closes. In the end
// the server has to be as it was: a good request is answered, and the pool is used no more than at first.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "microrest.h"

#define CONNECTIONS 2
#define ANSWER_BYTES (1 << 20)
// What a request in passing may leave in caches of the engine: names, shapes of objects, tables.
#define SLACK_BYTES 4096

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      abort();                                                                    \
    }                                                                             \
  } while (0)

extern const mr_script mr_scripts[];
extern const size_t mr_n_scripts;

static uint8_t memory[1 << 20] __attribute__((aligned(8)));
static mr_server *server;
static uint32_t now = UINT32_MAX - 5000;  // so that it wraps around soon

static struct {
  int socket;  // -1: not connected
  char *answers;
  size_t size;
  bool has_sent_all, was_cut;
} connections[CONNECTIONS];

static uint32_t clock_ms(void) { return now; }
static int64_t no_time(void) { return 0; }

static void start(void) {
  static const mr_region regions[] = {{memory, sizeof memory}};
  server = mr_start(&(mr_server_config){
    .app = {.regions = regions, .n_regions = 1, .scripts = mr_scripts, .n_scripts = mr_n_scripts, .clock_ms = clock_ms},
    .address = "127.0.0.1",
    .time = no_time,
    .idle_ms = 1000, .head_ms = 1000, .body_ms = 1000, .answer_ms = 1000, .write_ms = 1000, .linger_ms = 1000,
  });
  CHECK(server);
  for (int ix = 0; ix < CONNECTIONS; ix++) {
    connections[ix].socket = -1;
    connections[ix].answers = malloc(ANSWER_BYTES);
  }
}

static size_t pool_used(void) {
  mr_stats stats;
  mr_app_stats(mr_server_app(server), &stats);
  CHECK(stats.restarts == 0 && stats.timeouts == 0);
  return stats.pool_used;
}

static void take_turns(int turns) {
  while (turns-- > 0) CHECK(mr_poll(server, 0));
}

static void open_connection(int ix) {
  if (connections[ix].socket >= 0) return;
  const struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(mr_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(client >= 0);
  fcntl(client, F_SETFL, O_NONBLOCK);
  // (The fuzzer's own timer may interrupt it, and the backlog be full of connections that were reset.)
  struct pollfd polled = {.fd = client, .events = POLLOUT};
  if (connect(client, (const struct sockaddr *)&address, sizeof address) != 0) {
    CHECK(errno == EINPROGRESS || errno == EINTR);
    while (poll(&polled, 1, 1) != 1) take_turns(1);
  }
  connections[ix].socket = client;
  connections[ix].size = 0;
  connections[ix].has_sent_all = connections[ix].was_cut = false;
}

// Takes what has come. True if the server has closed.
static bool take_answers(int ix) {
  for (;;) {
    const size_t room = ANSWER_BYTES - connections[ix].size;
    CHECK(room > 0);
    const ssize_t size = recv(connections[ix].socket, connections[ix].answers + connections[ix].size, room, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    connections[ix].was_cut = size < 0;
    if (size <= 0) return true;
    connections[ix].size += (size_t)size;
  }
}

static bool starts_with(const char *text, size_t size, const char *start) {
  return size >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}

// Goes over answers as a client would. Whether a body follows is known to who has asked; the bytes are anybody's here, so an answer
// may be one to HEAD: then the next one, or nothing, comes at once.
static void check_answers(const char *text, size_t size, bool is_whole) {
  while (size > 0) {
    CHECK(starts_with(text, size, "HTTP/1.1 "));
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    if (!end) {
      CHECK(!is_whole);
      return;
    }
    end += 4;
    const size_t head = (size_t)(end - text);
    const char *sized = memmem(text, head, "\r\ncontent-length: ", 18);
    const bool is_chunked = memmem(text, head, "\r\ntransfer-encoding: chunked\r\n", 30) != NULL;
    const bool closes = memmem(text, head, "\r\nconnection: close\r\n", 21) != NULL;
    CHECK(!(sized && is_chunked));
    text += head;
    size -= head;
    const bool has_none = size == 0 || starts_with(text, size, "HTTP/1.1 ");
    if (has_none) {
      CHECK(!closes || size == 0);
      continue;
    }
    if (is_chunked) {
      for (;;) {
        char *after;
        const unsigned long chunk = strtoul(text, &after, 16);
        const size_t line = (size_t)(after - text) + 2;
        if (line > size || chunk + 2 > size - line) {
          CHECK(!is_whole);
          return;
        }
        CHECK(memcmp(after, "\r\n", 2) == 0 && memcmp(after + 2 + chunk, "\r\n", 2) == 0);
        text += line + chunk + 2;
        size -= line + chunk + 2;
        if (chunk == 0) break;
      }
    } else if (sized) {
      const size_t length = strtoul(sized + 18, NULL, 10);
      if (length > size) {
        CHECK(!is_whole);
        return;
      }
      text += length;
      size -= length;
    } else {
      // Up to the end of the connection.
      CHECK(closes);
      return;
    }
    CHECK(!closes || size == 0);
  }
}

// Closes with a reset, or the system would be out of ports soon.
static void finish(int ix) {
  const struct linger none = {1, 0};
  if (connections[ix].socket < 0) return;
  check_answers(connections[ix].answers, connections[ix].size, false);
  setsockopt(connections[ix].socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(connections[ix].socket);
  connections[ix].socket = -1;
}

// One action; answers how many bytes of the input it has used.
static size_t act(const uint8_t *data, size_t size) {
  const int ix = data[0] & 1;
  open_connection(ix);
  switch (data[0] >> 1 & 7) {
    case 0:
      shutdown(connections[ix].socket, SHUT_WR);
      connections[ix].has_sent_all = true;
      break;
    case 1:
      finish(ix);
      break;
    case 2:
      now += data[0] >> 4 == 15 ? 1001 : data[0] >> 4;
      break;
    case 3:
      take_turns(2);
      if (take_answers(ix)) finish(ix);
      break;
    default: {
      // The pieces are short or long: lengths in one byte.
      const size_t wanted = size > 1 ? data[1] * (data[0] & 0x10 ? 16u : 1u) : 0;
      const size_t piece = size < 2 ? 0 : wanted < size - 2 ? wanted : size - 2;
      if (!connections[ix].has_sent_all && piece > 0) send(connections[ix].socket, data + 2, piece, MSG_NOSIGNAL);
      take_turns(1);
      return size < 2 ? 1 : 2 + piece;
    }
  }
  take_turns(1);
  return 1;
}

// A connection that is good gets its answer, whatever was before.
static void check_alive(void) {
  static const char request[] = "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
  open_connection(0);
  CHECK(send(connections[0].socket, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
  int turns = 0;
  while (!take_answers(0)) {
    CHECK(++turns < 1000);
    take_turns(1);
  }
  CHECK(!connections[0].was_cut);
  CHECK(starts_with(connections[0].answers, connections[0].size, "HTTP/1.1 200 OK\r\n"));
  check_answers(connections[0].answers, connections[0].size, true);
  finish(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static size_t used_at_first;
  if (!server) {
    start();
    check_alive();
    take_turns(3);
    used_at_first = pool_used();
  }
  while (size > 0) {
    const size_t used = act(data, size);
    data += used;
    size -= used;
  }
  for (int ix = 0; ix < CONNECTIONS; ix++) {
    if (connections[ix].socket < 0) continue;
    take_turns(2);
    take_answers(ix);
    finish(ix);
  }
  // Whoever still waits for something has waited long enough.
  for (int ix = 0; ix < 5; ix++) {
    now += 1001;
    take_turns(2);
  }
  check_alive();
  take_turns(3);
  CHECK(pool_used() <= used_at_first + SLACK_BYTES);
  return 0;
}
