/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HTTP_STATUS_BPF_H
#define LORIKEET_HTTP_STATUS_BPF_H

#include "../shared/attribution.bpf.h"
#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"

/* Responses by status, of connections to chosen ports. A response whose status could not be read is counted as
 * unattributed, never guessed. Responses report a fault of the server by 5xx, or by one of some codes of gRPC. */

/* 1xx to 5xx. */
#define STATUS_CLASSES 5
/* OK (0) to UNAUTHENTICATED (16). */
#define GRPC_CODES 17
/* UNKNOWN (2), DEADLINE_EXCEEDED (4), UNIMPLEMENTED (12), INTERNAL, UNAVAILABLE and DATA_LOSS (15). */
#define GRPC_FAULTS 0xf014

struct http_stats {
    __u64 responses[STATUS_CLASSES];
};

struct grpc_stats {
    __u64 responses[GRPC_CODES];
};

OWN_COUNTERS(http_responses, 4096, struct service_key, struct http_stats);
OWN_COUNTERS(grpc_responses, 4096, struct service_key, struct grpc_stats);

struct event_count unattributed_http_status SEC(".maps");
struct event_count unattributed_grpc_status SEC(".maps");

/* Ports of servers. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u16);
    __type(value, __u8);
} http_status_ports SEC(".maps");

/* Tunables. http_status_of_ports: only of the ports in http_status_ports. */
const volatile bool track_http_status = false;
const volatile bool http_status_of_ports = false;

/* True if the status of a connection's responses is counted. Asked once, when its protocol is recognised. */
static __always_inline bool counts_status(const struct sock *sk, const struct socket_state *socket) {
    __u16 port;

    if (!track_http_status || !http_status_of_ports)
        return track_http_status;
    port = socket->service.role == ROLE_SERVER ? local_port(sk) : socket->edge.port;
    return bpf_map_lookup_elem(&http_status_ports, &port);
}

/* `class` is the first digit of the status; 0: unknown. `edge` may be NULL. */
static __always_inline void count_status(const struct socket_state *socket, struct edge_stats *edge, __u32 class) {
    struct http_stats *stats;
    __u32 index = class - 1;

    if (index >= STATUS_CLASSES) {
        count_lost(&unattributed_http_status);
        return;
    }
    stats = find_or_make(http_responses, &socket->service);
    if (stats)
        atomic_add(&stats->responses[index], 1);
    if (edge && class > 1)
        atomic_add(&edge->responses, 1);
    if (edge && class == 5)
        atomic_add(&edge->failed, 1);
}

static __always_inline void count_grpc_code(const struct socket_state *socket, struct edge_stats *edge, __u32 code) {
    struct grpc_stats *stats;

    if (code >= GRPC_CODES) {
        count_lost(&unattributed_grpc_status);
        return;
    }
    stats = find_or_make(grpc_responses, &socket->service);
    if (stats)
        atomic_add(&stats->responses[code], 1);
    if (edge && GRPC_FAULTS >> code & 1)
        atomic_add(&edge->failed, 1);
}

#endif
