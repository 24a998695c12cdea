/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CLIENT_WAIT_BPF_H
#define LORIKEET_CLIENT_WAIT_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/socket_counts.bpf.h"
#include "../shared/types.bpf.h"

/* Time within a request that waits for the client: it has sent a part and will send more. A client that never hurries,
 * or means harm, makes durations as long as it likes, so this time is counted beside them.
 *
 * Of a server it ends when bytes arrive, not when a receive call takes them, and does not begin while bytes are left to
 * take: a server that reads late has itself to blame. Of a client it is the time between two send calls, unless the
 * first left no room for more or the second had to wait for room: then the other end does not read.
 *
 * Only of HTTP/1.x in clear text, where what follows within a request is the rest of it. Elsewhere it may be the next
 * request, for which the server is not ready yet. */

/* Shorter is no wait. */
#define MIN_CLIENT_WAIT_NS 100000
/* For the length of a tick. */
#define MIN_TICKS_NS NANOSECONDS

/* The kernel notes in ticks when bytes arrived, and says nowhere how long a tick is. */
static __u64 first_tick, first_tick_ns;

/* Nanoseconds of a tick; 0: not known yet. Two calls that note the first tick at a time note nearly the same. */
static __always_inline __u64 tick_length(__u64 tick, __u64 now) {
    if (!first_tick) {
        first_tick_ns = now;
        first_tick = tick;
        return 0;
    }
    if (now < first_tick_ns + MIN_TICKS_NS || tick <= first_tick)
        return 0;
    return (now - first_tick_ns) / (tick - first_tick);
}

/* The part of a wait of `wait` nanoseconds, until `now`, at whose end the last bytes arrived. Bytes that arrived in
 * this tick or in the one before are taken at once. */
static __always_inline __u64 until_arrival(const struct tcp_sock *tp, __u64 wait, __u64 now) {
    __u64 tick = bpf_jiffies64();
    __u64 length = tick_length(tick, now);
    __u32 ticks = (__u32)tick - tp->inet_conn.icsk_ack.lrcvtime;
    __u64 late;

    if (ticks <= 1)
        return wait;
    if (!length)
        return 0;
    late = ticks * length;
    return late < wait ? wait - late : 0;
}

/* True if after a call the other end waits for the client. A process that waits for room is woken when a third of it is
 * free. */
static __always_inline bool waits_for_client(const struct sock *sk, const struct socket_state *socket,
                                             const struct tcp_sock *tp) {
    return socket->service.role == ROLE_SERVER ? tp->copied_seq == tp->rcv_nxt
                                               : 3L * sk->sk_wmem_queued < sk->sk_sndbuf;
}

/* For a call at `now` with a part of the request that is open, its first or a further one. */
static __noinline int wait_for_client(struct sock *sk, struct socket_state *socket, __u64 now) {
    const bool follows = socket->part_ns >= socket->request_ns;
    const __u64 begin = follows ? socket->part_ns : socket->request_ns;
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    bool waits;

    if (!tp)
        return 0;
    waits = waits_for_client(sk, socket, tp);
    if (now >= begin + MIN_CLIENT_WAIT_NS && !(follows && socket->other_waits)) {
        if (socket->service.role == ROLE_SERVER)
            atomic_add(&socket->client_wait_ns, until_arrival(tp, now - begin, now));
        else if (waits)
            atomic_add(&socket->client_wait_ns, now - begin);
    }
    socket->other_waits = !waits;
    socket->part_ns = now;
    return 0;
}

/* The server asks for the rest of the request. */
static __always_inline void asked_for_rest(struct socket_state *socket, __u64 now) {
    socket->part_ns = now;
    socket->other_waits = false;
}

/* For a request of `duration` that ends. */
static __always_inline void count_client_wait(struct socket_state *socket, struct service_stats *service,
                                              struct edge_stats *edge, __u64 duration) {
    __u64 wait;

    if (!socket->client_wait_ns)
        return;
    wait = __sync_lock_test_and_set(&socket->client_wait_ns, 0);
    if (wait > duration)
        wait = duration;
    if (service)
        atomic_add(&service->requests.client_wait_ns, wait);
    if (edge)
        atomic_add(&edge->client_wait_ns, wait);
}

#endif
