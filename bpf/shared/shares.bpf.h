/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SHARES_BPF_H
#define LORIKEET_SHARES_BPF_H

#include "attribution.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* Shares of the maps `edges` and `accept_queues`, so that no cgroup can fill them for all others (docs/adr/
 * 0015-fair-maps.md). Asked only when a row is missing:
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

static __always_inline bool has_share(enum shared_map map, const struct cgroup_info *cgroup, const struct row_use *use,
                                      __u32 capacity) {
    /* Without a row of its own, a cgroup is unclassified. */
    if (cgroup && cgroup->state == CGROUP_MONITORED)
        return cgroup->rows[map] <= MONITORED_FACTOR * ((__s64)capacity - use->all);
    return use->unmonitored * UNCLASSIFIED_SHARE < capacity && (!cgroup || cgroup->rows[map] < UNCLASSIFIED_ROWS);
}

/* Counts the refusal: for an unclassified cgroup in its own row, because only user space will know whether that was a
 * loss. */
static __always_inline void count_refused(enum shared_map map, struct cgroup_info *cgroup, void *lost) {
    if (cgroup && cgroup->state == CGROUP_UNCLASSIFIED)
        atomic_add(&cgroup->refused[map], 1);
    else
        count_lost(lost);
}

/* Adds `change` to the number of rows of a cgroup, after a row was made or deleted. */
static __always_inline void count_rows(enum shared_map map, __u64 id, int change) {
    struct cgroup_info *cgroup = bpf_map_lookup_elem(&cgroups, &id);
    __u32 index = map;
    struct row_use *use = bpf_map_lookup_elem(&row_use, &index);

    if (cgroup)
        atomic_add(&cgroup->rows[map], change);
    if (!use)
        return;
    atomic_add(&use->all, change);
    if (!cgroup || cgroup->state != CGROUP_MONITORED)
        atomic_add(&use->unmonitored, change);
}

enum share {
    SHARE_LEFT,
    SHARE_USED_UP,
    SHARE_NONE, /* nobody monitors the cgroup */
};

/* May the cgroup make another row? Counts a refusal. */
static __always_inline enum share share_of(enum shared_map map, __u64 id, __u32 capacity, void *lost,
                                           void *unmonitored) {
    struct cgroup_info *cgroup;
    struct row_use *use;
    __u32 index = map;

    if (!capacity)
        return SHARE_LEFT;
    cgroup = bpf_map_lookup_elem(&cgroups, &id);
    if (cgroup && cgroup->state == CGROUP_UNMONITORED) {
        count_lost(unmonitored);
        return SHARE_NONE;
    }
    use = bpf_map_lookup_elem(&row_use, &index);
    if (!use || has_share(map, cgroup, use, capacity))
        return SHARE_LEFT;
    count_refused(map, cgroup, lost);
    return SHARE_USED_UP;
}

extern struct event_count unmonitored_edges SEC(".maps");
extern struct event_count unmonitored_listeners SEC(".maps");

/* A socket of an unmonitored cgroup asks again after this time: somebody may monitor it by then. */
#define EDGE_RETRY_NS 1000000000

/* Returns the row of a client's edge; NULL if it has none and cannot make one. `now` is 0 if the caller has not read
 * the clock. */
static __always_inline struct edge_stats *find_or_make_edge(struct socket_state *socket, __u64 now) {
    struct edge_stats *edge;
    enum share share;

    if (now && socket->edge_refused_ns && now - socket->edge_refused_ns < EDGE_RETRY_NS)
        return NULL;
    edge = bpf_map_lookup_elem(&edges, &socket->edge);
    if (edge)
        return edge;
    share = share_of(SHARED_EDGES, socket->edge.cgroup, edge_rows, &lost_edges, &unmonitored_edges);
    socket->edge_refused_ns = share == SHARE_NONE ? now : 0;
    if (share != SHARE_LEFT)
        return NULL;
    edge = find_or_make(edges, &socket->edge);
    if (edge)
        count_rows(SHARED_EDGES, socket->edge.cgroup, 1);
    return edge;
}

/* Writes the row of a listening socket. There may be one: of a socket that was at this address and whose end was
 * missed. */
static __always_inline void write_accept_queue(__u64 address, const struct accept_queue *row) {
    bool known = bpf_map_lookup_elem(&accept_queues, &address);

    if (!known && share_of(SHARED_ACCEPT_QUEUES, row->key.cgroup, accept_queue_rows, &lost_listeners,
                           &unmonitored_listeners) != SHARE_LEFT)
        return;
    if (bpf_map_update_elem(&accept_queues, &address, row, BPF_ANY))
        count_lost(&lost_listeners);
    else if (!known)
        count_rows(SHARED_ACCEPT_QUEUES, row->key.cgroup, 1);
}

static __always_inline void delete_accept_queue(__u64 address, __u64 cgroup) {
    if (!bpf_map_delete_elem(&accept_queues, &address))
        count_rows(SHARED_ACCEPT_QUEUES, cgroup, -1);
}

#endif
