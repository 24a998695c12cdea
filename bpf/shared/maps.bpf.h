/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_MAPS_BPF_H
#define LORIKEET_MAPS_BPF_H

#include "attribution.h"
#include "protocols.h"
#include "services.h"
#include "socket_state.bpf.h"
#include "types.bpf.h"

/* Maps that several programs' files use, defined once in maps.bpf.c; `bpftool gen object` links them. A map that one
 * file uses is defined in that file, with its lost events and its initial value.
 *
 * Plain hashes, not LRU: losses of a full map are counted, while an LRU map drops counters silently. Not
 * preallocated: a row takes value size x possible CPUs, 230 MB for 16384 edges on a node with 64 CPUs. */

/* A count of events that were not counted: a per-CPU array of one u64. User space finds them by their names
 * (exporter/kernel/lost-events.ts).
 *
 * lost_<map>: no row could be made: the map is full, or memory could not be allocated. lost_sockets counts sockets:
 * those without a state, and those older than the programs whose role is unknown.
 * unattributed_<event>: events that cannot be attributed.
 * unmonitored_<map>: rows refused to cgroups that nobody monitors: no loss, since nobody would see them. */
struct event_count {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
};

/* A per-CPU hash of counters. */
#define COUNTERS_MAP(name, rows, key_type, value_type)                                                                 \
    struct name##_map {                                                                                                \
        __uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                                                        \
        __uint(max_entries, rows);                                                                                     \
        __uint(map_flags, BPF_F_NO_PREALLOC);                                                                          \
        __type(key, key_type);                                                                                         \
        __type(value, value_type);                                                                                     \
    }

/* Declares the shared one. */
#define COUNTERS(name, rows, key_type, value_type)                                                                     \
    COUNTERS_MAP(name, rows, key_type, value_type);                                                                    \
    extern struct name##_map name SEC(".maps");                                                                        \
    extern struct event_count lost_##name SEC(".maps");                                                                \
    extern const value_type zero_##name

/* Defines one for the file that it stands in. */
#define OWN_COUNTERS(name, rows, key_type, value_type)                                                                 \
    COUNTERS_MAP(name, rows, key_type, value_type) name SEC(".maps");                                                  \
    struct event_count lost_##name SEC(".maps");                                                                       \
    static const value_type zero_##name = {}

COUNTERS(services, 4096, struct service_key, struct service_stats);
COUNTERS(edges, 16384, struct edge_key, struct edge_stats);
COUNTERS(listeners, 4096, struct listener_key, struct listener_stats);

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

/* Paths of new cgroups, by id; user space deletes what it has read. */
struct cgroup_paths_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct cgroup_path);
};

/* Id of a target's cgroup -> enum cgroup_state, written by user space. */
struct targets_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u32);
};

struct row_use_map {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SHARED_MAPS);
    __type(key, __u32);
    __type(value, struct row_use);
};

struct declared_protocols_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct declared_port);
    __type(value, __u32);
};

struct sockets_map {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct socket_state);
};

extern struct accept_queues_map accept_queues SEC(".maps");
extern struct cgroups_map cgroups SEC(".maps");
extern struct cgroup_paths_map cgroup_paths SEC(".maps");
extern struct targets_map targets SEC(".maps");
extern struct row_use_map row_use SEC(".maps");
extern const struct cgroup_path zero_cgroup_path;
extern struct declared_protocols_map declared_protocols SEC(".maps");
extern struct sockets_map sockets SEC(".maps");

COUNTERS(port_protocols, 8192, struct port_protocol_key, __u64);
COUNTERS(edge_protocols, 16384, struct edge_key, __u64);

extern struct event_count lost_cgroups SEC(".maps");
extern struct event_count lost_cgroup_paths SEC(".maps");
extern struct event_count lost_sockets SEC(".maps");

/* For words written in process and in softirq context: a softirq may interrupt a plain add on the same CPU between its
 * load and its store, and the softirq's increment would be lost. */
#define atomic_add(word, n) ((void)__sync_fetch_and_add(word, n))

/* `lost` is a struct event_count. */
static __always_inline void count_lost(void *lost) {
    __u32 only = 0;
    __u64 *count = bpf_map_lookup_elem(lost, &only);

    if (count)
        atomic_add(count, 1);
}

/* Returns the new row of a key, made from `zero`; NULL, counted in `lost`, if it cannot be made. BPF_NOEXIST because a
 * softirq or another CPU may make it first: then that row is used. */
static __always_inline void *make_new_row(void *map, const void *key, const void *zero, void *lost) {
    void *row;

    bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
    row = bpf_map_lookup_elem(map, key);
    if (!row)
        count_lost(lost);
    return row;
}

/* Returns the row of a key, made if it does not exist. */
static __always_inline void *find_or_make_row(void *map, const void *key, const void *zero, void *lost) {
    void *row = bpf_map_lookup_elem(map, key);

    return row ? row : make_new_row(map, key, zero, lost);
}

/* For a map of COUNTERS or OWN_COUNTERS. */
#define find_or_make(name, key) find_or_make_row(&name, key, &zero_##name, &lost_##name)

/* Returns the state of a socket, made if it does not exist; NULL, counted as lost, if it cannot be allocated. If two
 * programs make it at the same time, one of the calls fails, and the state exists by then. */
static __always_inline struct socket_state *find_or_make_socket(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

    if (!socket)
        socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket)
        count_lost(&lost_sockets);
    return socket;
}

/* Tunables. track_edges: false leaves `edges` empty, for nodes with too many pairs of client and server. */
extern const volatile bool track_edges;

/* Rows of the shared maps to divide among the cgroups (shares.bpf.h); 0: first come, first served. */
extern const volatile __u32 edge_rows;
extern const volatile __u32 accept_queue_rows;
extern const volatile __u32 udp_edge_rows;
extern const volatile __u32 port_protocol_rows;

/* Minimum time between two samples of a connection's round-trip time. */
extern const volatile __u64 round_trip_interval_ns;

#endif
