// The server: sockets, HTTP/1.1 and its limits, all connections in one poll loop. Reads whole requests, hands them to the app,
// and sends what answer.c puts together. microrest.h says what it does for others.
//
// What is used of POSIX is what lwIP has as well.

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"

#define MAX_WAIT_MS 1000       // so that a stop is noticed that came between the look and the wait
#define ACCEPT_PAUSE_MS 100    // after a failure that is not the client's
#define GIVE_WAY_MS 100        // a connection that was idle for so long is closed if another one waits
#define MAX_LINGER_BYTES 65536
#define MAX_STEPS 16           // of one connection, before the others have their turn,
#define MAX_TURN_MS 20         // or so long: a request may take the script far longer than a step
#define MIN_BODY_ROOM 64       // behind a head, for its body to come through

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static uint32_t clock_of(const mr_server *server) { return mr_app_clock(server->app); }

static void start_clock(mr_connection *connection) { connection->since = clock_of(connection->server); }

static bool is_retry(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// ------------------------------------------------------------------------------------------------------------- closing

static void free_buffer(mr_connection *connection) {
  mr_server *server = connection->server;
  for (int ix = 0; ix < MR_BODY_BUFFERS; ix++) {
    if (server->buffer_of[ix] != connection) continue;
    server->buffer_of[ix] = NULL;
    server->is_busy = true;  // another connection may wait for it
  }
  connection->buffer = NULL;
  connection->wants_buffer = false;
}

static void close_connection(mr_connection *connection) {
  mr_exchange *exchange = connection->exchange;
  connection->exchange = NULL;
  close(connection->socket);
  connection->state = MR_FREE;
  if (connection->server->head_of == connection) connection->server->head_of = NULL;
  free_buffer(connection);
  if (exchange) mr_app_abort(exchange);
}

// Closes such that the client is told by a reset: it might take an answer that just ends for whole.
static void cut_connection(mr_connection *connection) {
#ifdef SO_LINGER
  const struct linger none = {1, 0};
  setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
#endif
  close_connection(connection);
}

// The last answer is out. What the client still sends is read and dropped until it closes: to close first would be answered to
// that by a reset, which can overtake the answer (RFC 9112, section 9.6).
static void linger(mr_connection *connection) {
  if (connection->is_ended || shutdown(connection->socket, SHUT_WR) != 0) {
    close_connection(connection);
    return;
  }
  connection->state = MR_LINGERING;
  connection->lingered = 0;
  start_clock(connection);
}

// -------------------------------------------------------------------------------------------------------- reading requests

static void begin_request(mr_connection *connection) {
  connection->state = MR_READING;
  connection->head_size = connection->taken = connection->body_size = 0;
  connection->is_started = connection->wants_buffer = false;
  connection->body = connection->buffer = NULL;
  connection->is_for_head = connection->is_http10 = false;
  start_clock(connection);
}

static void refuse(mr_connection *connection, int status) {
  connection->server->stats->refused++;
  connection->state = MR_ANSWERING;
  connection->taken = connection->in_size;
  free_buffer(connection);
  mr_answer_refuse(connection, status);
}

// Gets in line for a buffer.
static void want_buffer(mr_connection *connection) {
  if (connection->wants_buffer) return;
  connection->wants_buffer = true;
  connection->place = connection->server->last_place++;
}

// Whether no other connection is before it in line. (Places may wrap around.)
static bool is_next(const mr_connection *connection) {
  const mr_server *server = connection->server;
  for (int ix = 0; ix < MR_CONNECTIONS; ix++) {
    const mr_connection *other = &server->connections[ix];
    const uint32_t behind = connection->place - other->place;
    if (other->state == MR_READING && other->wants_buffer && behind > 0 && behind < UINT32_MAX / 2) return false;
  }
  return true;
}

// Takes a buffer for the body, and moves there what has come of it: `in` has room again. False if it has to wait for one.
static bool take_buffer(mr_connection *connection) {
  mr_server *server = connection->server;
  want_buffer(connection);
  for (int ix = 0; ix < MR_BODY_BUFFERS; ix++) {
    if (server->buffer_of[ix]) continue;
    if (!is_next(connection)) {
      server->is_busy = true;
      return false;
    }
    server->buffer_of[ix] = connection;
    connection->wants_buffer = false;
    connection->buffer = server->buffers[ix];
    memcpy(connection->buffer, connection->body, connection->body_size);
    connection->body = connection->buffer;
    const size_t ahead = connection->in_size - connection->taken;
    memmove(connection->in + connection->head_size, connection->in + connection->taken, ahead);
    connection->taken = connection->head_size;
    connection->in_size = connection->head_size + ahead;
    start_clock(connection);
    return true;
  }
  return false;
}

// Parses the head. False if it is not whole, or was refused.
static bool read_head(mr_connection *connection) {
  mr_server *server = connection->server;
  mr_head *head = &server->head;
  const int size = mr_parse_head(connection->in, connection->in_size, head);
  server->head_of = connection;
  // (As soon as it can be told: a refusal of what comes behind has no body either.)
  connection->is_for_head = connection->in_size > 5 && memcmp(connection->in, "HEAD ", 5) == 0;
  if (size < 0) {
    refuse(connection, -size);
    return false;
  }
  if (size == 0) {
    if (head->started && !connection->is_started) start_clock(connection);
    connection->is_started = connection->is_started || head->started;
    if (connection->in_size == MR_IN_BYTES) refuse(connection, head->too_long);
    else if (connection->is_ended && connection->in_size > 0) refuse(connection, 400);
    else if (connection->is_ended) close_connection(connection);
    return false;
  }
  connection->is_started = true;
  connection->head_size = connection->taken = (size_t)size;
  connection->body = connection->in + size;
  connection->is_for_head = head->method_len == 4 && memcmp(connection->in + head->method, "HEAD", 4) == 0;
  connection->is_http10 = head->minor == 0;
  connection->keep_alive = head->keep_alive;
  start_clock(connection);
  const int problem = mr_body_begin(&connection->framing_in, head, MR_BODY_BYTES);
  if (problem < 0 || (head->has_body && connection->head_size > MR_IN_BYTES - MIN_BODY_ROOM)) {
    refuse(connection, problem < 0 ? -problem : 431);
    return false;
  }
  connection->expects_continue = head->expect_continue && head->has_body;
  if (head->content_length > MR_IN_BYTES - size) want_buffer(connection);
  return true;
}

// Gathers the body. False if it is not whole, or was refused.
static bool read_body(mr_connection *connection) {
  mr_body *framing = &connection->framing_in;
  if (connection->wants_buffer && !take_buffer(connection)) return false;
  // (Who has sent some of the body does not wait to be told to.)
  if (connection->expects_continue && connection->in_size == connection->head_size) mr_answer_continue(connection);
  connection->expects_continue = false;
  while (!framing->done && connection->taken < connection->in_size) {
    const char *data;
    size_t size;
    const char *in = connection->in + connection->taken;
    const int taken = mr_body_take(framing, in, connection->in_size - connection->taken, &data, &size);
    if (taken < 0) {
      refuse(connection, -taken);
      return false;
    }
    // (The limit is the parser's, and the size of a buffer. In place there is room as content is no longer than its framing.)
    memmove(connection->body + connection->body_size, data, size);
    connection->body_size += size;
    connection->taken += (size_t)taken;
  }
  if (framing->done) return true;
  // All that came was taken; what comes next may come to where it was.
  connection->taken = connection->in_size = connection->head_size + (connection->buffer ? 0 : connection->body_size);
  if (connection->is_ended) refuse(connection, 400);
  else if (connection->in_size == MR_IN_BYTES) take_buffer(connection);
  return false;
}

// Hands the request to the app.
static void enter_app(mr_connection *connection) {
  mr_server *server = connection->server;
  mr_head *head = &server->head;
  const char *in = connection->in;
  if (server->head_of != connection) {
    mr_parse_head(in, connection->head_size, head);
    server->head_of = connection;
  }
  for (int ix = 0; ix < head->n_fields; ix++) {
    const mr_field *field = &head->fields[ix];
    server->fields[ix] = (mr_header){{in + field->name, field->name_len}, {in + field->value, field->value_len}};
  }
  const mr_request request = {
    .method = {in + head->method, head->method_len},
    .target = {in + head->target, head->target_len},
    .headers = server->fields,
    .n_headers = head->n_fields,
    .body = connection->body,
    .body_size = connection->body_size,
    .address = connection->address,
    .port = connection->port,
  };
  mr_answer_begin(connection);
  connection->state = MR_ANSWERING;
  start_clock(connection);
  connection->exchange = mr_app_handle(server->app, &request, &mr_connection_sink, connection);
  free_buffer(connection);
  // What is behind the request is the next one.
  connection->in_size -= connection->taken;
  memmove(connection->in, connection->in + connection->taken, connection->in_size);
  server->head_of = NULL;
}

// ------------------------------------------------------------------------------------------------------ reading and sending

// Whether there is a use for more bytes from the client, and where to put them.
static bool wants_input(const mr_connection *connection) {
  if (connection->state == MR_LINGERING) return true;
  return !connection->is_ended && !connection->wants_buffer && connection->in_size < MR_IN_BYTES;
}

static void receive(mr_connection *connection) {
  const bool is_lingering = connection->state == MR_LINGERING;
  char *to = connection->in + (is_lingering ? 0 : connection->in_size);
  const ssize_t size = recv(connection->socket, to, (size_t)(connection->in + MR_IN_BYTES - to), 0);
  if (size < 0 && is_retry(errno)) return;
  if (size < 0) {
    close_connection(connection);
  } else if (is_lingering) {
    connection->lingered += (size_t)size;
    if (size == 0 || connection->lingered > MAX_LINGER_BYTES) close_connection(connection);
  } else if (size == 0) {
    // It may only have closed its half, and still wait for the answer.
    connection->is_ended = true;
    if (connection->has_head && connection->out_at == connection->out_size) start_clock(connection);
  } else {
    connection->in_size += (size_t)size;
  }
}

// Sends what is in the buffer. False if it is not empty then, or the connection is no more.
static bool send_out(mr_connection *connection) {
  while (connection->out_at < connection->out_size) {
    const ssize_t size = send(
      connection->socket, connection->out + connection->out_at, connection->out_size - connection->out_at, MSG_NOSIGNAL
    );
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      if (!is_retry(errno)) close_connection(connection);
      return false;
    }
    connection->has_sent = connection->state == MR_ANSWERING;
    connection->out_at += (size_t)size;
  }
  connection->out_at = connection->out_size = 0;
  return true;
}

