/* Listens without accepting, with a backlog of 3. Four connections fill the queue (the kernel queues one more than the
 * backlog); five more are dropped, as are their retransmitted SYNs, until standard input ends. */
#include <arpa/inet.h>
#include <errno.h>
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
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 3) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return failed("listener");
    for (int i = 0; i < 9; i++) {
        int client = socket(AF_INET, SOCK_STREAM | (i < 4 ? 0 : SOCK_NONBLOCK), 0);

        if (connect(client, (struct sockaddr *)&address, size) && errno != EINPROGRESS)
            return failed("connect");
    }
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    close(listener);
    printf("{}\n");
    return 0;
}
