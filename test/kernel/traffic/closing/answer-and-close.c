/* Two processes on one CPU. For each connection, the client sends a question and reads to the end of the connection;
 * the server reads the question, answers and closes immediately, so that the answer and the FIN may come before the
 * client's call has returned. Prints {"answered": <connections with an answer>}. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES 100

static int failed(const char *what) {
    perror(what);
    return 1;
}

/* The number after `name` in the options, a JSON object. */
static int option(const char *options, const char *name) {
    const char *at = strstr(options, name);

    return at ? atoi(at + strlen(name) + strlen("\":")) : 0;
}

static int serve(int listener, int connections) {
    char buffer[BYTES];

    for (int i = 0; i < connections; i++) {
        int server = accept(listener, NULL, NULL);

        if (server < 0 || recv(server, buffer, BYTES, MSG_WAITALL) != BYTES || send(server, buffer, BYTES, 0) != BYTES)
            return failed("server");
        close(server);
    }
    return 0;
}

static int ask(struct sockaddr_in *address, int protocol) {
    char buffer[BYTES] = "question";
    int client = socket(AF_INET, SOCK_STREAM, protocol), size, all = 0;

    if (connect(client, (struct sockaddr *)address, sizeof(*address)) || send(client, buffer, BYTES, 0) != BYTES)
        return -failed("client");
    while ((size = recv(client, buffer, BYTES, 0)) > 0)
        all += size;
    close(client);
    return all == BYTES;
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connections = option(arguments[count - 1], "connections");
    int protocol = option(arguments[count - 1], "protocol");
    int listener = socket(AF_INET, SOCK_STREAM, protocol), answered = 0, status;
    socklen_t size = sizeof(address);
    cpu_set_t cpu;

    CPU_ZERO(&cpu);
    CPU_SET(0, &cpu);
    if (sched_setaffinity(0, sizeof(cpu), &cpu) || bind(listener, (struct sockaddr *)&address, size) ||
        listen(listener, 128) || getsockname(listener, (struct sockaddr *)&address, &size))
        return failed("listener");
    if (!fork())
        return serve(listener, connections);
    for (int i = 0; i < connections; i++)
        answered += ask(&address, protocol);
    wait(&status);
    printf("{\"answered\": %d}\n", answered);
    return status;
}
