// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "attribution.bpf.h"
#include "connect_failure.bpf.h"
#include "histogram.bpf.h"
#include "maps.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* Births and deaths of connections, from the one tracepoint of every TCP state change. A connection is born when it is
 * established and dies when its socket is closed, whoever holds it still: TIME_WAIT and unread data don't count.
 *
 * A connect that fails for want of a route never changes the state and isn't seen. One that finds no free local port
 * counts as FAILURE_OTHER.
 *
 * The handler is attached twice. It runs in process context with softirqs on (connect, close, the backlog) and in
 * softirq, and the kernel skips a program that is running on that CPU already (commit 05b24ff9b2cf, kernel 6.1): a
 * packet that arrives while the program runs for a connect would have its event dropped, and a connection would stay
 * open in our books for ever. Two levels of context, two programs: one of them is always free. The second run of an
 * event finds the phase reached and does nothing, and a socket's events can't overlap: they happen under its lock. */

static __always_inline void connecting(struct sock *sk, enum role role) {
    struct socket_state *socket = find_or_make_socket(sk);

    if (!socket || socket->phase == PHASE_CONNECTING)
        return;
    follow(socket, sk, role);
    socket->counted = false;
    socket->cut_short = false;
    socket->phase_ns = bpf_ktime_get_ns();
    socket->phase = PHASE_CONNECTING;
}

static __always_inline void listening(struct sock *sk) {
    struct socket_state *socket = find_or_make_socket(sk);

    if (socket && socket->phase != PHASE_LISTENING)
        follow_listener(socket, sk);
}

static __always_inline void established(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    struct tcp_stats *stats;
    __u64 now;

    if (!socket || socket->phase != PHASE_CONNECTING)
        return;
    socket->phase = PHASE_ESTABLISHED;
    stats = find_tcp(&socket->service);
    if (!stats)
        return;
    socket->counted = true;
    now = bpf_ktime_get_ns();
    atomic_add(&stats->opened, 1);
    /* A server's socket begins with the SYN-ACKs of its handshake, which are counted already. */
    if (socket->service.role == ROLE_SERVER)
        socket->retransmitted = total_retransmitted(sk);
    /* A server's socket is made when the handshake is over: it has no duration. */
    if (socket->service.role == ROLE_CLIENT)
        histogram_add_atomic(&stats->connect, now - socket->phase_ns);
    socket->phase_ns = now;
}

static __always_inline void connect_failed(struct sock *sk, struct socket_state *socket) {
    struct tcp_stats *stats = find_tcp(&socket->service);
    struct edge_stats *edge;

    if (stats)
        atomic_add(&stats->connect_failures[failure_of(sk)], 1);
    if (!track_edges)
        return;
    edge = find_or_make(&edges, &socket->edge, &zero_edge, LOST_EDGES);
    if (edge)
        atomic_add(&edge->connect_failures, 1);
}

static __always_inline void listened(struct sock *sk, const struct socket_state *socket) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    __u64 address = (__u64)sk;
    struct accept_queue *row = bpf_map_lookup_elem(&accept_queues, &address);
    struct listener_key key = {.cgroup = socket->service.cgroup};

    if (!row)
        return;
    /* skc_num is taken back before the state changes when the kernel had chosen the port. */
    key.port = tp ? bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport) : 0;
    count_drops(row, &key, sk->sk_drops.counter);
    bpf_map_delete_elem(&accept_queues, &address);
}

static __always_inline void closed(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    struct tcp_stats *stats;
    __u32 phase, smoothed;

    if (!socket)
        return;
    /* The state stays: after a shutdown from both ends there may be data left to read, the response among them. The
     * exchange because an adoption may be at work on it, see adoption.bpf.h. */
    phase = __sync_lock_test_and_set(&socket->phase, PHASE_CLOSED);
    if (phase == PHASE_LISTENING)
        listened(sk, socket);
    else if (phase == PHASE_ESTABLISHED || (phase == PHASE_CONNECTING && socket->service.role == ROLE_CLIENT))
        count_retransmitted(sk, socket);
    if (phase == PHASE_CONNECTING && socket->service.role == ROLE_CLIENT)
        connect_failed(sk, socket);
    if (phase != PHASE_ESTABLISHED || !socket->counted)
        return;
    stats = find_tcp(&socket->service);
    if (!stats)
        return;
    atomic_add(&stats->closed, 1);
    if (socket->phase_ns)
        histogram_add_atomic(&stats->lifetime, bpf_ktime_get_ns() - socket->phase_ns);
    /* It never moved a byte, or its send and receive calls aren't seen. */
    smoothed = smoothed_round_trip(sk);
    if (!socket->sampled_ns && smoothed)
        add_round_trip(stats, smoothed);
}

/* A goodbye (a TLS close_notify, a protocol's QUIT) is sent just before the close and wants no answer. */
#define GOODBYE_NS 10000000

/* Whether this change of state ends the wait for a response, as far as anybody can tell: the process closed the
 * socket, or the connection broke. A shutdown of one direction doesn't: the response may still come, or lie unread. */
static __always_inline bool gives_up(const struct sock *sk, int old_state, int new_state) {
    if (new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK)
        return sk->sk_shutdown == SHUTDOWN_MASK;
    if (new_state != TCP_CLOSE)
        return false;
    return old_state == TCP_ESTABLISHED || old_state == TCP_CLOSE_WAIT || sk->sk_err ||
           (sk->__sk_common.skc_flags & (1UL << SOCK_DEAD));
}

/* A client that sent a request and goes without the response. */
static __always_inline void unanswered(struct sock *sk, int old_state, int new_state) {
    struct socket_state *socket;
    struct edge_stats *edge;
    __u64 begin;

    if (!track_edges || (new_state != TCP_CLOSE_WAIT && !gives_up(sk, old_state, new_state)))
        return;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || socket->service.role != ROLE_CLIENT || !socket->request_ns)
        return;
    if (new_state == TCP_CLOSE_WAIT) {
        /* What the peer sent before may lie unread: the end of the socket will tell. */
        socket->cut_short = true;
        return;
    }
    begin = __sync_lock_test_and_set(&socket->request_ns, 0);
    if (!begin || (!sk->sk_err && !socket->cut_short && bpf_ktime_get_ns() - begin < GOODBYE_NS))
        return;
    edge = find_or_make(&edges, &socket->edge, &zero_edge, LOST_EDGES);
    if (edge)
        atomic_add(&edge->unanswered, 1);
}

static __always_inline int handle_state(struct sock *sk, int old_state, int new_state) {
    if (!is_tcp(sk))
        return 0;
    unanswered(sk, old_state, new_state);
    if (new_state == TCP_SYN_SENT)
        connecting(sk, ROLE_CLIENT);
    else if (new_state == TCP_SYN_RECV && old_state == TCP_LISTEN)
        connecting(sk, ROLE_SERVER);
    else if (new_state == TCP_ESTABLISHED)
        established(sk);
    else if (new_state == TCP_LISTEN)
        listening(sk);
    else if (new_state == TCP_CLOSE)
        closed(sk);
    return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int old_state, int new_state) {
    return handle_state(sk, old_state, new_state);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state_nested, struct sock *sk, int old_state, int new_state) {
    return handle_state(sk, old_state, new_state);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
