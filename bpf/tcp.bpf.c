// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "connect_failure.bpf.h"
#include "protocols/ends.bpf.h"
#include "protocols/held.bpf.h"
#include "shared/attribution.bpf.h"
#include "shared/histogram.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/mptcp.bpf.h"
#include "shared/shares.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"
#include "shared/unseen.bpf.h"

/* Opened and closed connections, from the tracepoint of all TCP state changes. A connection opens when it is
 * established and closes when its state becomes CLOSE; TIME_WAIT and unread data do not keep it open.
 *
 * A connect that fails without a route never changes the state and is not counted. A connect without a free local port
 * counts as FAILURE_OTHER.
 *
 * The handler is attached twice. It runs in process context with softirqs enabled (connect, close, the backlog) and in
 * softirq. The kernel skips a program that is already running on that CPU (commit 05b24ff9b2cf, kernel 6.1): the event
 * of a packet that arrives while the program handles a connect would be lost, and a connection would stay open for
 * ever. With two programs for two levels of context, one of them is always free. The second run for an event finds the
 * phase already set and does nothing. Events of a socket cannot overlap: they happen under its lock. */

static __always_inline void connecting(struct sock *sk, enum role role) {
    struct socket_state *socket = find_or_make_socket(sk);

    if (!socket || socket->phase == PHASE_CONNECTING)
        return;
    follow(socket, sk, role);
    socket->counted = false;
    socket->cut_short = false;
    socket->half_closed = false;
    socket->given_up = false;
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
    follow_reads_from_start(sk, socket);
    /* A server's total includes the SYN-ACKs of its handshake, which are already counted. */
    if (socket->service.role == ROLE_SERVER)
        socket->retransmitted = total_retransmitted(sk);
    /* Its MPTCP socket is counted. */
    if (is_subflow(sk))
        return;
    stats = find_tcp(&socket->service);
    if (!stats)
        return;
    socket->counted = true;
    now = bpf_ktime_get_ns();
    atomic_add(&stats->opened, 1);
    /* A server's socket is created after the handshake, so it has no connect duration. */
    if (socket->service.role == ROLE_CLIENT)
        histogram_add(&stats->connect, now - socket->phase_ns);
    socket->phase_ns = now;
}

static __always_inline void connect_failed(struct sock *sk, struct socket_state *socket) {
    struct tcp_stats *stats = find_tcp(&socket->service);
    struct edge_stats *edge;

    if (stats)
        atomic_add(&stats->connect_failures[failure_of(sk)], 1);
    edge = find_edge(socket, 0);
    if (edge)
        atomic_add(&edge->connect_failures, 1);
}

static __always_inline void listened(struct sock *sk, const struct socket_state *socket) {
    __u64 address = (__u64)sk;
    struct accept_queue *row = bpf_map_lookup_elem(&accept_queues, &address);
    struct listener_key key = {.cgroup = socket->service.cgroup};

    if (!row)
        return;
    key.port = local_port(sk);
    count_drops(row, &key, sk->sk_drops.counter);
    delete_accept_queue(address, key.cgroup);
}

static __always_inline void closed(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    struct tcp_stats *stats;
    __u32 phase, smoothed;

    if (!socket)
        return;
    /* Keep the state: after a shutdown by both ends a response may still be unread. An exchange, because an adoption
     * may run at the same time, see adoption.bpf.h. */
    phase = __sync_lock_test_and_set(&socket->phase, PHASE_CLOSED);
    if (phase == PHASE_LISTENING)
        listened(sk, socket);
    else if (phase == PHASE_ESTABLISHED || (phase == PHASE_CONNECTING && socket->service.role == ROLE_CLIENT))
        count_retransmitted(sk, socket);
    /* An MPTCP socket has no error at this time; its first subflow has. */
    if (phase == PHASE_CONNECTING && socket->service.role == ROLE_CLIENT && !is_mptcp(sk) && !is_joining(sk))
        connect_failed(sk, socket);
    if (phase == PHASE_ESTABLISHED) {
        is_answered_unseen(sk, socket);
        add_held(socket);
    }
    if (phase == PHASE_ESTABLISHED && socket->protocol == PROTOCOL_UNSEEN && socket->looks) {
        socket->protocol = unrecognised(socket);
        count_protocol(sk, socket);
    }
    if (phase != PHASE_ESTABLISHED || !socket->counted)
        return;
    stats = find_tcp(&socket->service);
    if (!stats)
        return;
    atomic_add(&stats->closed, 1);
    if (socket->phase_ns)
        histogram_add(&stats->lifetime, bpf_ktime_get_ns() - socket->phase_ns);
    /* Not sampled before: it never moved a byte, or its send and receive calls are not visible. */
    smoothed = smoothed_round_trip(sk);
    if (!socket->sampled_ns && smoothed)
        add_round_trip(stats, smoothed);
}

/* A server's MPTCP socket is made with its connection, in this state since kernel 6.8, before in SYN_RECV. */
static __always_inline void mptcp_established(struct sock *sk, int old_state) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);

    if (socket)
        complete_edge(socket, sk);
    else if (old_state == TCP_LISTEN)
        connecting(sk, ROLE_SERVER);
    established(sk);
}

static __always_inline int handle_state(struct sock *sk, int old_state, int new_state) {
    const bool mptcp = is_mptcp(sk);

    if (!mptcp && !is_tcp(sk))
        return 0;
    end_requests(sk, old_state, new_state);
    if (new_state == TCP_SYN_SENT)
        connecting(sk, ROLE_CLIENT);
    else if (new_state == TCP_SYN_RECV && old_state == TCP_LISTEN)
        connecting(sk, ROLE_SERVER);
    else if (new_state == TCP_ESTABLISHED && mptcp)
        mptcp_established(sk, old_state);
    else if (new_state == TCP_ESTABLISHED)
        established(sk);
    else if (new_state == TCP_LISTEN && !mptcp)
        listening(sk);
    else if (new_state == TCP_CLOSE_WAIT)
        half_closed(sk);
    else if (new_state == TCP_CLOSE)
        closed(sk);
    return 0;
}

/* The last event of a CPU that the first program has handled: the second one need not look at it. Nothing while the
 * first program runs, so that an event which interrupts it is handled. */
struct handled_event {
    __u64 sk;
    int state;
    int reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct handled_event);
} handled_events SEC(".maps");

static __always_inline struct handled_event *last_handled(void) {
    __u32 only = 0;

    return bpf_map_lookup_elem(&handled_events, &only);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int old_state, int new_state) {
    struct handled_event *last = last_handled();

    if (!last)
        return 0;
    last->sk = 0;
    barrier();
    handle_state(sk, old_state, new_state);
    last->state = new_state;
    barrier();
    last->sk = (__u64)sk;
    return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state_nested, struct sock *sk, int old_state, int new_state) {
    struct handled_event *last = last_handled();

    if (!last)
        return 0;
    if (last->sk != (__u64)sk || last->state != new_state)
        return handle_state(sk, old_state, new_state);
    last->sk = 0;
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
