/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SOCKET_COUNTS_BPF_H
#define LORIKEET_SOCKET_COUNTS_BPF_H

#include "attribution.bpf.h"
#include "histogram.bpf.h"
#include "maps.bpf.h"
#include "tcp.h"
#include "types.bpf.h"

/* What the kernel counts in each socket anyway. Its totals are booked by their increase, so that an event that was
 * missed or seen twice makes no difference. */

static __always_inline struct tcp_stats *find_tcp(const struct service_key *key) {
    return find_or_make(&tcp, key, &zero_tcp, LOST_TCP);
}

static __always_inline __u32 total_retransmitted(struct sock *sk) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

    return tp ? tp->total_retrans : 0;
}

/* The caller holds the socket's lock. */
static __always_inline void count_retransmitted(struct sock *sk, struct socket_state *socket) {
    __u32 total = total_retransmitted(sk);
    __u32 fresh = total - socket->retransmitted;
    struct tcp_stats *stats;

    if (!fresh || socket->service.role == ROLE_UNKNOWN)
        return;
    socket->retransmitted = total;
    stats = find_tcp(&socket->service);
    if (stats)
        atomic_add(&stats->retransmitted, fresh);
}

/* The smoothed round-trip time, if there was ever something to measure it by. */
static __always_inline void sample_round_trip(struct sock *sk, struct socket_state *socket) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    struct tcp_stats *stats;

    if (!tp || !tp->srtt_us)
        return;
    stats = find_tcp(&socket->service);
    if (!stats)
        return;
    socket->sampled = true;
    histogram_add_atomic(&stats->round_trip, (__u64)(tp->srtt_us >> 3) * 1000);
}

static __always_inline void follow_listener(struct socket_state *socket, struct sock *sk) {
    follow(socket, sk, ROLE_SERVER);
    socket->counted = false;
    socket->drops = sk->sk_drops.counter;
    socket->phase = PHASE_LISTENING;
}

static __always_inline void set_listener(struct listener_key *key, struct sock *sk, const struct socket_state *socket) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

    key->cgroup = socket->service.cgroup;
    /* skc_num is taken back before the state changes when the kernel had chosen the port. */
    key->port = tp ? bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport) : 0;
}

/* A walk may run while the socket closes: the exchange lets one of them book an increase. */
static __always_inline void count_drops(struct sock *sk, struct socket_state *socket) {
    __u32 total = sk->sk_drops.counter;
    __u32 fresh = total - __sync_lock_test_and_set(&socket->drops, total);
    struct listener_key key = {};
    struct listener_stats *stats;

    set_listener(&key, sk, socket);
    stats = find_or_make(&listeners, &key, &zero_listener, LOST_LISTENERS);
    if (stats && fresh)
        atomic_add(&stats->drops, fresh);
}

#endif
