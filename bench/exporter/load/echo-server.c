/* echo-server: answers every message on every connection with the same number of bytes. A message that begins with 'c'
 * is the last one: the server closes first, so that sockets in TIME_WAIT only take its own port. Prints its port and
 * serves until its standard input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

/* Of the usual size: longer than an interim response. */
#define HTTP_RESPONSE_BYTES 200

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int poll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
        fail("epoll_ctl");
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        fail("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void accept_all(int poll, int listener) {
    const int on = 1;
    int client;

    while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(poll, client);
    }
}

static void answer(int client) {
    char message[4096];
    const ssize_t received = recv(client, message, sizeof(message), 0);
    const int http = received > 5 && message[0] == 'G';
    const ssize_t length = http ? HTTP_RESPONSE_BYTES : received;
    const char kind = message[http ? 5 : 0];

    if (http)
        memset(memcpy(message, "HTTP/1.1 200 OK\r\n", 17) + 17, 'r', HTTP_RESPONSE_BYTES - 17);
    if (length > 0 && send(client, message, length, MSG_NOSIGNAL) == length && kind != 'c')
        return;
    close(client);
}

int main(void) {
    const int poll = epoll_create1(0), listener = listen_anywhere();
    struct epoll_event events[EVENTS];

    watch(poll, listener);
    watch(poll, STDIN_FILENO);
    for (;;) {
        const int count = epoll_wait(poll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                return 0;
            if (events[i].data.fd == listener)
                accept_all(poll, listener);
            else
                answer(events[i].data.fd);
        }
    }
}
