// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/adoption.bpf.h"
#include "shared/attribution.bpf.h"
#include "shared/core_fixes.bpf.h"
#include "shared/histogram.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/shares.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"

/* Requests of any protocol, derived from the changes of direction on a socket. Since kernel 6.3 the tracepoints fire
 * after each send and receive call, with the number of bytes. On older kernels TCP's own functions are hooked.
 *
 *   server: the first receive after a send starts a request, the next send ends it;
 *   client: the first send after a receive starts a request, the next receive ends it.
 *
 * A duration lasts from the return of the first call of the request to the return of the first call of the response.
 * Pipelined requests count as one. If the server sends first, its greeting is not counted.
 *
 * Plain adds are enough: each word of `requests`, `edges` and `tcp` that these programs write has a single writer
 * (client rows: receive, server rows: send, sent and received bytes: their own program), and the kernel never runs a
 * program twice at a time on a CPU. The skipped run would be lost if sockets were used in softirq, but these calls can
 * sleep, so only tasks make them.
 *
 * Bytes that bypass send and receive calls are not counted: splice() from a socket, TCP_ZEROCOPY_RECEIVE, sockmap, and
 * before kernel 6.5 sendfile() and splice() to a socket. The counters in tcp_sock are no exact substitute: they count
 * acknowledged or queued bytes, whether or not the application has read them. */

/* Returns the state of a TCP socket of known role, otherwise NULL. */
static __always_inline struct socket_state *find_socket(struct sock *sk, int length) {
    struct socket_state *socket;

    if (length <= 0 || !is_tcp(sk))
        return NULL;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || (socket->service.role == ROLE_UNKNOWN && socket->phase == PHASE_NONE))
        socket = adopt(sk);
    return socket && socket->service.role != ROLE_UNKNOWN ? socket : NULL;
}

static __always_inline struct edge_stats *find_edge(struct socket_state *socket, __u64 now) {
    if (!track_edges || socket->service.role != ROLE_CLIENT)
        return NULL;
    return find_or_make_edge(socket, now);
}

static __always_inline void start_request(struct socket_state *socket, __u64 now) {
    if (!socket->request_ns)
        socket->request_ns = now;
}

/* Two threads may end the same request at the same time: the exchange lets one of them count it. */
static __always_inline void end_request(struct socket_state *socket, struct edge_stats *edge, __u64 now) {
    struct histogram *histogram;
    __u64 begin, duration;

    if (!socket->request_ns)
        return;
    begin = __sync_lock_test_and_set(&socket->request_ns, 0);
    if (!begin)
        return;
    /* Another thread may have started this request after `now`. */
    duration = now > begin ? now - begin : 0;
    histogram = find_or_make(requests, &socket->service);
    if (histogram)
        histogram_add(histogram, duration);
    if (edge)
        histogram_add(&edge->requests, duration);
}

static __always_inline int handle_send(struct sock *sk, int length) {
    struct socket_state *socket = find_socket(sk, length);
    struct tcp_stats *stats;
    struct edge_stats *edge;
    __u64 now;

    if (!socket)
        return 0;
    now = bpf_ktime_get_ns();
    if (socket->service.role == ROLE_SERVER)
        end_request(socket, NULL, now);
    else if (sk->__sk_common.skc_state != TCP_CLOSE_WAIT)
        /* After its FIN the peer sends no response. */
        start_request(socket, now);
    stats = find_tcp(&socket->service);
    if (stats) {
        stats->sent_bytes += length;
        sample_round_trip(sk, socket, stats, now);
    }
    edge = find_edge(socket, now);
    if (edge)
        edge->sent_bytes += length;
    return 0;
}

static __always_inline int handle_receive(struct sock *sk, int length, int flags) {
    struct socket_state *socket;
    struct tcp_stats *stats;
    struct edge_stats *edge;
    __u64 now;

    /* Peeked data is received again later; the error queue returns sent data. */
    if (flags & (MSG_PEEK | MSG_ERRQUEUE))
        return 0;
    socket = find_socket(sk, length);
    if (!socket)
        return 0;
    now = bpf_ktime_get_ns();
    edge = find_edge(socket, now);
    if (socket->service.role == ROLE_CLIENT)
        end_request(socket, edge, now);
    else
        start_request(socket, now);
    stats = find_tcp(&socket->service);
    if (stats) {
        stats->received_bytes += length;
        sample_round_trip(sk, socket, stats, now);
    }
    if (edge)
        edge->received_bytes += length;
    return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int length, int flags) {
    return handle_send(sk, length);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int length, int flags) {
    return handle_receive(sk, length, flags);
}

/* Variants for kernels before 6.3, which added the tracepoints (commit 6e6eda44b939). IPv4 and IPv6 share the
 * functions. Sockets with kernel TLS bypass them. */
SEC("fexit/tcp_sendmsg")
WITHOUT_TRACEPOINT(sock_send_length)
int BPF_PROG(tcp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size, int length) {
    return handle_send(sk, length);
}

SEC("fexit/tcp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(5)
int BPF_PROG(tcp_recvmsg, struct sock *sk, struct msghdr *message, unsigned long size, int flags, int *address_length,
             int length) {
    return handle_receive(sk, length, flags);
}

/* Before kernel 5.19 nonblock was a parameter of its own (commit ec095263a965). */
SEC("fexit/tcp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(6)
int BPF_PROG(tcp_recvmsg_nonblock, struct sock *sk, struct msghdr *message, unsigned long size, int nonblock, int flags,
             int *address_length, int length) {
    return handle_receive(sk, length, flags);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
