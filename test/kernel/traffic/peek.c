/* A connection to itself: three times, the client sends ten bytes, the server peeks at them twice (MSG_PEEK), receives
 * them, and responds with five bytes; then the server sends once more without a request. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what) {
    perror(what);
    return 1;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char buffer[64] = "0123456789";
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server;

    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        connect(client, (struct sockaddr *)&address, size) || (server = accept(listener, NULL, NULL)) < 0)
        return failed("connection");
    for (int i = 0; i < 3; i++) {
        if (send(client, buffer, 10, 0) != 10)
            return failed("question");
        for (int look = 0; look < 2; look++)
            if (recv(server, buffer, 10, MSG_PEEK | MSG_WAITALL) != 10)
                return failed("look");
        if (recv(server, buffer, 10, MSG_WAITALL) != 10 || send(server, buffer, 5, 0) != 5)
            return failed("answer");
        if (recv(client, buffer, 1, MSG_PEEK) != 1 || recv(client, buffer, 5, MSG_WAITALL) != 5)
            return failed("reading the answer");
    }
    if (send(server, buffer, 7, 0) != 7 || recv(client, buffer, 7, MSG_WAITALL) != 7)
        return failed("afterword");
    /* An empty socket: not an exchange. */
    if (recv(client, buffer, 1, MSG_DONTWAIT) >= 0)
        return failed("empty socket");
    printf("{}\n");
    return 0;
}