// Takes a step on a connection. False if it has to wait for the client or the app.
static bool step(mr_connection *connection) {
  if (connection->state == MR_FREE || connection->state == MR_LINGERING) return false;
  if (connection->is_cut) {
    cut_connection(connection);
    return false;
  }
  if (!send_out(connection)) return false;
  if (connection->state == MR_READING) {
    const bool is_whole = (connection->head_size > 0 || read_head(connection)) && read_body(connection);
    if (is_whole) enter_app(connection);
    return connection->state == MR_ANSWERING || connection->out_size > 0;
  }
  if (connection->is_whole) {
    if (!connection->keep_alive || connection->server->is_stopping) linger(connection);
    else begin_request(connection);
    return true;
  }
  if (connection->exchange) mr_app_drain(connection->exchange);
  return connection->out_size > 0 || connection->is_whole || connection->is_cut;
}

static void advance(mr_connection *connection) {
  const uint32_t began = clock_of(connection->server);
  int steps = 0;
  while (step(connection)) {
    if (++steps < MAX_STEPS && clock_of(connection->server) - began < MAX_TURN_MS) continue;
    connection->server->is_busy = true;
    break;
  }
}

// ---------------------------------------------------------------------------------------------------------- time limits

// The limit for what a connection waits for; 0 if there is none.
static uint32_t limit_of(const mr_connection *connection) {
  const mr_server_config *config = &connection->server->config;
  if (connection->state == MR_LINGERING) return config->linger_ms;
  if (connection->out_at < connection->out_size) return config->write_ms;
  // (A client that has closed its half mostly has closed the other one as well. Only what is sent to it can tell.)
  if (connection->state == MR_ANSWERING) return connection->has_head && !connection->is_ended ? 0 : config->answer_ms;
  if (connection->wants_buffer) return 0;
  return connection->head_size > 0 ? config->body_ms : connection->is_started ? config->head_ms : config->idle_ms;
}

