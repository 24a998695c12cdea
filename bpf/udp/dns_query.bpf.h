/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_DNS_QUERY_BPF_H
#define LORIKEET_DNS_QUERY_BPF_H

#include "udp_peer.bpf.h"
#include "../shared/histogram.bpf.h"
#include "../shared/types.bpf.h"
#include "udp_maps.bpf.h"

/* DNS queries and their answers, paired by the id in the first two bytes of the message. Pairing by order would be
 * wrong: resolvers ask for A and AAAA at the same time on one socket, and a server answers whichever it knows first.
 * Nothing else of a message is read, except the bit that tells an answer from a query. */

struct dns_start {
    __u16 id;
    __u8 flags[2];
};

#define DNS_ANSWER 0x80

/* Returns false if the message cannot be read or goes in the other direction. `start` is its user address, 0: unknown.
 */
static __always_inline bool read_id(__u16 *id, __u64 start, bool answer) {
    struct dns_start message;

    if (!start || bpf_probe_read_user(&message, sizeof(message), (const void *)start))
        return false;
    *id = message.id;
    return !!(message.flags[0] & DNS_ANSWER) == answer;
}

static __always_inline void count_answer(struct udp_edge_stats *stats, __u64 begin, __u64 now) {
    /* Another thread may have sent the request after `now`. */
    __u64 duration = now > begin ? now - begin : 0;

    if (duration > UDP_ANSWER_LIMIT_NS)
        atomic_add(&stats->unanswered, 1);
    else
        histogram_add(&stats->requests, duration);
}

/* A query that is repeated with the same id has not been answered. */
static __always_inline void start_query(const struct udp_socket *socket, const struct edge_key *edge,
                                        struct udp_edge_stats *stats, __u64 start) {
    struct dns_query query = {.sent_ns = bpf_ktime_get_ns(), .cgroup = edge->cgroup, .netns = edge->netns};
    struct dns_query_key key = {.socket = socket->cookie};
    struct dns_query *known;

    if (!read_id(&key.id, start, false)) {
        count_lost(&unattributed_dns_message);
        return;
    }
    __builtin_memcpy(key.address, edge->address, sizeof(key.address));
    known = bpf_map_lookup_elem(&dns_queries, &key);
    if (known) {
        if (__sync_lock_test_and_set(&known->sent_ns, query.sent_ns))
            atomic_add(&stats->unanswered, 1);
    } else if (bpf_map_update_elem(&dns_queries, &key, &query, BPF_ANY)) {
        count_lost(&lost_dns_queries);
    }
}

static __always_inline bool has_dns_peer(const struct udp_socket *socket) {
    for (__u32 i = 0; i < UDP_PEERS && i < socket->peer_count; i++)
        if (socket->peers[i].port == DNS_PORT)
            return true;
    return false;
}

/* Ends the open queries with this id to all servers: a resolver that asks several takes the first answer. Returns the
 * number of those that may have been answered; the start and the server of one of them in `begin` and `server`. */
static __always_inline int end_queries(const struct udp_socket *socket, __u16 id, const struct edge_key *source,
                                       struct edge_key *server, __u64 *begin) {
    struct dns_query_key key = {.socket = socket->cookie, .id = id};
    int ended = 0;

    for (__u32 i = 0; i < UDP_PEERS && i < socket->peer_count; i++) {
        struct dns_query *query;
        __u64 sent;

        if (socket->peers[i].port != DNS_PORT)
            continue;
        __builtin_memcpy(key.address, socket->peers[i].address, sizeof(key.address));
        query = bpf_map_lookup_elem(&dns_queries, &key);
        sent = query ? __sync_lock_test_and_set(&query->sent_ns, 0) : 0;
        if (!sent)
            continue;
        bpf_map_delete_elem(&dns_queries, &key);
        if (source && !same_peer(source, &socket->peers[i]))
            continue;
        *server = socket->peers[i];
        *begin = sent;
        ended++;
    }
    return ended;
}

/* For a message from port 53. `known`: `edge` is its server; otherwise the answered query gives it. Returns whether the
 * server is known. */
static __always_inline bool end_query(const struct udp_socket *socket, struct edge_key *edge, bool known, __u64 start) {
    struct edge_key source = *edge;
    struct udp_edge_stats *stats;
    __u64 begin = 0;
    __u16 id;
    int ended;

    if (!read_id(&id, start, true)) {
        count_lost(&unattributed_dns_message);
        return known;
    }
    ended = end_queries(socket, id, known ? &source : NULL, edge, &begin);
    if (ended > 1) {
        count_lost(&unattributed_dns_message);
        return false;
    }
    if (!ended)
        return known;
    stats = find_or_make_udp_edge(edge);
    if (stats)
        count_answer(stats, begin, bpf_ktime_get_ns());
    return true;
}

#endif
