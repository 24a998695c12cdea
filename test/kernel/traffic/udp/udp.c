// Datagrams between sockets of one process, without threads: each step is a call. The scenario is the first word that
// the argument contains; prints {}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define DNS 53
#define QUERY_BYTES 30
#define ANSWER_BYTES 60

static void expect(int right, const char *what) {
    if (right)
        return;
    perror(what);
    exit(1);
}

static struct sockaddr_storage address_of(const char *host, int port, socklen_t *length) {
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (void *)&storage;
    struct sockaddr_in6 *six = (void *)&storage;

    if (strchr(host, ':')) {
        *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        expect(inet_pton(AF_INET6, host, &six->sin6_addr) == 1, host);
        *length = sizeof(*six);
    } else {
        *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        expect(inet_pton(AF_INET, host, &four->sin_addr) == 1, host);
        *length = sizeof(*four);
    }
    return storage;
}

static int server_at(const char *host, int port) {
    socklen_t length;
    struct sockaddr_storage address = address_of(host, port, &length);
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);

    expect(fd >= 0 && bind(fd, (void *)&address, length) == 0, "bind");
    return fd;
}

static int client_of(int family) {
    int fd = socket(family, SOCK_DGRAM, 0);

    expect(fd >= 0, "socket");
    return fd;
}

static int connected_to(const char *host, int port) {
    socklen_t length;
    struct sockaddr_storage address = address_of(host, port, &length);
    int fd = client_of(address.ss_family);

    expect(connect(fd, (void *)&address, length) == 0, "connect");
    return fd;
}

static void send_to(int fd, const char *host, int port, const void *data, size_t size) {
    socklen_t length;
    struct sockaddr_storage address = address_of(host, port, &length);

    expect(sendto(fd, data, size, 0, (void *)&address, length) == (ssize_t)size, "sendto");
}

/* A DNS message: id, flags, and bytes without a meaning. */
static void fill(unsigned char *message, int id, int answer) {
    memset(message, 0, ANSWER_BYTES);
    message[0] = id >> 8;
    message[1] = id;
    message[2] = answer ? 0x80 : 0;
}

static void query(int fd, const char *host, int id) {
    unsigned char message[ANSWER_BYTES];

    fill(message, id, 0);
    send_to(fd, host, DNS, message, QUERY_BYTES);
}

/* Receives one datagram and returns where it came from. */
static struct sockaddr_storage take(int server) {
    struct sockaddr_storage from = {0};
    socklen_t length = sizeof(from);
    char buffer[2000];

    expect(recvfrom(server, buffer, sizeof(buffer), 0, (void *)&from, &length) >= 0, "recvfrom");
    return from;
}

static void reply(int server, const struct sockaddr_storage *to, const void *data, size_t size) {
    socklen_t length = to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

    expect(sendto(server, data, size, 0, (void *)to, length) == (ssize_t)size, "reply");
}

static void answer(int server, const struct sockaddr_storage *to, int id) {
    unsigned char message[ANSWER_BYTES];

    fill(message, id, 1);
    reply(server, to, message, ANSWER_BYTES);
}

/* Asks for the sender's address, as resolvers do on unconnected sockets. */
static void receive(int fd) {
    take(fd);
}

static void sleep_ms(int ms) {
    usleep(ms * 1000);
}

/* glibc's resolver: A and AAAA in one sendmmsg() on a connected socket; the later query is answered first. */
static void pair(void) {
    int server = server_at("127.0.0.1", DNS), client = connected_to("127.0.0.1", DNS);
    unsigned char messages[2][ANSWER_BYTES];
    struct iovec parts[2];
    struct mmsghdr batch[2] = {0};

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            fill(messages[i], 100 + 2 * round + i, 0);
            parts[i] = (struct iovec){messages[i], QUERY_BYTES};
            batch[i].msg_hdr.msg_iov = &parts[i];
            batch[i].msg_hdr.msg_iovlen = 1;
        }
        expect(sendmmsg(client, batch, 2, 0) == 2, "sendmmsg");
        take(server);
        struct sockaddr_storage from = take(server);
        sleep_ms(20);
        answer(server, &from, 100 + 2 * round + 1);
        receive(client);
        sleep_ms(40);
        answer(server, &from, 100 + 2 * round);
        receive(client);
    }
}

