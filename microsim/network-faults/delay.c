// SPDX-License-Identifier: MIT
/*
 * lorikeet-sim-delay DEVICE DELAY_US JITTER_US SHARE SEED: makes the TUN device `sim-delay` in the network namespace of
 * this process, holds IPv4 packets that are routed to it and then sends them by DEVICE. A share below 1 holds only
 * these packets, which others overtake; otherwise their order stays. Prints "ready" and runs until standard input ends.
 * The device, and with it the routes to it, ends with this process, however that ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define MAX_PACKET 65535
/* Packets held at most, 60 MB of full ones; more are lost, as by any queue. */
#define MAX_HELD 40000
#define NS_PER_SECOND 1000000000LL

struct packet {
    struct packet *before, *after;
    int64_t due;
    size_t size;
    uint8_t bytes[];
};

/* By due time; a ring around its head. */
static struct packet queue = {.before = &queue, .after = &queue};
static size_t held;
static uint64_t random_state;
static double delay_ns, jitter_ns, share;
static int64_t last_due;

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

/* SplitMix64 (Sebastiano Vigna, public domain); uniform in [0, 1). */
static double uniform(void) {
    uint64_t mixed = random_state += 0x9e3779b97f4a7c15;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return (double)((mixed ^ mixed >> 31) >> 11) / 9007199254740992.0;
}

static int64_t due_time(void) {
    double delay = delay_ns;

    if (share < 1)
        return now() + (uniform() < share ? (int64_t)delay : 0);
    if (jitter_ns > 0)
        delay += jitter_ns * sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
    int64_t due = now() + (delay > 0 ? (int64_t)delay : 0);
    return last_due = due > last_due ? due : last_due;
}

static void hold(const uint8_t *bytes, size_t size) {
    struct packet *packet, *before = queue.before;

    if (held >= MAX_HELD || size < sizeof(struct iphdr) || bytes[0] >> 4 != 4)
        return;
    packet = malloc(sizeof(*packet) + size);
    if (!packet)
        return;
    packet->due = due_time();
    packet->size = size;
    memcpy(packet->bytes, bytes, size);
    while (before != &queue && before->due > packet->due)
        before = before->before;
    packet->before = before;
    packet->after = before->after;
    packet->before->after = packet->after->before = packet;
    held++;
}

static void send_due(int raw, int64_t until) {
    while (queue.after != &queue && queue.after->due <= until) {
        struct packet *packet = queue.after;
        const struct iphdr *ip = (const struct iphdr *)packet->bytes;
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = ip->daddr};

        /* A failure is a lost packet. */
        (void)!sendto(raw, packet->bytes, packet->size, 0, (struct sockaddr *)&to, sizeof(to));
        queue.after = packet->after;
        queue.after->before = &queue;
        free(packet);
        held--;
    }
}

static int open_tun(const char *device) {
    struct ifreq tun = {.ifr_flags = IFF_TUN | IFF_NO_PI}, link = {0};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail("/dev/net/tun");
    strcpy(tun.ifr_name, "sim-delay");
    if (ioctl(fd, TUNSETIFF, &tun) < 0)
        fail("TUNSETIFF");
    snprintf(link.ifr_name, sizeof(link.ifr_name), "%s", device);
    if (ioctl(any, SIOCGIFMTU, &link) < 0)
        fail(device);
    strcpy(link.ifr_name, "sim-delay");
    if (ioctl(any, SIOCSIFMTU, &link) < 0)
        fail("SIOCSIFMTU");
    link.ifr_flags = IFF_UP;
    if (ioctl(any, SIOCSIFFLAGS, &link) < 0)
        fail("SIOCSIFFLAGS");
    close(any);
    return fd;
}

static int open_raw(const char *device) {
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

    if (fd < 0)
        fail("raw socket");
    /* Bound, so that the routes to the TUN device do not bring a packet back. */
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)) < 0)
        fail("SO_BINDTODEVICE");
    return fd;
}

/* Strict reverse-path filtering drops what arrives by DEVICE from peers whose packets leave by the TUN device. */
static void loosen_filter(const char *device) {
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", device);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "2", 1) != 1)
        fail(path);
    close(fd);
}

static void run(int tun, int raw) {
    static uint8_t bytes[MAX_PACKET];
    struct pollfd polled[] = {{.fd = tun, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};

    for (;;) {
        int64_t left = queue.after == &queue ? 0 : queue.after->due - now();
        struct timespec timeout = {.tv_sec = left / NS_PER_SECOND, .tv_nsec = left % NS_PER_SECOND};
        ssize_t size;

        if (left >= 0 && ppoll(polled, 2, queue.after == &queue ? NULL : &timeout, NULL) < 0 && errno != EINTR)
            fail("ppoll");
        while ((size = read(tun, bytes, sizeof(bytes))) > 0)
            hold(bytes, size);
        send_due(raw, now());
        if (polled[1].revents && read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
            return;
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: lorikeet-sim-delay DEVICE DELAY_US JITTER_US SHARE SEED\n");
        return 2;
    }
    delay_ns = atof(argv[2]) * 1000;
    jitter_ns = atof(argv[3]) * 1000;
    share = atof(argv[4]);
    random_state = strtoull(argv[5], NULL, 10);
    /* Timers otherwise end up to 50 us late. */
    prctl(PR_SET_TIMERSLACK, 1);
    int tun = open_tun(argv[1]);
    int raw = open_raw(argv[1]);
    loosen_filter(argv[1]);
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        fail("standard output");
    run(tun, raw);
    send_due(raw, INT64_MAX);
    return 0;
}