// How long a connection may still wait; UINT32_MAX if for ever.
static uint32_t time_left(const mr_connection *connection) {
  const uint32_t limit = connection->state == MR_FREE ? 0 : limit_of(connection);
  if (limit == 0) return UINT32_MAX;
  const uint32_t waited = clock_of(connection->server) - connection->since;
  return waited < limit ? limit - waited : 0;
}

static void expire(mr_connection *connection) {
  mr_server *server = connection->server;
  if (connection->state == MR_LINGERING) {
    close_connection(connection);
  } else if (connection->out_at < connection->out_size || (connection->state == MR_ANSWERING && connection->has_head)) {
    cut_connection(connection);
  } else if (connection->state == MR_ANSWERING) {
    mr_exchange *exchange = connection->exchange;
    server->stats->unanswered++;
    mr_answer_refuse(connection, 503);
    if (exchange) mr_app_abort(exchange);
  } else if (connection->is_started) {
    refuse(connection, 408);
  } else {
    close_connection(connection);
  }
}

// ------------------------------------------------------------------------------------------------------ new connections

static bool is_idle(const mr_connection *connection) {
  return connection->state == MR_LINGERING || (connection->state == MR_READING && connection->in_size == 0);
}

// A connection for a new client: a free one, else the one that has been idle for longest, if that was long enough. NULL if
// there is none: then the client waits in the backlog, and *wait is for how long there will be none.
static mr_connection *find_place(mr_server *server, uint32_t *wait) {
  mr_connection *idlest = NULL;
  uint32_t longest = 0;
  *wait = UINT32_MAX;
  for (int ix = 0; ix < MR_CONNECTIONS; ix++) {
    mr_connection *connection = &server->connections[ix];
    if (connection->state == MR_FREE) return connection;
    const uint32_t idle = clock_of(server) - connection->since;
    if (!is_idle(connection) || (idlest && idle <= longest)) continue;
    idlest = connection;
    longest = idle;
  }
  if (!idlest || longest >= GIVE_WAY_MS) return idlest;
  *wait = GIVE_WAY_MS - longest;
  return NULL;
}

