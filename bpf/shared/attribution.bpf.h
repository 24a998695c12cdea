/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ATTRIBUTION_BPF_H
#define LORIKEET_ATTRIBUTION_BPF_H

#include "attribution.h"
#include "core_fixes.bpf.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* True for IPv4 over an IPv6 socket as well; false for UNIX, UDP, SCTP and MPTCP sockets. */
static __always_inline bool is_tcp(const struct sock *sk) {
    __u16 family = sk->__sk_common.skc_family;

    return (family == AF_INET || family == AF_INET6) && sk->sk_protocol == IPPROTO_TCP;
}

/* Records a cgroup's ancestors once: the cgroup may be gone when user space reads the counts. `map` is `cgroups` or
 * `block_cgroups`. */
static __always_inline void record_cgroup(void *map, const struct cgroup *cgroup, __u64 id, void *lost) {
    struct cgroup_info info = {};

    if (bpf_map_lookup_elem(map, &id))
        return;
    for (int i = 0; i < CGROUP_ANCESTORS; i++) {
        const struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

        if (!parent)
            break;
        cgroup = BPF_CORE_READ(parent, cgroup);
        info.ancestors[i] = BPF_CORE_READ(cgroup, kn, id);
    }
    /* Another CPU may have written it in the meantime, with the same value. */
    if (bpf_map_update_elem(map, &id, &info, BPF_ANY))
        count_lost(lost);
}

/* Inode number of the root cgroup's directory, the same on every kernel. */
#define ROOT_CGROUP 1

/* The cgroup of the socket, not of the running task: most state changes happen in softirq, where the current task is
 * unrelated. The kernel's is constant for the lifetime of a socket; ownership.bpf.h may choose another. */
static __always_inline __u64 socket_cgroup(const struct sock *sk) {
    const struct cgroup *cgroup = cgroup_of_socket(sk);
    __u64 id = cgroup ? BPF_CORE_READ(cgroup, kn, id) : ROOT_CGROUP;

    if (cgroup)
        record_cgroup(&cgroups, cgroup, id, &lost_cgroups);
    return id;
}

static __always_inline void set_address_4(struct edge_key *edge, __be32 address) {
    __builtin_memset(edge->address, 0, 10);
    __builtin_memset(edge->address + 10, 0xff, 2);
    __builtin_memcpy(edge->address + 12, &address, 4);
}

static __always_inline void set_edge(struct edge_key *edge, const struct sock *sk, __u64 cgroup) {
    edge->cgroup = cgroup;
    edge->port = bpf_ntohs(sk->__sk_common.skc_dport);
    if (sk->__sk_common.skc_family == AF_INET) {
        set_address_4(edge, sk->__sk_common.skc_daddr);
    } else {
        struct in6_addr address = sk->__sk_common.skc_v6_daddr;

        __builtin_memcpy(edge->address, &address, 16);
    }
}

/* Sets the socket's owner. The role is written last: a program that sees a role reads the other fields. */
static __always_inline void attribute(struct socket_state *socket, const struct sock *sk, enum role role) {
    __u64 cgroup = socket_cgroup(sk);

    socket->service.cgroup = cgroup;
    if (role == ROLE_CLIENT)
        set_edge(&socket->edge, sk, cgroup);
    barrier();
    socket->service.role = role;
}

/* Starts to track a socket of known role. */
static __always_inline void follow(struct socket_state *socket, const struct sock *sk, enum role role) {
    attribute(socket, sk, role);
    socket->request_ns = 0;
    socket->answered_ns = 0;
    socket->sampled_ns = 0;
    socket->retransmitted = 0;
    socket->resets = 0;
    socket->protocol = PROTOCOL_UNSEEN;
    socket->way = WAY_LAST;
    socket->looks = 0;
    socket->heard = false;
    socket->older = false;
    socket->tickets = false;
    socket->tunnel = false;
    socket->status = false;
    socket->server_first = false;
    __builtin_memset(&socket->tls, 0, sizeof(socket->tls));
    __builtin_memset(&socket->first, 0, sizeof(socket->first));
    socket->reads = READS_UNKNOWN;
    socket->read_sequence = 0;
    socket->unseen = false;
    socket->unseen_ns = 0;
    socket->owned = false;
}

#endif
