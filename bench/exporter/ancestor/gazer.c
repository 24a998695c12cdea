// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
/* gazer OBJECT: the user-space part of the design that preceded Lorikeet. Reads an event for each closed connection
 * from a perf buffer and adds it to the counters and histograms of its pod. Omits other costs of the original: labels,
 * a web server, and an interpreter (it was written in Python). Prints a line when it is ready, and on SIGTERM the
 * numbers of received and lost events as JSON. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "gazer.h"

/* For each CPU: bcc's default, which the original did not change. */
#define BUFFER_PAGES 8
#define POLL_MS 100
#define PODS 4096
#define BUCKETS 24

/* One pod's series. */
struct pod {
    __u32 address;
    unsigned long requests_sent;
    unsigned long requests_received;
    unsigned long durations[BUCKETS];
    unsigned long sent_bytes[BUCKETS];
    unsigned long received_bytes[BUCKETS];
};

static struct pod pods[PODS];
static unsigned long received, lost;
static volatile sig_atomic_t ended;

static void end(int signal) {
    (void)signal;
    ended = 1;
}

/* Open addressing by address; 0.0.0.0 is an empty slot. */
static struct pod *pod_of(__u32 address) {
    for (unsigned i = 0; i < PODS; i++) {
        struct pod *pod = &pods[(address * 2654435761U + i) % PODS];

        if (pod->address == 0)
            pod->address = address;
        if (pod->address == address)
            return pod;
    }
    return NULL;
}

/* By powers of four. */
static unsigned bucket_of(__u64 value) {
    const unsigned bits = value ? 64 - __builtin_clzll(value) : 0;

    return bits / 2 < BUCKETS ? bits / 2 : BUCKETS - 1;
}

static void take(void *context, int cpu, void *data, __u32 size) {
    const struct event *event = data;
    struct pod *pod = pod_of(event->local);

    (void)context, (void)cpu, (void)size;
    received++;
    if (!pod)
        return;
    if (event->client)
        pod->requests_sent++;
    else
        pod->requests_received++;
    pod->durations[bucket_of(event->duration_ns)]++;
    pod->sent_bytes[bucket_of(event->sent_bytes)]++;
    pod->received_bytes[bucket_of(event->received_bytes)]++;
}

static void count_lost(void *context, int cpu, __u64 count) {
    (void)context, (void)cpu;
    lost += count;
}

static int serve(struct bpf_object *object) {
    struct bpf_program *program = bpf_object__find_program_by_name(object, "inet_sock_set_state");
    struct bpf_link *link = bpf_program__attach(program);
    struct perf_buffer *buffer =
        perf_buffer__new(bpf_object__find_map_fd_by_name(object, "events"), BUFFER_PAGES, take, count_lost, NULL, NULL);
    int error = 0;

    if (!link || !buffer)
        return 1;
    printf("ready\n");
    fflush(stdout);
    while (!ended && error >= 0) {
        error = perf_buffer__poll(buffer, POLL_MS);
        if (error == -EINTR)
            error = 0;
    }
    perf_buffer__consume(buffer);
    printf("{\"events\":%lu,\"lost\":%lu}\n", received, lost);
    perf_buffer__free(buffer);
    bpf_link__destroy(link);
    return error < 0;
}

int main(int argc, char **argv) {
    struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
    int status;

    if (!object || bpf_object__load(object)) {
        fprintf(stderr, "gazer: %s\n", strerror(errno));
        return 1;
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    status = serve(object);
    bpf_object__close(object);
    return status;
}
