/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_UNSEEN_BPF_H
#define LORIKEET_UNSEEN_BPF_H

#include "attribution.bpf.h"
#include "maps.bpf.h"
#include "shares.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* Bytes that a process takes from a TCP socket without a receive call: splice() and sendfile() from a socket,
 * TCP_ZEROCOPY_RECEIVE. The socket's copied_seq tells how many bytes were taken in all, so the difference to the bytes
 * of all receive calls is found at the next send, when the process gives up, and when the connection closes.
 *
 * The bytes are exact. A request or a response that was taken like this has no time, so the request is not in the
 * histograms but counted in `unseen_requests`. User space then attaches two more programs (requests.bpf.c):
 * tcp_destroy_sock, which looks once more when a socket is freed, and tcp_rcv_space_adjust, which sees bytes when they
 * are taken. The latter runs for every receive call of the machine, but goes on only for sockets that are
 * known to need it: those of a cgroup in `splicers`.
 *
 * copied_seq means something else for sockets with an upper-layer protocol (kernel TLS), for sockets in a sockmap and
 * for those that the kernel itself reads: their unseen bytes are not known. */

/* Requests without a duration: they, or their responses, were taken without a receive call. */
extern struct event_count unseen_requests SEC(".maps");

/* Cgroups with such requests. One that is evicted is noticed again. */
struct splicers_map {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, __u8);
};

extern struct splicers_map splicers SEC(".maps");

/* True if a request is open, and its response has not begun. */
static __always_inline bool is_waiting(const struct socket_state *socket) {
    return socket->request_ns && !socket->answered_ns;
}

static __always_inline void count_unseen_request(const struct socket_state *socket) {
    __u64 cgroup = socket->service.cgroup;
    const struct cgroup_info *info = bpf_map_lookup_elem(&cgroups, &cgroup);
    __u8 value = 1;

    /* Nobody asks for it. */
    if (info && info->state == CGROUP_UNMONITORED)
        return;
    count_lost(&unseen_requests);
    if (!bpf_map_lookup_elem(&splicers, &cgroup))
        bpf_map_update_elem(&splicers, &cgroup, &value, BPF_ANY);
}

/* The sequence up to which the process has taken bytes, without the FIN, which has a number of its own. */
static __always_inline __u32 taken_sequence(const struct sock *sk, const struct tcp_sock *tp) {
    __u32 sequence = tp->copied_seq;

    return (sk->__sk_common.skc_flags & (1UL << SOCK_DONE)) && sequence == tp->rcv_nxt ? sequence - 1 : sequence;
}

/* Starts to follow the bytes that are taken from now on. If a receive call on another CPU adds its bytes at the same
 * time, the next call starts: its bytes would be counted once more as unseen. */
static __always_inline void follow_reads(struct sock *sk, struct socket_state *socket) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    __u32 before = socket->read_sequence;

    barrier();
    if (!tp || __sync_val_compare_and_swap(&socket->read_sequence, before, taken_sequence(sk, tp)) != before)
        return;
    socket->reads = READS_FOLLOWED;
}

/* The same at the handshake's end. Before, receive calls may have taken bytes that came with the SYN (TCP Fast Open);
 * they have added their number to read_sequence. */
static __always_inline void follow_reads_from_start(struct sock *sk, struct socket_state *socket) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    __u64 cgroup = socket->service.cgroup;

    if (!tp)
        return;
    if (bpf_map_lookup_elem(&splicers, &cgroup))
        socket->unseen = true;
    atomic_add(&socket->read_sequence, tp->rcv_nxt - (__u32)tp->bytes_received);
    barrier();
    socket->reads = READS_FOLLOWED;
}

/* The number of bytes that the process has taken beyond those counted up to the sequence `counted`; negative while a
 * call has returned too many. */
static __always_inline __s32 bytes_beyond(__u32 counted, struct sock *sk, struct socket_state *socket) {
    const struct tcp_sock *tp;

    if (socket->reads != READS_FOLLOWED)
        return 0;
    tp = bpf_skc_to_tcp_sock(sk);
    if (!tp || tp->copied_seq == counted)
        return 0;
    if (sk->sk_user_data || tp->inet_conn.icsk_ulp_ops) {
        socket->reads = READS_OPAQUE;
        return 0;
    }
    return taken_sequence(sk, tp) - counted;
}