/* sendmmsg() to a server each, with a message that fails in between. */
static void batch(void) {
    int servers[3], client = client_of(AF_INET);
    const char *hosts[3] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    unsigned char messages[3][ANSWER_BYTES];
    struct sockaddr_storage addresses[3];
    struct mmsghdr batch[3] = {0};
    struct iovec parts[3];
    socklen_t length;

    for (int i = 0; i < 3; i++) {
        servers[i] = server_at(hosts[i], DNS);
        fill(messages[i], 7 + i, 0);
        addresses[i] = address_of(hosts[i], DNS, &length);
        parts[i] = (struct iovec){messages[i], QUERY_BYTES + i};
        batch[i].msg_hdr = (struct msghdr){&addresses[i], length, &parts[i], 1, NULL, 0, 0};
    }
    addresses[1].ss_family = AF_UNIX;
    expect(sendmmsg(client, batch, 3, 0) == 1, "the first of three");
    addresses[1].ss_family = AF_INET;
    expect(sendmmsg(client, batch, 3, 0) == 3, "sendmmsg");
    struct sockaddr_storage from = take(servers[0]);
    for (int i = 0; i < 3; i++) {
        take(servers[i]);
        answer(servers[i], &from, 7 + i);
        receive(client);
    }
}

/* musl's resolver: the same query by sendto() to all servers, on an unconnected socket; the first answer ends it. */
static void several(int count) {
    int servers[3], client = client_of(AF_INET);
    const char *hosts[3] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    struct sockaddr_storage from;

    for (int i = 0; i < count; i++)
        servers[i] = server_at(hosts[i], DNS);
    for (int i = 0; i < count; i++)
        query(client, hosts[i], 77);
    for (int i = 0; i < count; i++)
        from = take(servers[i]);
    sleep_ms(20);
    answer(servers[count - 1], &from, 77);
    receive(client);
    close(client);
}

/* Answers received by recvmmsg() into an array that is larger than their number, and then into one that is smaller. */
static void many(void) {
    int server = server_at("127.0.0.1", DNS), client = connected_to("127.0.0.1", DNS);
    unsigned char buffers[4][200];
    struct sockaddr_storage from;
    struct mmsghdr batch[4] = {0};
    struct iovec parts[4];

    for (int i = 0; i < 4; i++) {
        parts[i] = (struct iovec){buffers[i], sizeof(buffers[i])};
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 3; i++)
            query(client, "127.0.0.1", 10 * round + i);
        for (int i = 0; i < 3; i++)
            from = take(server);
        for (int i = 2; i >= 0; i--)
            answer(server, &from, 10 * round + i);
        if (round < 2) {
            expect(recvmmsg(client, batch, 4, MSG_WAITFORONE, NULL) == 3, "recvmmsg");
        } else {
            expect(recvmmsg(client, batch, 2, 0, NULL) == 2, "recvmmsg");
            expect(recvmmsg(client, batch, 2, MSG_WAITFORONE, NULL) == 1, "recvmmsg");
        }
    }
}

/* Other ids to each server. */
static void distinct(void) {
    int first = server_at("127.0.0.1", DNS), second = server_at("127.0.0.2", DNS), client = client_of(AF_INET);
    struct sockaddr_storage from;

    query(client, "127.0.0.1", 1);
    query(client, "127.0.0.2", 2);
    take(first);
    from = take(second);
    answer(second, &from, 2);
    receive(client);
    answer(first, &from, 1);
    receive(client);
    /* A duplicate. */
    answer(first, &from, 1);
    receive(client);
}

static void retry(void) {
    int server = server_at("127.0.0.1", DNS), client = connected_to("127.0.0.1", DNS);
    struct sockaddr_storage from;

    query(client, "127.0.0.1", 5);
    from = take(server);
    query(client, "127.0.0.1", 5);
    take(server);
    answer(server, &from, 5);
    receive(client);
}

