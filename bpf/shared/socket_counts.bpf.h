/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SOCKET_COUNTS_BPF_H
#define LORIKEET_SOCKET_COUNTS_BPF_H

#include "attribution.bpf.h"
#include "histogram.bpf.h"
#include "maps.bpf.h"
#include "mptcp.bpf.h"
#include "shares.bpf.h"
#include "types.bpf.h"

/* Counters that the kernel keeps in each socket. The programs add the increase of a total, so a missed or repeated
 * event makes no difference. */

static __always_inline struct service_stats *find_service(const struct service_key *key) {
    return find_or_make(services, key);
}

static __always_inline struct tcp_stats *find_tcp(const struct service_key *key) {
    struct service_stats *stats = find_service(key);

    return stats ? &stats->tcp : NULL;
}

static __always_inline __u32 total_retransmitted(struct sock *sk) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

    return tp ? tp->total_retrans : 0;
}

/* The caller holds the socket's lock. */
static __always_inline void count_retransmitted(struct sock *sk, struct socket_state *socket) {
    __u32 total = total_retransmitted(sk);
    __u32 increase = total - socket->retransmitted;
    struct tcp_stats *stats;

    if (!increase || socket->service.role == ROLE_UNKNOWN)
        return;
    socket->retransmitted = total;
    stats = find_tcp(&socket->service);
    if (stats)
        atomic_add(&stats->retransmitted, increase);
}

/* The smoothed round-trip time in 1/8 microseconds; 0 before the first measurement. */
static __always_inline __u32 smoothed_round_trip(struct sock *sk) {
    const struct tcp_sock *tp;

    if (is_mptcp(sk)) {
        tp = (const void *)first_subflow(sk);
        return BPF_CORE_READ(tp, srtt_us);
    }
    tp = bpf_skc_to_tcp_sock(sk);
    return tp ? tp->srtt_us : 0;
}

/* The end of the bytes that the process has sent on a connection. */
static __always_inline __u32 sent_sequence(struct sock *sk) {
    const struct tcp_sock *tp;

    if (is_mptcp(sk)) {
        const struct mptcp_sock *msk = (const void *)sk;

        return bpf_core_type_exists(struct mptcp_sock) ? BPF_CORE_READ(msk, write_seq) : 0;
    }
    tp = bpf_skc_to_tcp_sock(sk);
    return tp ? tp->write_seq : 0;
}

static __always_inline void add_round_trip(struct tcp_stats *stats, __u32 smoothed) {
    histogram_add(&stats->round_trip, (__u64)(smoothed >> 3) * 1000);
}

/* For a socket that moves bytes at `now`. The compare-and-swap lets one of two concurrent calls sample. */
static __always_inline void sample_round_trip(struct sock *sk, struct socket_state *socket, struct tcp_stats *stats,
                                              __u64 now) {
    __u64 last = socket->sampled_ns;
    __u32 smoothed;

    /* Another CPU may have sampled since `now`. */
    if (last && (now < last || now - last < round_trip_interval_ns))
        return;
    smoothed = smoothed_round_trip(sk);
    if (smoothed && __sync_val_compare_and_swap(&socket->sampled_ns, last, now) == last)
        add_round_trip(stats, smoothed);
}

/* A listening MPTCP socket has its queue in its first subflow. */
static __always_inline const struct sock *queue_of(const struct sock *sk) {
    return is_mptcp(sk) ? first_subflow(sk) : sk;
}

static __always_inline void follow_queue(const struct socket_state *socket, const struct sock *sk) {
    const struct sock *listener = queue_of(sk);
    struct accept_queue row = {.key.cgroup = socket->service.cgroup};

    row.drops = BPF_CORE_READ(listener, sk_drops.counter);
    row.netns = netns_of(sk);
    write_accept_queue((__u64)listener, &row);
}

static __always_inline void follow_listener(struct socket_state *socket, struct sock *sk) {
    follow(socket, sk, ROLE_SERVER);
    socket->counted = false;
    follow_queue(socket, sk);
    socket->phase = PHASE_LISTENING;
}

/* `total` is the socket's sk_drops. The exchange lets only one of two concurrent calls add an increase. */
static __always_inline void count_drops(struct accept_queue *row, const struct listener_key *key, __u32 total) {
    __u32 increase = total - __sync_lock_test_and_set(&row->drops, total);
    struct listener_stats *stats = find_or_make(listeners, key);

    if (stats && increase)
        atomic_add(&stats->drops, increase);
}

#endif
