/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_UDP_PEER_BPF_H
#define LORIKEET_UDP_PEER_BPF_H

#include "../shared/attribution.bpf.h"
#include "../shared/types.bpf.h"
#include "udp_maps.bpf.h"

/* struct sockaddr_in, sockaddr_in6. */
struct socket_address {
    __u16 family;
    __be16 port;
    __be32 ipv4;
    __u8 ipv6[16];
};

/* Reads a peer's address from user or kernel memory. IPv4 addresses become IPv4-mapped ones, as in set_edge. */
static __always_inline bool read_peer(struct edge_key *edge, const struct sock *sk, __u64 cgroup, __u64 from,
                                      bool user) {
    struct socket_address address = {};
    const void *start = (const void *)from;
    /* Up to the IPv4 address: the longer one may reach beyond the end of the memory. */
    __u32 size = sizeof(address) - sizeof(address.ipv6);

    if (user ? bpf_probe_read_user(&address, size, start) : bpf_probe_read_kernel(&address, size, start))
        return false;
    edge->cgroup = cgroup;
    edge->port = bpf_ntohs(address.port);
    if (address.family == AF_INET) {
        set_address_4(edge->address, address.ipv4);
    } else if (address.family != AF_INET6 || (user ? bpf_probe_read_user(edge->address, 16, start + size)
                                                   : bpf_probe_read_kernel(edge->address, 16, start + size))) {
        return false;
    }
    set_netns(edge, sk);
    return true;
}

/* False for multicast and broadcast: answers come from other addresses. */
static __always_inline bool is_unicast(const struct edge_key *edge) {
    const __u8 *address = edge->address;

    if (address[0] == 0xff)
        return false;
    /* 224.0.0.0 to 255.255.255.255 */
    return address[0] || address[10] != 0xff || address[12] < 224;
}

static __always_inline bool same_peer(const struct edge_key *one, const struct edge_key *other) {
    const __u64 *a = (const __u64 *)one->address, *b = (const __u64 *)other->address;

    return a[0] == b[0] && a[1] == b[1] && one->port == other->port;
}

/* Returns false if the socket already has UDP_PEERS others. */
static __always_inline bool remember_peer(struct udp_socket *socket, const struct edge_key *edge) {
    for (__u32 i = 0; i < UDP_PEERS; i++) {
        if (i >= socket->peer_count) {
            socket->peers[i] = *edge;
            socket->peer_count = i + 1;
            return true;
        }
        if (same_peer(&socket->peers[i], edge))
            return true;
    }
    socket->peer_count = UDP_PEERS + 1;
    return false;
}

#endif
