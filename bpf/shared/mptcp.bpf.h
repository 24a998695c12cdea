/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_MPTCP_BPF_H
#define LORIKEET_MPTCP_BPF_H

#include "attribution.bpf.h"
#include "types.bpf.h"

/* Multipath TCP. A process holds an MPTCP socket; the kernel opens one or more TCP sockets for it, the subflows.
 *
 * The MPTCP socket is the connection: requests, bytes, opened and closed connections, connect durations. Segments,
 * resets, failed connects and the accept queue are those of the subflows, which have the cgroup of their MPTCP socket.
 * If the peer does not speak MPTCP, a client still has both sockets; a server's connection is a plain TCP socket.
 *
 * The subflow is read only through its address, by reads that cannot fault: the verifier does not know its type. */

static __always_inline bool is_mptcp(const struct sock *sk) {
    __u16 family = sk->__sk_common.skc_family;

    return (family == AF_INET || family == AF_INET6) && sk->sk_protocol == IPPROTO_MPTCP;
}

/* True for a socket whose send and receive calls move bytes of a connection. */
static __always_inline bool is_stream(const struct sock *sk) {
    return is_tcp(sk) || is_mptcp(sk);
}

/* The first subflow of an MPTCP socket, to be read only with BPF_CORE_READ. NULL if it has none, or on a kernel without
 * MPTCP. */
static __always_inline struct sock *first_subflow(const struct sock *sk) {
    const struct mptcp_sock *msk = (const void *)sk;

    return bpf_core_type_exists(struct mptcp_sock) ? BPF_CORE_READ(msk, first) : NULL;
}

/* True for a subflow. A server's socket is one until its handshake ends without MPTCP. */
static __always_inline bool is_subflow(struct sock *sk) {
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

    return tp && bpf_core_field_exists(tp->is_mptcp) && tp->is_mptcp;
}

/* True for a subflow that joins an existing connection. */
static __always_inline bool is_joining(struct sock *sk) {
    const struct inet_connection_sock *icsk = (const void *)sk;
    const struct mptcp_subflow_context *context;
    const struct sock *connection;

    if (!is_subflow(sk) || !bpf_core_type_exists(struct mptcp_subflow_context))
        return false;
    context = BPF_CORE_READ(icsk, icsk_ulp_data);
    connection = BPF_CORE_READ(context, conn);
    return connection && first_subflow(connection) != sk;
}

/* Sets the peer of a client. An MPTCP socket has no address of its own while it connects; its first subflow has. */
static __always_inline void complete_edge(struct socket_state *socket, const struct sock *sk) {
    struct edge_key *edge = &socket->edge;
    const struct sock *first;

    if (!is_mptcp(sk) || socket->service.role != ROLE_CLIENT || edge->port)
        return;
    first = first_subflow(sk);
    edge->port = bpf_ntohs(BPF_CORE_READ(first, __sk_common.skc_dport));
    if (BPF_CORE_READ(first, __sk_common.skc_family) == AF_INET)
        set_address_4(edge->address, BPF_CORE_READ(first, __sk_common.skc_daddr));
    else
        bpf_core_read(edge->address, sizeof(edge->address), &first->__sk_common.skc_v6_daddr);
    set_netns(edge, sk);
}

#endif
