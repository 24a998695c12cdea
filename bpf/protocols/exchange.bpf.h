/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_EXCHANGE_BPF_H
#define LORIKEET_EXCHANGE_BPF_H

#include "../shared/attribution.bpf.h"
#include "../shared/core_fixes.bpf.h"
#include "../shared/histogram.bpf.h"
#include "../shared/maps.bpf.h"
#include "../shared/shares.bpf.h"
#include "../shared/socket_counts.bpf.h"
#include "../shared/types.bpf.h"
#include "client_wait.bpf.h"

/* Requests as changes of direction on a socket: bytes of the client, then bytes of the server.
 *
 *   WAY_FIRST  from the first call of the request to the first call of the response. Exact where one response follows
 *              each request and nothing else is sent.
 *   WAY_LAST   from the last call of the request to the last call of the response, for other protocols: what a side
 *              sends on its own, long before or after, is neither latency nor an end. The end is known when the client
 *              goes on or closes: the request is counted when its response begins, its duration is added then.
 *
 * The counters are written in process context and, when a connection breaks, in softirq: all adds are atomic. */

/* A call, or the end of a connection. */
struct exchange {
    struct socket_state *socket;
    __u64 now; /* 0: the clock was not read */
    struct service_stats *service;
    struct edge_stats *edge; /* clients only; NULL: not counted */
    int late;                /* requests begun less those measured, to be added at the end (struct late_requests) */
};

/* Looks up the rows to count in. Returns false if the service has none and cannot make one: then nothing is counted. */
static __always_inline bool find_rows(struct exchange *exchange) {
    exchange->edge = find_edge(exchange->socket, exchange->now);
    exchange->service = find_service(&exchange->socket->service);
    if (!exchange->service && exchange->edge)
        count_lost(&lost_edges);
    return exchange->service;
}

__weak __noinline int make_port_protocol(const struct port_protocol_key *row) {
    struct port_protocol_key key;

    if (!row)
        return false;
    key = *row;
    MAKE_SHARED_ROW(port_protocols, SHARED_PORT_PROTOCOLS, &key, port_protocol_rows);
}

static __always_inline __u64 *find_port_protocol(struct sock *sk, const struct socket_state *socket) {
    struct port_protocol_key key = {.cgroup = socket->service.cgroup, .protocol = socket->protocol};
    __u64 *connections;

    key.port = local_port(sk);
    connections = bpf_map_lookup_elem(&port_protocols, &key);
    if (connections)
        return connections;
    make_port_protocol(&key);
    return bpf_map_lookup_elem(&port_protocols, &key);
}

/* An edge that was refused a row of `edges` has none here. */
static __always_inline __u64 *find_edge_protocol(const struct socket_state *socket) {
    struct edge_key key = socket->edge;

    if (!track_edges || (edge_rows && !bpf_map_lookup_elem(&edges, &key)))
        return NULL;
    key.protocol = socket->protocol;
    return find_or_make(edge_protocols, &key);
}

/* What a connection is whose first bytes are none of a known protocol. */
static __always_inline enum protocol unrecognised(const struct socket_state *socket) {
    return socket->server_first ? PROTOCOL_MESSAGES : PROTOCOL_UNKNOWN;
}

/* Counts the connection under its protocol. A function of its own, so that the verifier comes back with one state. */
static __noinline int count_protocol(struct sock *sk, const struct socket_state *socket) {
    __u64 *connections =
        socket->service.role == ROLE_SERVER ? find_port_protocol(sk, socket) : find_edge_protocol(socket);

    if (connections)
        atomic_add(connections, 1);
    return connections != NULL;
}

/* A function of its own, so that the verifier checks it once. */
__weak __noinline int add_request(struct service_stats *service, struct edge_stats *edge, __u64 duration) {
    __u32 bucket = histogram_bucket(duration);

    if (service)
        histogram_add_to(&service->requests.durations, duration, bucket);
    if (edge)
        histogram_add_to(&edge->durations, duration, bucket);
    return 0;
}

/* In most calls one request is measured and the next one begins: then there is nothing to add. */
static __always_inline void add_late(const struct exchange *exchange) {
    const int late = (int)forget(exchange->late, exchange->service->tcp.opened);

    if (late > 0) {
        atomic_add(&exchange->service->requests.late.begun, late);
        if (exchange->edge)
            atomic_add(&exchange->edge->late.begun, late);
    } else if (late < 0) {
        atomic_add(&exchange->service->requests.late.measured, -late);
        if (exchange->edge)
            atomic_add(&exchange->edge->late.measured, -late);
    }
}

static __always_inline void count_request(const struct exchange *exchange, __u64 duration) {
    add_request(exchange->service, exchange->edge, duration);
}

/* Two threads may end the same request at the same time: the exchange lets one of them count it. Another thread may
 * have started this request after `end`. Returns true if a request was open. */
static __always_inline bool end_request(const struct exchange *exchange, __u64 end) {
    __u64 begin, duration;

    if (!exchange->socket->request_ns)
        return false;
    begin = __sync_lock_test_and_set(&exchange->socket->request_ns, 0);
    if (!begin)
        return false;
    duration = end > begin ? end - begin : 0;
    count_request(exchange, duration);
    count_client_wait(exchange->socket, exchange->service, exchange->edge, duration);
    return true;
}

/* Ends a request whose response is complete. Only the first response of TLS 1.3 is measured to its last call. */
static __always_inline void end_answered(struct exchange *exchange) {
    struct socket_state *socket = exchange->socket;
    __u64 end;

    if (!socket->answered_ns)
        return;
    end = __sync_lock_test_and_set(&socket->answered_ns, 0);
    if (!end)
        return;
    if (end_request(exchange, end))
        exchange->late--;
    if (socket->tickets) {
        socket->tickets = false;
        socket->way = WAY_FIRST;
    }
}

/* The client has sent bytes, or the server has received some. */
static __always_inline void requested(struct sock *sk, struct exchange *exchange) {
    struct socket_state *socket = exchange->socket;

    end_answered(exchange);
    if (socket->way == WAY_LAST || (socket->way == WAY_FIRST && !socket->request_ns))
        socket->request_ns = exchange->now;
    if (socket->protocol == PROTOCOL_HTTP1)
        wait_for_client(sk, socket, exchange->now);
}

/* The server has sent bytes, or the client has received some. */
static __always_inline void answered(struct exchange *exchange) {
    struct socket_state *socket = exchange->socket;

    if (socket->way == WAY_FIRST) {
        end_request(exchange, exchange->now);
        return;
    }
    if (socket->way != WAY_LAST || !socket->request_ns)
        return;
    /* After the end of the connection nothing else tells that the response is complete. */
    if (socket->phase == PHASE_CLOSED)
        end_request(exchange, exchange->now);
    else if (!__sync_lock_test_and_set(&socket->answered_ns, exchange->now))
        exchange->late++;
}

#endif
