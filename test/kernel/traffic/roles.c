/* Connections whose roles are easily confused, with one request and response on each, all in one process:
 *
 *   1. a client with a bound port lower than its server's;
 *   2. a socket connected to itself, without a listener;
 *   3. the socket of a client that has disconnected and now listens, with the same descriptor;
 *   4. ten times in turn a client from, and a server on, one port, each with the descriptor of the one before. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOW_PORT 81
#define OWN_PORT 82
#define TURNS_PORT 83

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    address.sin_port = htons(port);
    return address;
}

/* A TCP socket on a port, 0 for any. It closes by a reset, so that the port is free immediately. */
static int bound(int port) {
    struct sockaddr_in address = loopback(port);
    struct linger linger = {.l_onoff = 1};
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    if (setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        setsockopt(socket_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ||
        bind(socket_fd, (struct sockaddr *)&address, sizeof(address)))
        return -1;
    return socket_fd;
}

static int port_of(int socket_fd) {
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    return getsockname(socket_fd, (struct sockaddr *)&address, &size) ? -1 : ntohs(address.sin_port);
}

static int connect_to(int client, int port) {
    struct sockaddr_in address = loopback(port);

    return connect(client, (struct sockaddr *)&address, sizeof(address));
}

static int move(int from, int to, const char *text) {
    char buffer[64];
    ssize_t length = strlen(text);

    return send(from, text, length, 0) != length || recv(to, buffer, length, MSG_WAITALL) != length;
}

/* A connection from `client` to `listener` with one exchange, then closed. The client's descriptor stays open. */
static int exchange(int client, int listener) {
    int failed, server;

    if (connect_to(client, port_of(listener)) || (server = accept(listener, NULL, NULL)) < 0)
        return 1;
    failed = move(client, server, "question") || move(server, client, "answer");
    close(server);
    return failed;
}

static int low_client(int listener) {
    int client = bound(LOW_PORT);
    int failed = exchange(client, listener);

    close(client);
    return failed;
}

static int own_client(void) {
    int both = bound(OWN_PORT);
    int failed = connect_to(both, OWN_PORT) || move(both, both, "question") || move(both, both, "answer");

    close(both);
    return failed;
}

static int turned(int listener) {
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int both = bound(0), client = bound(0), failed;

    failed = exchange(both, listener) || connect(both, &nowhere, sizeof(nowhere)) || listen(both, 1) ||
             exchange(client, both);
    close(client);
    close(both);
    return failed;
}

static int turns(int listener) {
    for (int i = 0; i < 10; i++) {
        int first = bound(TURNS_PORT), client, failed;

        if (i % 2 == 0) {
            failed = exchange(first, listener);
        } else {
            client = bound(0);
            failed = listen(first, 1) || exchange(client, first);
            close(client);
        }
        close(first);
        if (failed)
            return failed;
    }
    return 0;
}

int main(void) {
    int listener = bound(0);

    if (listen(listener, 8) || low_client(listener) || own_client() || turned(listener) || turns(listener)) {
        perror("roles");
        return 1;
    }
    printf("{\"port\": %d}\n", port_of(listener));
    return 0;
}
