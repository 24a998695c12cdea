/* Connections to itself. On each, both ends have sent a word that the other has not read. For a line on standard input,
 * one thread of each end sends another word and one receives the first, end after end, so that the two calls sometimes
 * return at the same time. When the input ends, the connections are closed. Options: {}. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 450
#define ENDS (2 * CONNECTIONS)
#define WORD 8
#define STEPS 300
#define STEP_LOOPS 12

static int ends[ENDS];
static atomic_int ready[ENDS];
static atomic_int failures;

/* Spins: a barrier that sleeps would wake one thread after the other. */
static void meet(int end) {
    atomic_fetch_add(&ready[end], 1);
    while (atomic_load(&ready[end]) < 2)
        ;
}

static void *send_all(void *unused) {
    for (int i = 0; i < ENDS; i++) {
        meet(i);
        if (send(ends[i], "question", WORD, 0) != WORD)
            atomic_fetch_add(&failures, 1);
    }
    return unused;
}

static void *receive_all(void *unused) {
    char word[WORD];

    for (int i = 0; i < ENDS; i++) {
        meet(i);
        /* A send takes an unknown number of microseconds longer. */
        for (volatile int wait = i % STEPS * STEP_LOOPS; wait > 0; wait--)
            ;
        if (recv(ends[i], word, WORD, MSG_WAITALL) != WORD)
            atomic_fetch_add(&failures, 1);
    }
    return unused;
}

static int failed(const char *what) {
    perror(what);
    return 1;
}

static int connect_all(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return failed("listener");
    for (int i = 0; i < ENDS; i += 2) {
        ends[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(ends[i], (struct sockaddr *)&address, size) || (ends[i + 1] = accept(listener, NULL, NULL)) < 0 ||
            send(ends[i], "question", WORD, 0) != WORD || send(ends[i + 1], "an answer", WORD, 0) != WORD)
            return failed("connection");
    }
    return 0;
}

int main(void) {
    pthread_t sender, receiver;
    char line[64];

    if (connect_all())
        return 1;
    printf("{\"connections\": %d}\n", CONNECTIONS);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return failed("command");
    if (pthread_create(&sender, NULL, send_all, NULL) || pthread_create(&receiver, NULL, receive_all, NULL) ||
        pthread_join(sender, NULL) || pthread_join(receiver, NULL) || failures)
        return failed("threads");
    printf("{\"bytes\": %d}\n", CONNECTIONS * WORD);
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        ;
    for (int i = 0; i < ENDS; i++)
        close(ends[i]);
    printf("{}\n");
    return 0;
}
