/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ADOPTION_BPF_H
#define LORIKEET_ADOPTION_BPF_H

#include "attribution.bpf.h"
#include "maps.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* Connections that are older than the programs: followed from the first bytes that they move, or from the pass over
 * all processes' files (sockets.bpf.c), whichever comes first. */

/* Which end of a connection a socket is, from what it kept of its beginning. accept() gives out copies of the listening
 * socket, the room of its queue among what is copied (sk_clone_lock), and only listen() sets that. A port that
 * connect() chose has a bucket that says so (fastreuse is -1, __inet_hash_connect). What is left is a client that was
 * bound to its port, or a server whose listening socket had asked for no room at all: nothing is guessed. */
static __always_inline enum role role_of(struct sock *sk) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    const struct inet_bind_bucket *bucket = tp ? tp->inet_conn.icsk_bind_hash : NULL;

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

/* Several programs may do so at the same time, and lose nothing: what they write is the same, and the exchange says who
 * counts it. */
static __always_inline void follow_older(struct socket_state *socket, struct sock *sk, enum role role) {
    struct tcp_stats *stats;

    socket->retransmitted = total_retransmitted(sk);
    attribute(socket, sk, role);
    stats = find_tcp(&socket->service);
    if (stats)
        socket->counted = true;
    if (__sync_val_compare_and_swap(&socket->phase, PHASE_NONE, PHASE_ESTABLISHED) != PHASE_NONE || !stats)
        return;
    atomic_add(&stats->adopted, 1);
    /* Closed before it had a state, nobody has seen its end. */
    if (!is_connected(sk) && __sync_lock_test_and_set(&socket->phase, PHASE_CLOSED) == PHASE_ESTABLISHED)
        atomic_add(&stats->closed, 1);
}

/* The state of a socket that is older than the programs, followed from now on if its role can be told; NULL, and
 * counted as lost, if there can't be a state. */
static __always_inline struct socket_state *adopt(struct sock *sk) {
    struct socket_state *socket = find_or_make_socket(sk);
    enum role role = is_connected(sk) ? role_of(sk) : ROLE_UNKNOWN;

    if (!socket)
        return NULL;
    if (role != ROLE_UNKNOWN)
        follow_older(socket, sk, role);
    else if (__sync_val_compare_and_swap(&socket->phase, PHASE_NONE, PHASE_UNTOLD) == PHASE_NONE)
        count_lost(LOST_SOCKETS);
    return socket;
}

#endif
