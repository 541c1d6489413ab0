// What the parts of the server share: server.c has the sockets and the loop, answer.c what goes out on a connection. Neither
// calls the engine; the app is known to them by microrest.h alone.

#ifndef MR_SERVER_H
#define MR_SERVER_H

#include "http.h"
#include "microrest.h"

typedef enum {
  MR_FREE,
  MR_READING,    // a request; idle as long as none of its bytes has come
  MR_ANSWERING,  // the request has come in whole or was refused, the answer is not out in whole
  MR_LINGERING,  // all is said, the client has yet to close
} mr_state;

typedef enum {
  MR_NO_BODY,      // HEAD, 204, 304
  MR_SIZED,        // content-length
  MR_CHUNKED,
  MR_UNTIL_CLOSE,  // HTTP/1.0
} mr_framing;

typedef struct {
  mr_server *server;
  int socket;
  mr_state state;
  uint32_t since;  // when began what a time limit is for
  bool is_ended;   // the client will send no more
  bool is_cut;     // to be closed such that the client sees that the answer is not whole
  size_t lingered;  // bytes dropped meanwhile

  // The request, at the start of `in`: its head, and behind that what has come of its body, in pieces or moved together.
  size_t in_size;    // bytes in `in`
  size_t head_size;  // 0: the head is not whole yet
  size_t taken;      // bytes of `in` that belong to this request and have been looked at
  bool is_started;
  bool wants_buffer;  // one for its body, when there is one to be had
  uint32_t place;     // in the line for that
  bool expects_continue;
  mr_body framing_in;
  char *body;  // in `in`, or a buffer
  char *buffer;
  size_t body_size;

  // The answer.
  mr_exchange *exchange;  // NULL if the app has nothing (more) to say
  bool is_for_head;       // the request's method is HEAD
  bool is_http10;
  bool keep_alive;
  bool has_head;
  bool is_whole;
  bool has_sent;  // a byte of it has left
  mr_framing framing;
  int64_t left;  // of a sized body
  size_t out_at, out_size;  // what has not been sent is in between

  uint16_t port;
  char address[46];
  char in[MR_IN_BYTES];
  char out[MR_OUT_BYTES];
} mr_connection;

struct mr_server {
  mr_server_config config;
  mr_app *app;
  mr_stats *stats;
  int listener;
  uint16_t port;
  volatile bool is_stopping;
  uint32_t stopped_at;  // when that was noticed
  bool is_busy;  // there is something to do without waiting for anything
  uint32_t accept_after;
  mr_head head;  // of the connection that was parsed last
  const mr_connection *head_of;
  mr_header fields[MR_MAX_FIELDS];
  mr_connection connections[MR_CONNECTIONS];
  const mr_connection *buffer_of[MR_BODY_BUFFERS];
  uint32_t last_place;  // in the line for a buffer
  char buffers[MR_BODY_BUFFERS][MR_BODY_BYTES];
};

// How the app answers on a connection.
extern const mr_sink mr_connection_sink;

// Begins the answer to a request.
void mr_answer_begin(mr_connection *connection);

// Answers with an error on the server's own account; the connection is closed after it.
void mr_answer_refuse(mr_connection *connection, int status);

// Tells a client that waits for it to send the body.
void mr_answer_continue(mr_connection *connection);

#endif
