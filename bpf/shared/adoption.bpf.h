/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ADOPTION_BPF_H
#define LORIKEET_ADOPTION_BPF_H

#include "attribution.bpf.h"
#include "maps.bpf.h"
#include "mptcp.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* Connections older than the programs. They are tracked from the first bytes that they move, or from the pass over the
 * files of all processes (sockets.bpf.c), whichever comes first. */

/* The same as role_of for the first subflow of an MPTCP socket. */
static __always_inline enum role role_of_subflow(const struct sock *first) {
    const struct inet_connection_sock *icsk = (const void *)first;

    if (BPF_CORE_READ(first, sk_max_ack_backlog))
        return ROLE_SERVER;
    return BPF_CORE_READ(icsk, icsk_bind_hash, fastreuse) == -1 ? ROLE_CLIENT : ROLE_UNKNOWN;
}

/* Derives the role from state that the socket still has. An accepted socket is a copy of the listening socket,
 * including the backlog limit (sk_clone_lock), which only listen() sets. A port chosen by connect() has a bucket with
 * fastreuse -1 (__inet_hash_connect). Otherwise the socket is a client with an explicitly bound port, or was accepted
 * from a listener with a backlog of 0: the role stays unknown. */
static __always_inline enum role role_of(struct sock *sk) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    const struct inet_bind_bucket *bucket = tp ? tp->inet_conn.icsk_bind_hash : NULL;

    if (is_mptcp(sk))
        return role_of_subflow(first_subflow(sk));
    if (sk->sk_max_ack_backlog)
        return ROLE_SERVER;
    return bucket && bucket->fastreuse == -1 ? ROLE_CLIENT : ROLE_UNKNOWN;
}

static __always_inline bool is_connected(const struct sock *sk) {
    switch (sk->__sk_common.skc_state) {
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
    case TCP_CLOSE_WAIT:
    case TCP_LAST_ACK:
    case TCP_CLOSING:
        return true;
    default:
        return false;
    }
}

/* Several programs may run this for one socket at the same time: all write the same values, and the compare-and-swap
 * lets only one of them count the connection. */
static __always_inline void follow_older(struct socket_state *socket, struct sock *sk, enum role role) {
    struct tcp_stats *stats;

    socket->retransmitted = total_retransmitted(sk);
    socket->older = true;
    attribute(socket, sk, role);
    complete_edge(socket, sk);
    stats = find_tcp(&socket->service);
    if (stats)
        socket->counted = true;
    if (__sync_val_compare_and_swap(&socket->phase, PHASE_NONE, PHASE_ESTABLISHED) != PHASE_NONE || !stats)
        return;
    atomic_add(&stats->adopted, 1);
    /* It closed before it had a state, so no program has counted its close. */
    if (!is_connected(sk) && __sync_lock_test_and_set(&socket->phase, PHASE_CLOSED) == PHASE_ESTABLISHED)
        atomic_add(&stats->closed, 1);
}

/* Returns the state of a socket older than the programs, and tracks the socket from now on if its role is known.
 * Returns NULL and counts a loss if the state cannot be allocated. */
static __always_inline struct socket_state *adopt(struct sock *sk) {
    struct socket_state *socket = find_or_make_socket(sk);
    enum role role = is_connected(sk) ? role_of(sk) : ROLE_UNKNOWN;

    if (!socket)
        return NULL;
    if (role != ROLE_UNKNOWN)
        follow_older(socket, sk, role);
    else if (__sync_val_compare_and_swap(&socket->phase, PHASE_NONE, PHASE_ROLE_UNKNOWN) == PHASE_NONE)
        count_lost(&lost_sockets);
    return socket;
}

#endif
