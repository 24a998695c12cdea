/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_MAPS_BPF_H
#define LORIKEET_MAPS_BPF_H

#include "attribution.h"
#include "container.h"
#include "http_status.h"
#include "lost.h"
#include "requests.h"
#include "tcp.h"
#include "types.bpf.h"

/* All maps, defined once in maps.bpf.c; `bpftool gen link` joins them with the programs.
 *
 * Plain hashes, not LRU: losses of a full map are counted in `lost`, while an LRU map drops counters silently. Not
 * preallocated: a row takes value size x possible CPUs, 230 MB for 16384 edges on a node with 64 CPUs. */

/* A per-CPU hash of counters. */
#define COUNTERS(name, rows, key_type, value_type)                                                                     \
    struct name##_map {                                                                                                \
        __uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                                                        \
        __uint(max_entries, rows);                                                                                     \
        __uint(map_flags, BPF_F_NO_PREALLOC);                                                                          \
        __type(key, key_type);                                                                                         \
        __type(value, value_type);                                                                                     \
    };                                                                                                                 \
    extern struct name##_map name SEC(".maps")

COUNTERS(requests, 4096, struct service_key, struct histogram);
COUNTERS(edges, 16384, struct edge_key, struct edge_stats);
COUNTERS(tcp, 4096, struct service_key, struct tcp_stats);
COUNTERS(listeners, 4096, struct listener_key, struct listener_stats);
COUNTERS(http_responses, 4096, struct service_key, struct http_stats);

/* Keyed by cgroup id. */
COUNTERS(syscalls, 4096, __u64, struct syscall_stats);
COUNTERS(page_faults, 4096, __u64, struct page_fault_stats);
COUNTERS(block_requests, 4096, __u64, struct block_request_stats);
COUNTERS(process_events, 4096, __u64, struct process_stats);

struct accept_queues_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct accept_queue);
};

struct cgroups_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct cgroup_info);
};

/* State of a process, in the task storage of the group leader. */
struct process_state {
    __u32 exited; /* 1: the exit was counted */
};

struct processes_map {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_state);
};

struct lost_counters_map {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, LOST_SLOTS);
    __type(key, __u32);
    __type(value, __u64);
};

/* State of one socket, freed by the kernel with the socket. It holds complete keys: a lookup needs no copy. */
enum phase {
    PHASE_NONE,         /* no connection yet, or one older than the programs */
    PHASE_ROLE_UNKNOWN, /* older than the programs, role unknown */
    PHASE_LISTENING,
    PHASE_CONNECTING,
    PHASE_ESTABLISHED,
    PHASE_CLOSED,
};

struct socket_state {
    struct service_key service; /* role ROLE_UNKNOWN: not tracked */
    struct edge_key edge;       /* clients only */
    __u64 phase_ns;             /* start of the phase, 0 if before the programs */
    __u64 request_ns;           /* start of the open request, 0: none */
    __u64 sampled_ns;           /* last sample of the round-trip time, 0: none */
    __u32 phase;                /* enum phase; without the socket's lock, change it only by an atomic exchange */
    __u32 counted;              /* its open was counted in tcp_stats, so its close must be */
    __u32 cut_short;            /* the peer sent FIN while a request was open */
    __u32 retransmitted;        /* part of total_retrans already counted in tcp_stats */
    __u32 resets;               /* bit mask of the reset_directions already counted */
    __u32 answered;             /* the server has sent bytes since the client did, see http_status.bpf.c */
};

struct sockets_map {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct socket_state);
};

extern struct accept_queues_map accept_queues SEC(".maps");
extern struct cgroups_map cgroups SEC(".maps");
extern struct cgroups_map block_cgroups SEC(".maps");
extern struct lost_counters_map lost SEC(".maps");
extern struct sockets_map sockets SEC(".maps");
extern struct processes_map processes SEC(".maps");

/* For words written in process and in softirq context: a softirq may interrupt a plain add on the same CPU between its
 * load and its store, and the softirq's increment would be lost. */
#define atomic_add(word, n) ((void)__sync_fetch_and_add(word, n))

static __always_inline void count_lost(__u32 map) {
    __u64 *count = bpf_map_lookup_elem(&lost, &map);

    if (count)
        atomic_add(count, 1);
}

/* Returns the row of a key, made from `zero` if it does not exist; NULL, counted in `lost`, if it cannot be made.
 * BPF_NOEXIST because a softirq or another CPU may make it first: then that row is used. */
static __always_inline void *find_or_make(void *map, const void *key, const void *zero, __u32 lost_map) {
    void *row = bpf_map_lookup_elem(map, key);

    if (row)
        return row;
    bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
    row = bpf_map_lookup_elem(map, key);
    if (!row)
        count_lost(lost_map);
    return row;
}

/* Returns the state of a socket, made if it does not exist; NULL, counted in `lost`, if it cannot be allocated. If two
 * programs make it at the same time, one of the calls fails, and the state exists by then. */
static __always_inline struct socket_state *find_or_make_socket(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

    if (!socket)
        socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket)
        count_lost(LOST_SOCKETS);
    return socket;
}

extern const struct histogram zero_histogram;
extern const struct edge_stats zero_edge;
extern const struct tcp_stats zero_tcp;
extern const struct listener_stats zero_listener;
extern const struct syscall_stats zero_syscalls;
extern const struct page_fault_stats zero_page_faults;
extern const struct block_request_stats zero_block_requests;
extern const struct process_stats zero_process;
extern const struct http_stats zero_http;

/* Tunables. track_edges: false leaves `edges` empty, for nodes with too many pairs of client and server. */
extern const volatile bool track_edges;

/* Minimum time between two samples of a connection's round-trip time. */
extern const volatile __u64 round_trip_interval_ns;

/* Id of the cgroup hierarchy with the io controller: 0 for cgroup v2, another for a cgroup v1 hierarchy. */
extern const volatile int io_hierarchy;

#endif
