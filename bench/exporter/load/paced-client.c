/* paced-client PORT KEPT REQUESTS CONNECTIONS SECONDS [http]: for SECONDS, sends REQUESTS per second over KEPT
 * connections that stay open, and opens CONNECTIONS per second for one request each, to 127.0.0.1. Requests are of an
 * unknown protocol, or of HTTP/1.1. Delayed requests are sent later; a rate that cannot be reached is limited by the
 * responses. Prints its results as JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define MESSAGE_BYTES 64
#define RESPONSE_BYTES 256
/* Maximum number of open connections for one request, so that a slow server is not overloaded. */
#define MAX_SINGLE_REQUEST 256
#define MAX_LATENCIES (8 * 1024 * 1024)

struct connection {
    int fd;
    int kept;
    double asked; /* seconds; 0 while idle */
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static int poll_fd, short_open, http;
static struct connection **idle;
static int idle_count;
static long requests, connections;
static unsigned *latencies; /* nanoseconds */
static long latency_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static struct connection *open_connection(int kept) {
    const int on = 1;
    struct connection *connection = calloc(1, sizeof(*connection));
    struct epoll_event event = {.events = kept ? EPOLLIN : EPOLLOUT, .data.ptr = connection};

    connection->kept = kept;
    /* The kept ones are open before the first request. */
    connection->fd = socket(AF_INET, SOCK_STREAM | (kept ? 0 : SOCK_NONBLOCK), 0);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(connection->fd, (struct sockaddr *)&server, sizeof(server)) && errno != EINPROGRESS)
        fail("connect");
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection->fd, &event))
        fail("epoll_ctl");
    return connection;
}

static void ask(struct connection *connection) {
    char message[MESSAGE_BYTES];

    memset(message, connection->kept ? 'k' : 'c', sizeof(message));
    if (http) {
        memcpy(message, connection->kept ? "GET /k HTTP/1.1\r\nHost: " : "GET /c HTTP/1.1\r\nHost: ", 23);
        memcpy(message + sizeof(message) - 4, "\r\n\r\n", 4);
    }
    connection->asked = now();
    if (send(connection->fd, message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
        fail("send");
}

static void answered(struct connection *connection) {
    char message[RESPONSE_BYTES];
    const ssize_t length = recv(connection->fd, message, sizeof(message), MSG_DONTWAIT);

    if (length < 0 && errno == EAGAIN)
        return;
    if (length < 0)
        fail("recv");
    if (length == 0) {
        if (connection->kept)
            fail("closed by the server");
        close(connection->fd);
        free(connection);
        short_open--;
        connections++;
        return;
    }
    requests += connection->kept;
    if (connection->kept && latency_count < MAX_LATENCIES)
        latencies[latency_count++] = (now() - connection->asked) * 1e9;
    if (connection->kept)
        idle[idle_count++] = connection;
}

static void handle(struct epoll_event *ready) {
    struct connection *connection = ready->data.ptr;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (connection->kept || connection->asked) {
        answered(connection);
        return;
    }
    ask(connection);
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, connection->fd, &event))
        fail("epoll_ctl");
}

static void take_answers(int wait_ms) {
    struct epoll_event events[EVENTS];
    const int count = epoll_wait(poll_fd, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++)
        handle(&events[i]);
}

static void open_kept(int count) {
    idle = calloc(count, sizeof(*idle));
    while (idle_count < count)
        idle[idle_count++] = open_connection(1);
}

static int compare(const void *a, const void *b) {
    const unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;

    return (left > right) - (left < right);
}

static double latency_us(double rank) {
    return latency_count ? latencies[(long)((latency_count - 1) * rank)] / 1e3 : 0;
}

static void run(double request_rate, double connection_rate, double seconds) {
    const double start = now();
    long asked = 0, opened = 0;
    double elapsed;

    while ((elapsed = now() - start) < seconds) {
        while (idle_count && asked < elapsed * request_rate) {
            ask(idle[--idle_count]);
            asked++;
        }
        while (short_open < MAX_SINGLE_REQUEST && opened < elapsed * connection_rate) {
            open_connection(0);
            short_open++;
            opened++;
        }
        take_answers(1);
    }
}

int main(int argc, char **argv) {
    const struct rlimit files = {65536, 65536};
    double begin;

    http = argc == 7 && !strcmp(argv[6], "http");
    if (argc != 6 && !http) {
        fprintf(stderr, "paced-client PORT KEPT REQUESTS CONNECTIONS SECONDS [http]\n");
        return 2;
    }
    setrlimit(RLIMIT_NOFILE, &files);
    server.sin_port = htons(atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poll_fd = epoll_create1(0);
    latencies = malloc(MAX_LATENCIES * sizeof(*latencies));
    open_kept(atoi(argv[2]));
    begin = now();
    run(atof(argv[3]), atof(argv[4]), atof(argv[5]));
    qsort(latencies, latency_count, sizeof(*latencies), compare);
    printf("{\"seconds\":%.3f,\"requests\":%ld,\"connections\":%ld,\"p50Us\":%.1f,\"p99Us\":%.1f}\n", now() - begin,
           requests, connections, latency_us(0.5), latency_us(0.99));
    return 0;
}
