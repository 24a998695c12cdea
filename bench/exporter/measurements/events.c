// SPDX-License-Identifier: MIT
/* events KIND COUNT: repeats an operation and prints its mean duration in nanoseconds. Writes files to the working
 * directory. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what) {
    perror(what);
    return 1;
}

static int system_calls(long count) {
    for (long i = 0; i < count; i++)
        syscall(SYS_getppid);
    return 0;
}

#define PAGES 4096L

/* The same pages each time: after MADV_DONTNEED they fault again. */
static int page_faults(long count) {
    long page = sysconf(_SC_PAGESIZE);
    volatile char *area = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED || madvise((void *)area, PAGES * page, MADV_NOHUGEPAGE))
        return fail("mmap");
    for (long i = 0; i < count; i++) {
        area[i % PAGES * page] = 1;
        if (i % PAGES == PAGES - 1 && madvise((void *)area, PAGES * page, MADV_DONTNEED))
            return fail("madvise");
    }
    return 0;
}

static int wait_for(pid_t child) {
    if (child == 0)
        _exit(0);
    return child < 0 || waitpid(child, NULL, 0) != child ? fail("child") : 0;
}

static int processes(long count) {
    for (long i = 0; i < count; i++)
        if (wait_for(fork()))
            return 1;
    return 0;
}

#define BLOCK 4096L
#define BLOCKS 256L

/* Bypasses the page cache, and overwrites the same blocks: the first round allocates them. */
static int block_requests(long count) {
    int file = open(".", O_TMPFILE | O_WRONLY | O_DIRECT, 0600);
    void *block = aligned_alloc(BLOCK, BLOCK);

    if (file < 0 || !block)
        return fail("file");
    memset(block, 1, BLOCK);
    for (long i = 0; i < count; i++)
        if (pwrite(file, block, BLOCK, i % BLOCKS * BLOCK) != BLOCK)
            return fail("write");
    return 0;
}

#define MESSAGE_BYTES 40
#define DNS_ANSWER 0x80

/* A request and its answer over the loopback interface, both ends here: a connected client, an unconnected server. */
static int datagrams(long count, int port) {
    struct sockaddr_in address = {AF_INET, htons(port), {htonl(0x7f0000fd)}, {0}}, from;
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned char message[MESSAGE_BYTES] = {0};

    if (bind(server, (void *)&address, sizeof(address)) || connect(client, (void *)&address, sizeof(address)))
        return fail("socket");
    for (long i = 0; i < count; i++) {
        socklen_t length = sizeof(from);

        /* As the id of a DNS message. */
        message[0] = i >> 8;
        message[1] = i;
        message[2] = 0;
        if (send(client, message, MESSAGE_BYTES, 0) < 0 ||
            recvfrom(server, message, MESSAGE_BYTES, 0, (void *)&from, &length) < 0)
            return fail("request");
        message[2] = DNS_ANSWER;
        if (sendto(server, message, MESSAGE_BYTES, 0, (void *)&from, length) < 0 ||
            recv(client, message, MESSAGE_BYTES, 0) < 0)
            return fail("answer");
    }
    return 0;
}

static int udp_requests(long count) {
    return datagrams(count, 123);
}

static int dns_queries(long count) {
    return datagrams(count, 53);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*work)(long count);
    } kinds[] = {{"system-call", system_calls},     {"page-fault", page_faults},   {"process", processes},
                 {"block-request", block_requests}, {"udp-request", udp_requests}, {"dns-query", dns_queries}};
    struct timespec begin, end;
    long count = argc == 3 ? atol(argv[2]) : 0;

    for (size_t i = 0; count > 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kinds[i].name))
            continue;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        if (kinds[i].work(count))
            return 1;
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.3f\n", ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / count);
        return 0;
    }
    fprintf(stderr, "usage: events system-call|page-fault|process|block-request|udp-request|dns-query COUNT\n");
    return 2;
}
