# The parts of the library, for its own Makefile and those below: the app is the engine and what is around it, the server has
# the sockets.
MR_APP_SOURCES = pool.c script.c exchange.c globals.c http.c
MR_SERVER_SOURCES = server.c answer.c
