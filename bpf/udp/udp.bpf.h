/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_UDP_BPF_H
#define LORIKEET_UDP_BPF_H

#include "dns_query.bpf.h"
#include "udp_peer.bpf.h"
#include "user_message.bpf.h"
#include "../shared/attribution.bpf.h"
#include "../shared/histogram.bpf.h"
#include "../shared/types.bpf.h"
#include "udp_maps.bpf.h"

/* Datagrams of UDP sockets, by send and receive call. The first datagram decides the role of a socket: a client sends
 * it, a server receives it. Only clients have edges.
 *
 * Queries to port 53 are paired with their answers by the id of the DNS message (dns_query.bpf.h). At other ports an
 * answer is the next datagram received on a socket with a single peer. That is right only if each request has one
 * answer and requests do not overlap; `overlapping` and `unexpected` count what contradicts, and the exporter leaves
 * out the requests of an edge where they occur (exporter/collectors/udp.ts).
 *
 * All words are added atomically: a send and a receive on the same CPU may interrupt each other. */

/* A request repeated after this time has not been answered; an earlier one overlaps. */
#define RETRY_NS 500000000ULL

static __always_inline bool is_udp(const struct sock *sk) {
    __u16 family = sk->__sk_common.skc_family;

    return (family == AF_INET || family == AF_INET6) && sk->sk_protocol == IPPROTO_UDP;
}

/* A UDP socket has this state after connect(). */
static __always_inline bool is_udp_connected(const struct sock *sk) {
    return sk->__sk_common.skc_state == TCP_ESTABLISHED;
}

