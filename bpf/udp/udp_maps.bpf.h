/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_UDP_MAPS_BPF_H
#define LORIKEET_UDP_MAPS_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/shares.bpf.h"
#include "../shared/types.bpf.h"
#include "udp.h"

/* Maps of the UDP programs, defined in maps.bpf.c. */

COUNTERS(udp, 4096, struct service_key, struct udp_stats);
COUNTERS(udp_edges, 16384, struct edge_key, struct udp_edge_stats);

/* Peers that an unconnected socket remembers; a resolver configuration has at most three servers. */
#define UDP_PEERS 4

/* Progress of sendmmsg() or recvmmsg(). */
struct udp_batch {
    __u64 messages; /* user address of the array */
    __u64 next;     /* index of the next message */
};

/* State of one socket, freed by the kernel with the socket. */
struct udp_socket {
    struct service_key service; /* role ROLE_UNKNOWN: no datagram yet */
    __u64 cookie;
    __u64 request_ns; /* start of the open request, 0: none; not DNS */
    struct udp_batch sent;
    struct udp_batch received; /* only of DNS messages */
    __u32 peer_count;          /* above UDP_PEERS: there were more */
    __u32 reserved;
    struct edge_key peers[UDP_PEERS]; /* in the order of the first datagram; clients only */
};

struct udp_sockets_map {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct udp_socket);
};

struct dns_query_key {
    __u64 socket; /* its cookie */
    __u8 address[16];
    __u16 id; /* network order */
    __u16 reserved[3];
};

/* A query without an answer yet. */
struct dns_query {
    __u64 sent_ns; /* 0: answered or expired; only an atomic exchange ends a query, so each ends once */
    __u64 cgroup;
    __u32 netns; /* as in struct edge_key */
    __u32 reserved;
};

/* Apart from the sockets, because a socket is usually closed when its query has expired. */
struct dns_queries_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct dns_query_key);
    __type(value, struct dns_query);
};

extern struct udp_sockets_map udp_sockets SEC(".maps");
extern struct dns_queries_map dns_queries SEC(".maps");

extern struct event_count lost_udp_sockets SEC(".maps");
extern struct event_count lost_dns_queries SEC(".maps");

/* Datagrams to or from a peer that is not known, and DNS messages that cannot be paired. */
extern struct event_count unattributed_datagram SEC(".maps");
extern struct event_count unattributed_dns_message SEC(".maps");

__weak __noinline int make_udp_edge(const struct edge_key *edge) {
    struct edge_key key;

    if (!edge)
        return false;
    key = *edge;
    MAKE_SHARED_ROW(udp_edges, SHARED_UDP_EDGES, &key, udp_edge_rows);
}

/* Returns the row of a client's edge; NULL if it has none and cannot make one. */
static __always_inline struct udp_edge_stats *find_or_make_udp_edge(const struct edge_key *edge) {
    struct udp_edge_stats *stats = bpf_map_lookup_elem(&udp_edges, edge);

    if (stats)
        return stats;
    make_udp_edge(edge);
    return bpf_map_lookup_elem(&udp_edges, edge);
}

/* Tunable: false leaves all of these maps empty. */
extern const volatile bool track_udp;

#endif