/* Three lookups without an answer, whose sockets are closed. */
static void lost(void) {
    int server = server_at("127.0.0.1", DNS);

    for (int i = 0; i < 3; i++) {
        int client = connected_to("127.0.0.1", DNS);

        query(client, "127.0.0.1", i);
        take(server);
        close(client);
    }
    /* Nobody listens there: an ICMP error. */
    int client = connected_to("127.0.0.9", DNS);
    char buffer[100];

    query(client, "127.0.0.9", 9);
    expect(recv(client, buffer, sizeof(buffer), 0) < 0 && errno == ECONNREFUSED, "refused");
}

static void late(void) {
    int server = server_at("127.0.0.1", DNS), client = connected_to("127.0.0.1", DNS);
    struct sockaddr_storage from;

    query(client, "127.0.0.1", 5);
    from = take(server);
    sleep_ms(5100);
    answer(server, &from, 5);
    receive(client);
}

/* Each pair of calls that can send and receive. */
static void calls(const char *host) {
    int server = server_at(strchr(host, ':') ? "::" : host, DNS), client = connected_to(host, DNS);
    unsigned char message[ANSWER_BYTES], buffer[2000], first[100];
    struct iovec out = {message, QUERY_BYTES}, in[2] = {{first, sizeof(first)}, {buffer, sizeof(buffer)}};
    struct msghdr sent = {.msg_iov = &out, .msg_iovlen = 1}, received = {.msg_iov = in, .msg_iovlen = 2};
    struct mmsghdr many = {.msg_hdr = {.msg_iov = in, .msg_iovlen = 1}};

    for (int i = 0; i < 5; i++) {
        struct sockaddr_storage from;

        fill(message, 1000 + i, 0);
        if (i == 0)
            expect(write(client, message, QUERY_BYTES) > 0, "write");
        else if (i == 1)
            expect(writev(client, &out, 1) > 0, "writev");
        else if (i == 2)
            expect(send(client, message, QUERY_BYTES, 0) > 0, "send");
        else
            expect(sendmsg(client, &sent, 0) > 0, "sendmsg");
        from = take(server);
        answer(server, &from, 1000 + i);
        /* Looking at it is not receiving it. */
        expect(recv(client, buffer, sizeof(buffer), MSG_PEEK) > 0, "peek");
        if (i == 0)
            expect(read(client, buffer, sizeof(buffer)) > 0, "read");
        else if (i == 1)
            expect(readv(client, in, 2) > 0, "readv");
        else if (i == 2)
            expect(recv(client, buffer, sizeof(buffer), 0) > 0, "recv");
        else if (i == 3)
            expect(recvmsg(client, &received, 0) > 0, "recvmsg");
        else
            expect(recvmmsg(client, &many, 1, 0, NULL) == 1, "recvmmsg");
    }
}

/* IPv4 and IPv6 servers by one IPv6 socket. */
static void mapped(void) {
    int four = server_at("127.0.0.1", DNS), six = server_at("::1", DNS), client = client_of(AF_INET6);
    struct sockaddr_storage from;

    query(client, "::ffff:127.0.0.1", 1);
    from = take(four);
    answer(four, &from, 1);
    receive(client);
    query(client, "::1", 2);
    from = take(six);
    answer(six, &from, 2);
    receive(client);
}

/* One answer for each request, as with NTP or SNMP: 5 on a connected socket, 5 on another. */
static void exchange(void) {
    int server = server_at("127.0.0.1", 123);

    for (int i = 0; i < 10; i++) {
        static int clients[2];
        struct sockaddr_storage from;

        if (i == 0)
            clients[0] = connected_to("127.0.0.1", 123);
        if (i == 5)
            clients[1] = client_of(AF_INET);
        if (i < 5)
            expect(send(clients[0], "request", 7, 0) == 7, "send");
        else
            send_to(clients[1], "127.0.0.1", 123, "request", 7);
        from = take(server);
        sleep_ms(20);
        reply(server, &from, "answer", 6);
        receive(clients[i / 5]);
        /* Silence between two requests is no latency. */
        sleep_ms(30);
    }
}