/* The number of bytes that the process has taken and nobody has counted. */
static __always_inline __s32 uncounted_bytes(struct sock *sk, struct socket_state *socket) {
    return bytes_beyond(socket->read_sequence, sk, socket);
}

/* Counts the bytes taken without a receive call, and returns their number. They may be those of a receive call on
 * another CPU that has not returned yet: then claim_received takes them back from that call's bytes. If it has added
 * them since the look at the socket's counter, they are not counted here. */
static __always_inline __u32 count_unseen_bytes(struct sock *sk, struct socket_state *socket) {
    __u32 before = socket->read_sequence;
    struct tcp_stats *stats;
    struct edge_stats *edge;
    __s32 bytes;

    barrier();
    bytes = bytes_beyond(before, sk, socket);
    if (bytes <= 0)
        return 0;
    socket->unseen = true;
    if (__sync_val_compare_and_swap(&socket->read_sequence, before, before + bytes) != before)
        return 0;
    stats = find_tcp(&socket->service);
    if (stats)
        atomic_add(&stats->unseen_bytes, bytes);
    edge = find_edge(socket, 0);
    if (edge)
        atomic_add(&edge->unseen_bytes, bytes);
    return bytes;
}

/* The turn noticed at `unseen_ns` was no receive call's: its request has no duration. A client's request that was open
 * since then began at that time. */
static __always_inline void confirm_unseen(struct socket_state *socket) {
    __u64 begin = __sync_lock_test_and_set(&socket->unseen_ns, 0);

    if (!begin)
        return;
    count_unseen_request(socket);
    if (socket->service.role == ROLE_CLIENT && is_waiting(socket))
        socket->request_ns = begin;
}

/* For a receive call that returned `length` bytes. Returns how many of them are still to be counted. */
static __always_inline __u32 claim_received(struct sock *sk, struct socket_state *socket, __u32 length) {
    __s32 excess;

    atomic_add(&socket->read_sequence, length);
    if (socket->reads == READS_UNKNOWN && sk->__sk_common.skc_state != TCP_SYN_RECV)
        follow_reads(sk, socket);
    if (!socket->unseen)
        return length;
    excess = -uncounted_bytes(sk, socket);
    if (excess <= 0) {
        confirm_unseen(socket);
        return length;
    }
    /* The bytes that looked unseen were this call's. */
    atomic_add(&socket->read_sequence, -excess);
    socket->unseen_ns = 0;
    return (__u32)excess < length ? length - excess : 0;
}

/* For a send call, before its request starts or ends: notices that a server has taken a request, or a client a
 * response, without a receive call. Whether a receive call claims the bytes shows at the next call.
 *
 * The look at the socket's counters is worth its cost only if no receive call explains the send: a server without an
 * open request, a client that waits for a response. Otherwise bytes alone can be missing, for a second at most. Returns
 * true if there was such a turn. */
static __always_inline bool notice_unseen(struct sock *sk, struct socket_state *socket, __u64 now) {
    bool is_unexplained = (socket->service.role == ROLE_CLIENT) == is_waiting(socket);
    __u32 bytes;

    if (!is_unexplained && !socket->unseen && now - socket->sampled_ns < round_trip_interval_ns)
        return false;
    if (socket->reads == READS_UNKNOWN && sk->__sk_common.skc_state != TCP_SYN_RECV)
        follow_reads(sk, socket);
    bytes = count_unseen_bytes(sk, socket);
    if (socket->unseen_ns)
        confirm_unseen(socket);
    if (!bytes || !is_unexplained)
        return false;
    socket->unseen_ns = now;
    return true;
}

/* For a socket whose process takes nothing more. Returns true if a client's open request was answered. */
static __always_inline bool is_answered_unseen(struct sock *sk, struct socket_state *socket) {
    __u32 bytes = count_unseen_bytes(sk, socket);

    confirm_unseen(socket);
    if (!bytes || socket->service.role != ROLE_CLIENT || !__sync_lock_test_and_set(&socket->request_ns, 0))
        return false;
    count_unseen_request(socket);
    return true;
}

#endif
