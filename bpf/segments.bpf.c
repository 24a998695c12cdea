// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/maps.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"

/* Retransmitted segments and resets. */

/* Resets for a packet without a socket, or of a socket of unknown role. */
struct event_count unattributed_reset SEC(".maps");

/* Adds the increase of the socket's own total: the tracepoint fires once for a call that may send several segments, and
 * kernels differ on whether it fires when the send fails. The last increase is added at close, see tcp.bpf.c. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, struct sock *sk) {
    struct socket_state *socket;

    if (!is_tcp(sk))
        return 0;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (socket)
        count_retransmitted(sk, socket);
    return 0;
}

/* A SYN-ACK is counted for the listener: the connection has no socket yet. With TCP Fast Open it has one, which counts
 * it instead. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack, struct sock *sk) {
    struct socket_state *socket;
    struct tcp_stats *stats;

    if (!is_tcp(sk) || sk->__sk_common.skc_state != TCP_LISTEN)
        return 0;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || socket->service.role == ROLE_UNKNOWN)
        return 0;
    stats = find_tcp(&socket->service);
    if (stats)
        atomic_add(&stats->retransmitted, 1);
    return 0;
}

/* Attached twice, for the same reason as the programs in tcp.bpf.c. A connection has at most one reset in a direction,
 * so the second run finds the bit set. Only a listener sends many resets, always in softirq: one of the two programs
 * counts them. */
static __always_inline int handle_reset(struct sock *sk, enum reset_direction direction, bool nested) {
    struct socket_state *socket = NULL;
    struct tcp_stats *stats;

    /* `sk` may be NULL, or a minisocket of TIME_WAIT or a handshake, for which the lookup returns NULL. */
    if (sk && is_tcp(sk))
        socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || socket->service.role == ROLE_UNKNOWN) {
        if (!nested)
            count_lost(&unattributed_reset);
        return 0;
    }
    if (socket->phase == PHASE_LISTENING ? nested : socket->resets & (1U << direction))
        return 0;
    socket->resets |= 1U << direction;
    stats = find_tcp(&socket->service);
    if (stats)
        atomic_add(&stats->resets[direction], 1);
    return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, struct sock *sk) {
    return handle_reset(sk, RESET_SENT, false);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset_nested, struct sock *sk) {
    return handle_reset(sk, RESET_SENT, true);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, struct sock *sk) {
    return handle_reset(sk, RESET_RECEIVED, false);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset_nested, struct sock *sk) {
    return handle_reset(sk, RESET_RECEIVED, true);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
