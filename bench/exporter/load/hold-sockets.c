/* hold-sockets CONNECTIONS: opens connections to itself, prints their number, and holds them until its standard input
 * ends. Each needs two file descriptors. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what) {
    perror(what);
    return 1;
}

int main(int argc, char **argv) {
    const int connections = argc == 2 ? atoi(argv[1]) : 0;
    const struct rlimit files = {2 * connections + 16, 2 * connections + 16};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    char end;

    if (setrlimit(RLIMIT_NOFILE, &files))
        return fail("RLIMIT_NOFILE");
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return fail("listen");
    for (int i = 0; i < connections; i++) {
        if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, size) ||
            accept(listener, NULL, NULL) < 0)
            return fail("connection");
    }
    printf("%d\n", connections);
    fflush(stdout);
    return read(STDIN_FILENO, &end, 1) < 0;
}
