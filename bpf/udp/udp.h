/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_UDP_H
#define LORIKEET_UDP_H

#include "../shared/attribution.h"
#include "../shared/histogram.h"

/* Map `udp`: struct service_key -> struct udp_stats. */
struct udp_stats {
    __u64 sent_datagrams;
    __u64 received_datagrams;
    __u64 sent_bytes;
    __u64 received_bytes;
};

/* Map `udp_edges`: struct edge_key -> struct udp_edge_stats. */
struct udp_edge_stats {
    struct histogram requests; /* answered within UDP_ANSWER_LIMIT_NS */
    __u64 sent_bytes;
    __u64 received_bytes;
    __u64 unanswered;
    __u64 overlapping; /* requests sent while another one was open; not DNS */
    __u64 unexpected;  /* datagrams received while no request was open; not DNS */
};

#define DNS_PORT 53

/* A later answer is none: its request counts as unanswered. Resolvers retry after 1 to 5 seconds. */
#define UDP_ANSWER_LIMIT_NS 5000000000ULL

#endif
