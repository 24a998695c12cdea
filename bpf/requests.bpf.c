// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/adoption.bpf.h"
#include "shared/attribution.bpf.h"
#include "shared/core_fixes.bpf.h"
#include "shared/histogram.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/mptcp.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"
#include "shared/unseen.bpf.h"

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
 * Bytes that bypass receive calls, such as those of splice() from a socket, are the matter of unseen.bpf.h. Not counted
 * are bytes that a sockmap redirects, and before kernel 6.5 those of sendfile() and splice() to a socket. */

/* Returns the state of a TCP or MPTCP socket of known role, otherwise NULL. */
static __always_inline struct socket_state *find_socket(struct sock *sk, int length) {
    struct socket_state *socket;

    if (length <= 0 || !is_stream(sk))
        return NULL;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || (socket->service.role == ROLE_UNKNOWN && socket->phase == PHASE_NONE))
        socket = adopt(sk);
    if (!socket || socket->service.role == ROLE_UNKNOWN)
        return NULL;
    /* Bytes sent with the handshake (TCP Fast Open). */
    complete_edge(socket, sk);
    return socket;
}

static __always_inline struct edge_stats *find_edge(const struct socket_state *socket) {
    if (!track_edges || socket->service.role != ROLE_CLIENT)
        return NULL;
    return find_or_make(edges, &socket->edge);
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

/* After its FIN the peer sends no response, unless it had the request before. The call may return only after the FIN
 * has come: the bytes of the call began where the sequence was before it. */
static __always_inline bool may_be_answered(struct sock *sk, struct socket_state *socket, int length) {
    __u32 begin;

    if (sk->__sk_common.skc_state != TCP_CLOSE_WAIT)
        return true;
    begin = sent_sequence(sk) - length;
    if (!socket->half_closed || (__s32)(socket->half_closed_sequence - begin) <= 0)
        return false;
    socket->cut_short = true;
    return true;
}

/* The connection broke before the call returned, and no response is left to read. */
static __always_inline bool is_broken(struct sock *sk) {
    const struct tcp_sock *tp;

    if (sk->__sk_common.skc_state != TCP_CLOSE)
        return false;
    tp = bpf_skc_to_tcp_sock(sk);
    return !tp || tp->copied_seq == tp->rcv_nxt;
}

/* If the request was open before the call, the change of state has counted it. */
static __always_inline void fail_request(struct socket_state *socket, struct edge_stats *edge) {
    if (edge && !__sync_lock_test_and_set(&socket->given_up, true))
        atomic_add(&edge->unanswered, 1);
}

static __always_inline int handle_send(struct sock *sk, int length) {
    struct socket_state *socket = find_socket(sk, length);
    struct tcp_stats *stats;
    struct edge_stats *edge;
    __u64 now;

    if (!socket)
        return 0;
    edge = find_edge(socket);
    now = bpf_ktime_get_ns();
    notice_unseen(sk, socket, now);
    if (socket->service.role == ROLE_SERVER)
        end_request(socket, NULL, now);
    else if (is_broken(sk))
        fail_request(socket, edge);
    else if (may_be_answered(sk, socket, length))
        start_request(socket, now);
    stats = find_tcp(&socket->service);
    if (stats) {
        stats->sent_bytes += length;
        sample_round_trip(sk, socket, stats, now);
    }
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
    length = claim_received(sk, socket, length);
    edge = find_edge(socket);
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

/* Fires after each receive call, several times for a long one, and after each splice() from a socket. User space
 * attaches it once `unseen_requests` counts. It takes the bytes before the receive call's own event, which then finds
 * them counted. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_rcv_space_adjust, struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    __s32 bytes = socket && socket->unseen ? uncounted_bytes(sk, socket) : 0;

    return bytes > 0 ? handle_receive(sk, bytes, 0) : 0;
}

/* Bytes that are taken after both ends have closed the connection, by a process whose cgroup is not yet known to need
 * the program above. User space attaches both at the same time. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);

    if (socket && socket->service.role != ROLE_UNKNOWN)
        is_answered_unseen(sk, socket);
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
