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
 * Plain hashes, not LRU: a full map says so in `lost`, an LRU would drop counters silently. Not preallocated: a row
 * takes value size x possible CPUs, which on a node of 64 would be 230 MB for 16384 edges that nobody may ever have. */

/* Rows of counters, each with a copy for every CPU. */
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

/* What is known of a process, kept with the thread that leads it. */
struct process_state {
    __u32 exited; /* its exit was counted */
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

/* What is known of one socket. Freed by the kernel with the socket. The keys are ready-made: a lookup costs no copy. */
enum phase {
    PHASE_NONE,   /* no connection yet, or one that is older than the programs */
    PHASE_UNTOLD, /* one that is, and nothing tells its role */
    PHASE_LISTENING,
    PHASE_CONNECTING,
    PHASE_ESTABLISHED,
    PHASE_CLOSED,
};

struct socket_state {
    struct service_key service; /* role ROLE_UNKNOWN: not followed */
    struct edge_key edge;       /* clients only */
    __u64 phase_ns;             /* when the phase began, 0 if before the programs */
    __u64 request_ns;           /* when the open request began, 0 without one */
    __u64 sampled_ns;           /* when its round-trip time was sampled last, 0 if never */
    __u32 phase;                /* enum phase; by exchanges only where the socket's lock isn't held */
    __u32 counted;              /* its opening is in tcp_stats, so its closing belongs there too */
    __u32 cut_short;            /* the peer had nothing more to send while a request was open */
    __u32 retransmitted;        /* how much of its total_retrans is in tcp_stats */
    __u32 resets;               /* a bit for each reset_direction that was counted */
    __u32 answered;             /* the answering end has spoken since the asking end did, see http_status.bpf.c */
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

/* For a word that programs of different contexts write: a softirq may interrupt a program between the load and the
 * store of a plain add on the same CPU, and what it added would be lost. */
#define atomic_add(word, n) ((void)__sync_fetch_and_add(word, n))

static __always_inline void count_lost(__u32 map) {
    __u64 *count = bpf_map_lookup_elem(&lost, &map);

    if (count)
        atomic_add(count, 1);
}

/* The row of a key, made from `zero` if there is none; NULL, and counted as lost, if it can't be made.
 * BPF_NOEXIST because a softirq or another CPU may make it first: its row is then the one to use. */
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

/* The state of a socket, new and empty if it had none; NULL, and counted as lost, if there can't be one. Of two
 * programs that make it at the same time the kernel gives it to one, and refuses the other what is there by then. */
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

/* Tunables. Off: `edges` is left alone, for nodes where the pairs are too many or of no use. */
extern const volatile bool track_edges;

/* The least time between two samples of a connection's round-trip time. */
extern const volatile __u64 round_trip_interval_ns;

/* The hierarchy of cgroups that the io controller is in: 0 is cgroup v2; beside cgroup v1 another. */
extern const volatile int io_hierarchy;

#endif