static bool set_non_blocking(int socket) {
  const int flags = fcntl(socket, F_GETFL, 0);
  return flags >= 0 && fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void read_address(mr_connection *connection, const struct sockaddr *address) {
  const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
  const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
  const bool is_ipv6 = address->sa_family == AF_INET6;
  const void *digits = is_ipv6 ? (const void *)&ipv6->sin6_addr : (const void *)&ipv4->sin_addr;
  connection->port = ntohs(is_ipv6 ? ipv6->sin6_port : ipv4->sin_port);
  if (!inet_ntop(address->sa_family, digits, connection->address, sizeof connection->address)) connection->address[0] = 0;
}

static void accept_one(mr_server *server) {
  uint32_t wait;
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  mr_connection *connection = find_place(server, &wait);
  if (!connection) return;
  const int socket = accept(server->listener, (struct sockaddr *)&address, &size);
  if (socket < 0) {
    if (!is_retry(errno) && errno != ECONNABORTED) server->accept_after = clock_of(server) + ACCEPT_PAUSE_MS;
    return;
  }
  if (connection->state != MR_FREE) close_connection(connection);
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
#if defined(TCP_KEEPIDLE) && defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
  // (The usual time until a silent stream to a client without power is given up is two hours.)
  const int idle_s = 60, interval_s = 10, probes = 3;
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
#endif
  server->stats->connections++;
  connection->socket = socket;
  connection->is_ended = connection->is_cut = false;
  connection->in_size = 0;
  connection->exchange = NULL;
  mr_answer_begin(connection);
  read_address(connection, (const struct sockaddr *)&address);
  begin_request(connection);
  if (!set_non_blocking(socket)) close_connection(connection);
}

// -------------------------------------------------------------------------------------------------------------- the loop

static uint32_t least(uint32_t one, uint32_t other) { return one < other ? one : other; }

// Whether an answer goes on and on while the server is to stop.
static bool is_endless(const mr_connection *connection) {
  const mr_server *server = connection->server;
  const bool has_stopped = server->is_stopping && server->listener < 0;
  return has_stopped && connection->has_head && connection->state == MR_ANSWERING
    && clock_of(server) - server->stopped_at > server->config.answer_ms;
}

// Does all that can be done without waiting.
static void advance_all(mr_server *server) {
  for (int ix = 0; ix < MR_CONNECTIONS; ix++) {
    mr_connection *connection = &server->connections[ix];
    if (server->is_stopping && connection->state == MR_READING && connection->in_size == 0) close_connection(connection);
    if (is_endless(connection)) cut_connection(connection);
    advance(connection);
  }
}

bool mr_poll(mr_server *server, uint32_t timeout_ms) {
  struct pollfd polled[MR_CONNECTIONS + 1];
  mr_connection *owners[MR_CONNECTIONS];
  bool is_late[MR_CONNECTIONS];
  nfds_t n_connections = 0;

  if (server->is_stopping && server->listener >= 0) {
    close(server->listener);
    server->listener = -1;
    server->stopped_at = clock_of(server);
  }
  server->is_busy = false;
  advance_all(server);
  uint32_t wait = least(least(timeout_ms, MAX_WAIT_MS), mr_app_turn(server->app));

  for (int ix = 0; ix < MR_CONNECTIONS; ix++) {
    mr_connection *connection = &server->connections[ix];
    if (connection->state == MR_FREE) continue;
    const int events = (wants_input(connection) ? POLLIN : 0) | (connection->out_at < connection->out_size ? POLLOUT : 0);
    const uint32_t left = time_left(connection);
    owners[n_connections] = connection;
    is_late[n_connections] = left == 0;
    polled[n_connections++] = (struct pollfd){.fd = connection->socket, .events = (short)events};
    wait = least(wait, left);
  }
  if (server->is_stopping && n_connections == 0) return false;

  nfds_t count = n_connections;
  if (server->listener >= 0) {
    uint32_t until_place;
    const uint32_t pause = server->accept_after - clock_of(server);
    if (pause > 0 && pause <= ACCEPT_PAUSE_MS) wait = least(wait, pause);
    else if (find_place(server, &until_place)) polled[count++] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    else wait = least(wait, until_place);
  }
  if (server->is_busy) wait = 0;

  if (poll(polled, count, (int)wait) < 0) return true;
  for (nfds_t ix = 0; ix < n_connections; ix++) {
    if (owners[ix]->state == MR_FREE) continue;
    if (!(polled[ix].revents & ~POLLOUT)) continue;
    if (wants_input(owners[ix])) receive(owners[ix]);
    else if (polled[ix].revents & (POLLERR | POLLNVAL)) close_connection(owners[ix]);
  }
  if (count > n_connections && polled[n_connections].revents) accept_one(server);
  advance_all(server);
  // Who was late before that look at the sockets, and still is: what a client sent in time may have waited for the script.
  for (nfds_t ix = 0; ix < n_connections; ix++) {
    if (!is_late[ix] || time_left(owners[ix]) > 0) continue;
    expire(owners[ix]);
    advance(owners[ix]);
  }
  return true;
}

void mr_run(mr_server *server) {
  while (mr_poll(server, MAX_WAIT_MS)) continue;
}

// -------------------------------------------------------------------------------------------------------- start and stop

static int open_listener(const char *text, uint16_t port) {
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  const bool is_ipv4 = inet_pton(AF_INET, text, &ipv4.sin_addr) == 1;
  if (!is_ipv4 && inet_pton(AF_INET6, text, &ipv6.sin6_addr) != 1) return -1;
  const struct sockaddr *address = is_ipv4 ? (const struct sockaddr *)&ipv4 : (const struct sockaddr *)&ipv6;
  const socklen_t size = is_ipv4 ? sizeof ipv4 : sizeof ipv6;
  const int listener = socket(address->sa_family, SOCK_STREAM, 0);
  const int yes = 1;
  if (listener < 0) return -1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool is_bound = bind(listener, address, size) == 0 && listen(listener, MR_CONNECTIONS * 4) == 0;
  if (is_bound && set_non_blocking(listener)) return listener;
  close(listener);
  return -1;
}

static uint16_t port_of(int listener) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &size) != 0) return 0;
  const bool is_ipv6 = address.ss_family == AF_INET6;
  return ntohs(is_ipv6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
}

