// A process that scans: connects to `peers` addresses of the loopback, where nobody listens, again and again, while
// `listens` sockets listen, until its standard input ends. Two child processes hold the listening sockets: a process
// has at most 20,000 descriptors. Prints a line when it has done everything once. Usage: crowd
// '{"peers":P,"listens":L}'.
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENERS 2

static int option(const char *json, const char *name) {
    const char *found = strstr(json, name);

    return found ? atoi(found + strlen(name) + 2) : 0;
}

static struct sockaddr_in address(int host, int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};

    at.sin_addr.s_addr = htonl(0x7f000002 + host);
    return at;
}

static void try_peer(int host) {
    struct sockaddr_in at = address(host, 9);
    int sock = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(sock, (struct sockaddr *)&at, sizeof(at)) == 0)
        exit(2);
    close(sock);
}

static pid_t hold(int child, int count, int ready) {
    pid_t pid = fork();

    if (pid)
        return pid;
    for (int i = 0; i < count; i++) {
        struct sockaddr_in at = address(child, 0);
        int sock = socket(AF_INET, SOCK_STREAM, 0);

        if (bind(sock, (struct sockaddr *)&at, sizeof(at)) || listen(sock, 1)) {
            perror("listen");
            exit(3);
        }
    }
    if (write(ready, "x", 1) != 1)
        exit(4);
    pause();
    exit(0);
}

int main(int argc, char **argv) {
    struct rlimit files;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    int peers = option(argv[argc - 1], "peers"), listens = option(argv[argc - 1], "listens");
    pid_t children[LISTENERS];
    int ready[2];
    char byte;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (pipe(ready))
        return 1;
    for (int i = 0; i < LISTENERS; i++)
        children[i] = hold(i, listens / LISTENERS, ready[1]);
    for (int i = 0; i < peers; i++)
        try_peer(i);
    for (int i = 0; i < LISTENERS; i++)
        if (read(ready[0], &byte, 1) != 1)
            return 1;
    puts("{}");
    fflush(stdout);
    for (int i = 0; poll(&input, 1, 0) == 0; i = (i + 1) % (peers ? peers : 1))
        try_peer(i);
    for (int i = 0; i < LISTENERS; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    puts("{}");
    return 0;
}