static __always_inline struct udp_socket *find_udp_socket(struct sock *sk) {
    struct udp_socket *socket = bpf_sk_storage_get(&udp_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

    if (!socket)
        socket = bpf_sk_storage_get(&udp_sockets, sk, 0, 0);
    if (!socket)
        count_lost(&lost_udp_sockets);
    return socket;
}

/* The role is written last: a program that sees a role reads the other fields. */
static __always_inline void set_udp_role(struct udp_socket *socket, struct sock *sk, enum role role) {
    socket->cookie = bpf_get_socket_cookie(sk);
    socket->service.cgroup = socket_cgroup(sk);
    barrier();
    socket->service.role = role;
}

static __always_inline bool is_port_bound(const struct sock *sk) {
    return BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

/* A socket that was connected without an explicitly bound port belongs to a client, even if its first datagram was
 * sent before the programs ran. */
static __always_inline enum role receiver_role(const struct sock *sk) {
    return is_udp_connected(sk) && !is_port_bound(sk) ? ROLE_CLIENT : ROLE_SERVER;
}

static __always_inline void send_request(struct udp_socket *socket, struct udp_edge_stats *stats, __u64 now) {
    __u64 earlier = __sync_lock_test_and_set(&socket->request_ns, socket->peer_count == 1 ? now : 0);

    if (socket->peer_count != 1 || (earlier && now - earlier < RETRY_NS))
        atomic_add(&stats->overlapping, 1);
    else if (earlier)
        atomic_add(&stats->unanswered, 1);
}

static __always_inline void receive_answer(struct udp_socket *socket, struct udp_edge_stats *stats, __u64 now) {
    __u64 begin = __sync_lock_test_and_set(&socket->request_ns, 0);

    if (begin)
        count_answer(stats, begin, now);
    else
        atomic_add(&stats->unexpected, 1);
}

static __always_inline bool find_destination(struct edge_key *edge, const struct sock *sk, __u64 cgroup,
                                             const struct user_message *message) {
    if (message->address)
        return read_peer(edge, sk, cgroup, message->address, true);
    if (!message->known || !is_udp_connected(sk))
        return false;
    set_edge(edge, sk, cgroup);
    return true;
}

static __always_inline void client_sent(struct sock *sk, struct udp_socket *socket, int length,
                                        const struct user_message *message) {
    struct edge_key edge = {};
    struct udp_edge_stats *stats;
    bool remembered;

    if (!find_destination(&edge, sk, socket->service.cgroup, message)) {
        count_lost(&unattributed_datagram);
        return;
    }
    stats = find_or_make_udp_edge(&edge);
    if (!stats)
        return;
    atomic_add(&stats->sent_bytes, length);
    if (!is_unicast(&edge))
        return;
    remembered = remember_peer(socket, &edge);
    if (edge.port == DNS_PORT)
        start_query(socket, &edge, stats, remembered ? message->start : 0);
    else
        send_request(socket, stats, bpf_ktime_get_ns());
}

/* `length` is negative if the call failed. */
static __noinline int datagram_sent(struct sock *sk, int length) {
    struct user_message message = {};
    struct udp_socket *socket;
    struct udp_stats *stats;

    if (!track_udp || !is_udp(sk))
        return 0;
    socket = find_udp_socket(sk);
    if (!socket)
        return 0;
    if (length < 0) {
        socket->sent.next = 0;
        return 0;
    }
    if (socket->service.role != ROLE_SERVER)
        find_user_message(&message, &socket->sent, true);
    if (socket->service.role == ROLE_UNKNOWN)
        set_udp_role(socket, sk, ROLE_CLIENT);
    stats = find_or_make(udp, &socket->service);
    if (stats) {
        atomic_add(&stats->sent_datagrams, 1);
        atomic_add(&stats->sent_bytes, length);
    }
    if (socket->service.role == ROLE_CLIENT)
        client_sent(sk, socket, length, &message);
    return 0;
}

/* `address` is the kernel's copy of the sender's address, or 0 if the hook does not have it. The tracepoint runs before
 * the kernel writes the address to user memory. The sender is then known on an unconnected socket by the id of a DNS
 * message, or if only a single peer knows of the socket: it has sent to no other, and its port is the kernel's choice.
 */
static __always_inline bool find_source(struct edge_key *edge, const struct sock *sk, const struct udp_socket *socket,
                                        __u64 address) {
    if (is_udp_connected(sk)) {
        set_edge(edge, sk, socket->service.cgroup);
        return true;
    }
    if (address)
        return read_peer(edge, sk, socket->service.cgroup, address, false);
    if (socket->peer_count != 1 || is_port_bound(sk))
        return false;
    *edge = socket->peers[0];
    return true;
}

static __always_inline void client_received(struct sock *sk, struct udp_socket *socket, int length, __u64 address,
                                            bool first) {
    struct user_message message = {};
    struct udp_edge_stats *stats;
    struct edge_key edge = {};
    bool known = find_source(&edge, sk, socket, address);

    if (known ? edge.port == DNS_PORT : has_dns_peer(socket)) {
        find_user_message(&message, &socket->received, false);
        known = end_query(socket, &edge, known, message.start);
    }
    if (!known) {
        count_lost(&unattributed_datagram);
        return;
    }
    stats = find_or_make_udp_edge(&edge);
    if (!stats)
        return;
    atomic_add(&stats->received_bytes, length);
    if (edge.port != DNS_PORT && !first)
        receive_answer(socket, stats, bpf_ktime_get_ns());
}

/* `length` is negative if the call failed. */
static __noinline int datagram_received(struct sock *sk, int length, int flags, __u64 address) {
    struct udp_socket *socket;
    struct udp_stats *stats;
    bool first;

    /* Peeked data is received again later; the error queue returns sent data. */
    if (!track_udp || flags & (MSG_PEEK | MSG_ERRQUEUE) || !is_udp(sk))
        return 0;
    socket = find_udp_socket(sk);
    if (!socket)
        return 0;
    if (length < 0) {
        socket->received.next = 0;
        return 0;
    }
    first = socket->service.role == ROLE_UNKNOWN;
    if (first)
        set_udp_role(socket, sk, receiver_role(sk));
    stats = find_or_make(udp, &socket->service);
    if (stats) {
        atomic_add(&stats->received_datagrams, 1);
        atomic_add(&stats->received_bytes, length);
    }
    if (socket->service.role == ROLE_CLIENT)
        client_received(sk, socket, length, address, first);
    return 0;
}

#endif