static void set_defaults(mr_server_config *config) {
  if (!config->address) config->address = "0.0.0.0";
  if (!config->idle_ms) config->idle_ms = 5000;
  if (!config->head_ms) config->head_ms = 10000;
  if (!config->body_ms) config->body_ms = 20000;
  if (!config->answer_ms) config->answer_ms = 10000;
  if (!config->write_ms) config->write_ms = 10000;
  if (!config->linger_ms) config->linger_ms = 2000;
}

mr_server *mr_start(const mr_server_config *config) {
  mr_region regions[MR_MAX_REGIONS];
  mr_app_config app = config->app;
  if (app.n_regions == 0 || app.n_regions > MR_MAX_REGIONS) return NULL;
  memcpy(regions, app.regions, app.n_regions * sizeof *regions);
  app.regions = regions;
  mr_server *server = mr_take(&regions[0], sizeof *server);
  if (!server) return NULL;
  server->config = *config;
  set_defaults(&server->config);
  for (int ix = 0; ix < MR_CONNECTIONS; ix++) server->connections[ix].server = server;
  server->app = mr_app_start(&app);
  if (!server->app) return NULL;
  server->stats = mr_app_counters(server->app);
  server->listener = open_listener(server->config.address, server->config.port);
  if (server->listener < 0) {
    mr_app_log(server->app, MR_LOG_ERROR, "cannot listen there");
    mr_app_stop(server->app);
    return NULL;
  }
  server->port = port_of(server->listener);
  return server;
}

mr_app *mr_server_app(mr_server *server) { return server->app; }

uint16_t mr_server_port(const mr_server *server) { return server->port; }

void mr_stop(mr_server *server) { server->is_stopping = true; }

void mr_close(mr_server *server) {
  if (server->listener >= 0) close(server->listener);
  server->listener = -1;
  for (int ix = 0; ix < MR_CONNECTIONS; ix++) {
    if (server->connections[ix].state != MR_FREE) cut_connection(&server->connections[ix]);
  }
  mr_app_stop(server->app);
}
