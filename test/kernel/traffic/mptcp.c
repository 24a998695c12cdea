/* A connection between two processes, each side over TCP or MPTCP: {"client": "mptcp", "server": "tcp", "host": "::1"}.
 * Prints {"port": <the server's>} when it is established. When its standard input ends, sends ten questions of 100
 * bytes, with an answer of 50 bytes each, connects once to a port without a listener, and prints {"refused": true}.
 * With "http": true the questions and answers start like those of HTTP, with status 503. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MPTCP 262
#define QUESTION 100
#define ANSWER 50

static struct sockaddr_in6 address = {.sin6_family = AF_INET6};
static socklen_t size = sizeof(address);
static bool is_http;

static int failed(const char *what) {
    perror(what);
    return 1;
}

static int open_socket(bool is_mptcp) {
    return socket(address.sin6_family, SOCK_STREAM, is_mptcp ? MPTCP : 0);
}

static int serve(int listener, int client) {
    int server = accept(listener, NULL, NULL);
    char bytes[QUESTION];
    const char answer[ANSWER] = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

    close(client);
    while (recv(server, bytes, QUESTION, MSG_WAITALL) == QUESTION)
        if (send(server, is_http ? answer : bytes, ANSWER, 0) != ANSWER)
            return failed("answer");
    close(server);
    close(listener);
    return 0;
}

static bool is_refused(bool is_mptcp) {
    int client = open_socket(is_mptcp);
    bool refused = connect(client, (struct sockaddr *)&address, size) && errno == ECONNREFUSED;

    close(client);
    return refused;
}

int main(int count, char **arguments) {
    const char *options = arguments[count - 1];
    bool client_mptcp = strstr(options, "\"client\":\"mptcp\""), server_mptcp = strstr(options, "\"server\":\"mptcp\"");
    char bytes[QUESTION] = "", answer[ANSWER];
    int listener, client, status;

    is_http = strstr(options, "\"http\":true");

    if (strstr(options, "127.0.0.1")) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&address;

        v4->sin_family = AF_INET;
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof(*v4);
    } else {
        address.sin6_addr = in6addr_loopback;
    }
    listener = open_socket(server_mptcp);
    client = open_socket(client_mptcp);
    if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&address, &size) || connect(client, (struct sockaddr *)&address, size))
        return failed("connection");
    printf("{\"port\": %d}\n", ntohs(address.sin6_port));
    fflush(stdout);
    if (!fork())
        return serve(listener, client);
    close(listener);
    while (read(STDIN_FILENO, answer, ANSWER) > 0)
        ;
    if (is_http)
        strcpy(bytes, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        if (send(client, bytes, QUESTION, 0) != QUESTION || recv(client, answer, ANSWER, MSG_WAITALL) != ANSWER)
            return failed("question");
        /* More subflows open after the first exchange. */
        usleep(10000);
    }
    close(client);
    wait(&status);
    printf("{\"refused\": %s}\n", is_refused(client_mptcp) ? "true" : "false");
    return status;
}
