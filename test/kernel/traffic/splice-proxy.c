/* A TCP proxy that never copies: splice() from a socket into a pipe and from there into the other socket, as Go's
 * io.Copy and haproxy do. {"backend": 8080} is a port on the loopback. Prints {"port": <its own>} when it listens,
 * serves one connection after another, and ends with its standard input. With "receive" in the options the requests are
 * received and sent by calls, and only the responses are spliced. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536

static bool receives;

static int failed(const char *what) {
    perror(what);
    exit(1);
}

static ssize_t copy(int from, int to) {
    static char buffer[CHUNK];
    ssize_t size = recv(from, buffer, CHUNK, 0);

    if (size > 0 && send(to, buffer, size, 0) != size)
        failed("copy");
    return size;
}

/* Returns 0 at the end of the stream. */
static ssize_t move(int from, int to, const int tube[2]) {
    ssize_t size = splice(from, NULL, tube[1], NULL, CHUNK, SPLICE_F_MOVE);

    for (ssize_t left = size; left > 0;) {
        ssize_t moved = splice(tube[0], NULL, to, NULL, left, SPLICE_F_MOVE);

        if (moved <= 0)
            failed("splice to a socket");
        left -= moved;
    }
    return size;
}

static void serve(int client, struct sockaddr_in *backend, const int tube[2]) {
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};

    if (connect(server, (struct sockaddr *)backend, sizeof(*backend)))
        failed("backend");
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        poll(ends, 2, -1);
        for (int i = 0; i < 2; i++) {
            int from = i ? server : client, to = i ? client : server;

            if (ends[i].fd < 0 || !ends[i].revents)
                continue;
            if ((receives && !i ? copy(from, to) : move(from, to, tube)) > 0)
                continue;
            /* Passes the half-close on, and waits for the other direction. */
            shutdown(to, SHUT_WR);
            ends[i].fd = -1;
        }
    }
    close(server);
    close(client);
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, backend = address;
    const char *port = strstr(arguments[count - 1], "\"backend\":");
    int listener = socket(AF_INET, SOCK_STREAM, 0), tube[2];
    socklen_t size = sizeof(address);
    struct pollfd events[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = listener, .events = POLLIN}};

    receives = strstr(arguments[count - 1], "receive");
    backend.sin_port = htons(port ? atoi(port + strlen("\"backend\":")) : 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) || pipe(tube) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        failed("listener");
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    while (poll(events, 2, -1) > 0 && !events[0].revents)
        if (events[1].revents)
            serve(accept(listener, NULL, NULL), &backend, tube);
    printf("{}\n");
    return 0;
}