/* The first of two requests is lost. */
static void repeated(void) {
    int server = server_at("127.0.0.1", 123), client = connected_to("127.0.0.1", 123);
    struct sockaddr_storage from;

    expect(send(client, "request", 7, 0) == 7, "send");
    from = take(server);
    sleep_ms(600);
    expect(send(client, "request", 7, 0) == 7, "send");
    take(server);
    reply(server, &from, "answer", 6);
    receive(client);
}

/* Metrics or log lines: nobody answers. The last datagram is empty. */
static void oneway(void) {
    int server = server_at("127.0.0.1", 8125), client = client_of(AF_INET), other = client_of(AF_INET);

    for (int i = 0; i < 99; i++)
        send_to(client, "127.0.0.1", 8125, "metric", 6);
    send_to(other, "127.0.0.1", 8125, "", 0);
    for (int i = 0; i < 100; i++)
        take(server);
}

/* QUIC and the like: datagrams in both directions, without turns. */
static void stream(void) {
    int server = server_at("127.0.0.1", 443), client = connected_to("127.0.0.1", 443);

    for (int i = 0; i < 20; i++) {
        expect(send(client, "packet", 6, 0) == 6, "send");
        struct sockaddr_storage from = take(server);
        for (int j = 0; j < 3; j++)
            reply(server, &from, "packet", 6);
        for (int j = 0; j < 3; j++)
            receive(client);
    }
}

/* A peer with a port of its own, to which anybody may send: DNS by id, the rest without a known source. */
static void bound(void) {
    int other = server_at("127.0.0.1", 9000), dns = server_at("127.0.0.1", DNS), stranger = client_of(AF_INET);
    int client = server_at("127.0.0.1", 5000);
    struct sockaddr_storage from;

    send_to(client, "127.0.0.1", 9000, "hello", 5);
    from = take(other);
    reply(other, &from, "hi", 2);
    receive(client);
    send_to(stranger, "127.0.0.1", 5000, "stranger", 8);
    receive(client);
    query(client, "127.0.0.1", 3);
    from = take(dns);
    answer(dns, &from, 3);
    receive(client);
}

/* More servers than a socket remembers, and a group. */
static void crowd(void) {
    int client = client_of(AF_INET);
    char host[20];

    for (int i = 1; i <= 6; i++) {
        sprintf(host, "127.0.1.%d", i);
        send_to(client, host, 9000, "hello", 5);
    }
    int group = client_of(AF_INET);
    struct in_addr local = {htonl(INADDR_LOOPBACK)};

    expect(setsockopt(group, IPPROTO_IP, IP_MULTICAST_IF, &local, sizeof(local)) == 0, "IP_MULTICAST_IF");
    send_to(group, "224.0.0.251", 5353, "hello", 5);
    send_to(group, "224.0.0.251", 5353, "hello", 5);
}

int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : "";

    if (strstr(wanted, "pair"))
        pair();
    else if (strstr(wanted, "batch"))
        batch();
    else if (strstr(wanted, "several"))
        several(3);
    else if (strstr(wanted, "single"))
        several(1);
    else if (strstr(wanted, "many"))
        many();
    else if (strstr(wanted, "distinct"))
        distinct();
    else if (strstr(wanted, "retry"))
        retry();
    else if (strstr(wanted, "lost"))
        lost();
    else if (strstr(wanted, "late"))
        late();
    else if (strstr(wanted, "calls6"))
        calls("::1");
    else if (strstr(wanted, "calls"))
        calls("127.0.0.1");
    else if (strstr(wanted, "mapped"))
        mapped();
    else if (strstr(wanted, "exchange"))
        exchange();
    else if (strstr(wanted, "repeated"))
        repeated();
    else if (strstr(wanted, "oneway"))
        oneway();
    else if (strstr(wanted, "stream"))
        stream();
    else if (strstr(wanted, "bound"))
        bound();
    else if (strstr(wanted, "crowd"))
        crowd();
    else
        expect(0, wanted);
    puts("{}");
    return 0;
}
