/* Answers and closes immediately, so that the answer and the end of the connection arrive together. Arguments: serve
 * <address> <port>, or ask <address> <port> <requests>, which prints its own count and durations. All on one CPU. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in address;

static int failed(const char *what) {
    perror(what);
    return 1;
}

static double milliseconds(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int serve(void) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    char question[16];

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1024))
        return failed("listener");
    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection < 0 || recv(connection, question, sizeof(question), 0) <= 0 ||
            send(connection, "an answer", 9, 0) != 9)
            return failed("connection");
        close(connection);
    }
}

static int ask(int requests) {
    char text[16];

    printf("{\"requests\": %d, \"connections\": %d, ", requests, requests);
    printf("\"sentBytes\": %d, \"receivedBytes\": %d, \"durationsMs\": [", requests * 8, requests * 9);
    for (int i = 0; i < requests; i++) {
        int connection = socket(AF_INET, SOCK_STREAM, 0);
        double start = milliseconds();

        if (connect(connection, (struct sockaddr *)&address, sizeof(address)) ||
            send(connection, "question", 8, 0) != 8 || recv(connection, text, sizeof(text), 0) != 9)
            return failed("request");
        printf("%s%.3f", i ? ", " : "", milliseconds() - start);
        while (recv(connection, text, sizeof(text), 0) > 0)
            ;
        close(connection);
    }
    printf("]}\n");
    return 0;
}

int main(int count, char **arguments) {
    cpu_set_t first;

    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (count < 4 || sched_setaffinity(0, sizeof(first), &first))
        return failed("arguments");
    address.sin_family = AF_INET;
    address.sin_port = htons(atoi(arguments[3]));
    inet_pton(AF_INET, arguments[2], &address.sin_addr);
    return strcmp(arguments[1], "serve") ? ask(atoi(arguments[4])) : serve();
}
