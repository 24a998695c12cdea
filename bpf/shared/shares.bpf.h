/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SHARES_BPF_H
#define LORIKEET_SHARES_BPF_H

#include "attribution.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* Shares of the maps `edges`, `accept_queues`, `udp_edges` and `port_protocols`, so that no cgroup can fill them for
 * all others (docs/adr/exporter/0015-fair-maps.md). An edge without a row in `edges` has none in `edge_protocols`, and
 * one without a row in `udp_edges` none in `dns_queries`. Asked only when a row is missing:
 *
 *   monitored:    while the cgroup has at most MONITORED_FACTOR times as many rows as are free: one greedy cgroup
 *                 leaves a ninth of the map, two a seventeenth;
 *   unclassified: up to a limit for each cgroup, and one for all of them together;
 *   unmonitored:  never.
 *
 * The counts are approximate: user space writes them while the programs count. */

#define MONITORED_FACTOR 8
#define UNCLASSIFIED_SHARE 4 /* a quarter of the map */
#define UNCLASSIFIED_ROWS 256

/* What decides about a row, looked up once: NULL if there is none. */
struct share {
    struct cgroup_info *cgroup;
    struct row_use *use;
};

static __always_inline void find_share(struct share *share, enum shared_map map, __u64 cgroup) {
    __u32 index = map;

    share->cgroup = bpf_map_lookup_elem(&cgroups, &cgroup);
    share->use = bpf_map_lookup_elem(&row_use, &index);
}

static __always_inline bool is_in(const struct share *share, enum cgroup_state state) {
    /* Without a row of its own, a cgroup is unclassified. */
    return share->cgroup ? share->cgroup->state == state : state == CGROUP_UNCLASSIFIED;
}

static __always_inline bool is_left(const struct share *share, enum shared_map map, __u32 capacity) {
    const struct cgroup_info *cgroup = share->cgroup;
    const struct row_use *use = share->use;

    if (!use)
        return true;
    if (cgroup && cgroup->state == CGROUP_MONITORED)
        return cgroup->rows[map] <= MONITORED_FACTOR * ((__s64)capacity - use->all);
    return use->unmonitored * UNCLASSIFIED_SHARE < capacity && (!cgroup || cgroup->rows[map] < UNCLASSIFIED_ROWS);
}

/* May the cgroup make another row? Counts a refusal: for an unclassified cgroup in its own row, because only user space
 * will know whether that was a loss. */
static __always_inline bool may_make(const struct share *share, enum shared_map map, __u32 capacity, void *lost,
                                     void *unmonitored) {
    if (is_in(share, CGROUP_UNMONITORED)) {
        count_lost(unmonitored);
        return false;
    }
    if (is_left(share, map, capacity))
        return true;
    if (share->cgroup && share->cgroup->state == CGROUP_UNCLASSIFIED)
        atomic_add(&share->cgroup->refused[map], 1);
    else
        count_lost(lost);
    return false;
}

/* After a row was made or deleted. */
static __always_inline void count_rows(const struct share *share, enum shared_map map, int change) {
    if (share->cgroup)
        atomic_add(&share->cgroup->rows[map], change);
    if (!share->use)
        return;
    atomic_add(&share->use->all, change);
    if (!is_in(share, CGROUP_MONITORED))
        atomic_add(&share->use->unmonitored, change);
}

extern struct event_count unmonitored_edges SEC(".maps");
extern struct event_count unmonitored_listeners SEC(".maps");
extern struct event_count unmonitored_udp_edges SEC(".maps");
extern struct event_count unmonitored_port_protocols SEC(".maps");

/* Makes the row of a key if its cgroup may have another one. For the functions below. */
#define MAKE_SHARED_ROW(name, map, key, capacity)                                                                      \
    do {                                                                                                               \
        struct share share = {};                                                                                       \
                                                                                                                       \
        if (capacity) {                                                                                                \
            find_share(&share, map, (key)->cgroup);                                                                    \
            if (!may_make(&share, map, capacity, &lost_##name, &unmonitored_##name))                                   \
                return is_in(&share, CGROUP_UNMONITORED);                                                              \
        }                                                                                                              \
        if (make_new_row(&name, key, &zero_##name, &lost_##name))                                                      \
            count_rows(&share, map, 1);                                                                                \
        return false;                                                                                                  \
    } while (0)

/* Functions of their own, so that the verifier checks them once: programs need rows in many places. They return true if
 * the cgroup is not monitored. */

__weak __noinline int make_edge(const struct edge_key *edge) {
    struct edge_key key;

    if (!edge)
        return false;
    key = *edge;
    MAKE_SHARED_ROW(edges, SHARED_EDGES, &key, edge_rows);
}

/* A socket of an unmonitored cgroup asks again after this time: somebody may monitor it by then. */
#define EDGE_RETRY_NS 1000000000

/* Returns the row of a client's edge; NULL if it has none and cannot make one. `now` is 0 if the caller has not read
 * the clock. */
static __always_inline struct edge_stats *find_or_make_edge(struct socket_state *socket, __u64 now) {
    struct edge_stats *edge;

    if (now && socket->edge_refused_ns && now - socket->edge_refused_ns < EDGE_RETRY_NS)
        return NULL;
    edge = bpf_map_lookup_elem(&edges, &socket->edge);
    if (edge)
        return edge;
    socket->edge_refused_ns = make_edge(&socket->edge) ? now : 0;
    return bpf_map_lookup_elem(&edges, &socket->edge);
}

/* The row of a client's edge; NULL for servers, and if edges are not tracked. */
static __always_inline struct edge_stats *find_edge(struct socket_state *socket, __u64 now) {
    if (!track_edges || socket->service.role != ROLE_CLIENT)
        return NULL;
    return find_or_make_edge(socket, now);
}

/* Writes the row of a listening socket. There may be one of a socket that was at this address and whose end was missed.
 */
static __always_inline void write_accept_queue(__u64 address, const struct accept_queue *row) {
    struct share share = {};
    long error;

    if (accept_queue_rows) {
        find_share(&share, SHARED_ACCEPT_QUEUES, row->key.cgroup);
        if (!may_make(&share, SHARED_ACCEPT_QUEUES, accept_queue_rows, &lost_listeners, &unmonitored_listeners)) {
            bpf_map_delete_elem(&accept_queues, &address);
            return;
        }
    }
    error = bpf_map_update_elem(&accept_queues, &address, row, BPF_NOEXIST);
    if (!error)
        count_rows(&share, SHARED_ACCEPT_QUEUES, 1);
    else if (error != -EEXIST || bpf_map_update_elem(&accept_queues, &address, row, BPF_EXIST))
        count_lost(&lost_listeners);
}

static __always_inline void delete_accept_queue(__u64 address, __u64 cgroup) {
    struct share share;

    if (bpf_map_delete_elem(&accept_queues, &address) || !accept_queue_rows)
        return;
    find_share(&share, SHARED_ACCEPT_QUEUES, cgroup);
    count_rows(&share, SHARED_ACCEPT_QUEUES, -1);
}

#endif
