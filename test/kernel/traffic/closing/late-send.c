/* A client whose send call returns only after the server's FIN: the call waits for window while the server, which has
 * read the start of the question, answers, shuts down its side and reads on. Then the client sends once more, which is
 * not a request any more. "unread": it does not read the answer. "reset": the server resets the connection instead of
 * answering; "late-reset": and the client has sent the start of the question before, by a call of its own. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUESTION (16 << 20)
#define START 1000
#define ANSWER 100

static char bytes[QUESTION];
static bool resets;

static int failed(const char *what) {
    perror(what);
    return 1;
}

static int serve(int listener, int client) {
    int server = accept(listener, NULL, NULL);

    close(client);
    if (server < 0 || recv(server, bytes, START, MSG_WAITALL) != START)
        return failed("server");
    /* The client's call fills the windows, and waits. */
    usleep(200000);
    if (resets) {
        setsockopt(server, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        close(server);
        return 0;
    }
    if (send(server, bytes, ANSWER, 0) != ANSWER)
        return failed("answer");
    if (shutdown(server, SHUT_WR))
        return failed("shutdown");
    usleep(100000);
    while (recv(server, bytes, QUESTION, 0) > 0)
        ;
    close(server);
    return 0;
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *options = arguments[count - 1];
    int protocol = strstr(options, "mptcp") ? 262 : 0, unread = !!strstr(options, "unread"), status;
    int listener = socket(AF_INET, SOCK_STREAM, protocol), client = socket(AF_INET, SOCK_STREAM, protocol);
    socklen_t size = sizeof(address);

    resets = strstr(options, "reset");
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return failed("listener");
    if (!fork())
        return serve(listener, client);
    if (connect(client, (struct sockaddr *)&address, size))
        return failed("connection");
    memcpy(bytes, "GET / HTTP/1.1\r\n\r\n", 18);
    if (strstr(options, "late-reset") && send(client, bytes, START, 0) != START)
        return failed("start of the question");
    if (resets ? send(client, bytes, QUESTION, 0) <= 0 : send(client, bytes, QUESTION, 0) != QUESTION)
        return failed("question");
    if (!resets && !unread && recv(client, bytes, ANSWER, MSG_WAITALL) != ANSWER)
        return failed("reading the answer");
    if (!resets && send(client, bytes, START, 0) != START)
        return failed("afterword");
    close(client);
    wait(&status);
    printf("{}\n");
    return status;
}
