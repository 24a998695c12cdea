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

/* Results of record_new_cgroup. */
#define LOST_CGROUP 1
#define LOST_PATH 2

/* Writes the names of a cgroup and its ancestors in place: they are too long for the stack, and a scratch buffer of the
 * CPU could be overwritten by a softirq. All who write a path write the same. */
static __always_inline void write_path(struct cgroup_path *path, const struct cgroup *cgroup) {
    __u32 length = 0;

    for (int i = 0; i <= CGROUP_ANCESTORS; i++) {
        const struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);
        long size;

        if (!parent) {
            /* Written last: a reader skips a path without a length. */
            barrier();
            path->length = length;
            return;
        }
        if (length >= CGROUP_NAMES_LIMIT)
            return;
        size = bpf_probe_read_kernel_str(path->names + (length & (CGROUP_NAMES_LIMIT - 1)), CGROUP_NAME_SIZE,
                                         BPF_CORE_READ(cgroup, kn, name));
        if (size <= 0)
            return;
        length += size;
        cgroup = BPF_CORE_READ(parent, cgroup);
    }
}

/* Makes the row of a cgroup, once, and records its path: the cgroup may be gone when user space reads the counts. If it
 * is below a target's cgroup, its state is the target's. `map` is `cgroups` or `block_cgroups`. */
static __noinline int record_new_cgroup(void *map, void *paths, const struct cgroup *cgroup, __u64 id) {
    struct cgroup_info info = {};
    const struct cgroup *level = cgroup;
    __u32 *state = bpf_map_lookup_elem(&targets, &id);
    struct cgroup_path *path;
    long error;

    for (int i = 0; i < CGROUP_ANCESTORS; i++) {
        const struct cgroup_subsys_state *parent = BPF_CORE_READ(level, self.parent);

        if (!parent)
            break;
        level = BPF_CORE_READ(parent, cgroup);
        info.ancestors[i] = BPF_CORE_READ(level, kn, id);
        if (!state)
            state = bpf_map_lookup_elem(&targets, &info.ancestors[i]);
    }
    if (state)
        info.state = *state;
    error = bpf_map_update_elem(map, &id, &info, BPF_NOEXIST);
    if (error)
        return error == -EEXIST ? 0 : LOST_CGROUP;
    bpf_map_update_elem(paths, &id, &zero_cgroup_path, BPF_NOEXIST);
    path = bpf_map_lookup_elem(paths, &id);
    if (!path)
        return LOST_PATH;
    write_path(path, cgroup);
    return 0;
}

/* `name` is `cgroup` or `block_cgroup`, the prefix of the maps. */
#define record_cgroup(name, cgroup, id)                                                                                \
    do {                                                                                                               \
        int result = bpf_map_lookup_elem(&name##s, &id) ? 0 : record_new_cgroup(&name##s, &name##_paths, cgroup, id);  \
                                                                                                                       \
        if (result == LOST_CGROUP)                                                                                     \
            count_lost(&lost_##name##s);                                                                               \
        else if (result == LOST_PATH)                                                                                  \
            count_lost(&lost_##name##_paths);                                                                          \
    } while (0)

/* Inode number of the root cgroup's directory, the same on every kernel. */
#define ROOT_CGROUP 1

/* The cgroup of the socket, not of the running task: most state changes happen in softirq, where the current task is
 * unrelated. The kernel's is constant for the lifetime of a socket; ownership.bpf.h may choose another. */
static __always_inline __u64 socket_cgroup(const struct sock *sk) {
    const struct cgroup *cgroup = cgroup_of_socket(sk);
    __u64 id = cgroup ? BPF_CORE_READ(cgroup, kn, id) : ROOT_CGROUP;

    if (cgroup)
        record_cgroup(cgroup, cgroup, id);
    return id;
}

/* Writes an IPv4 address as an IPv4-mapped one. */
static __always_inline void set_address_4(__u8 bytes[16], __be32 address) {
    __builtin_memset(bytes, 0, 10);
    __builtin_memset(bytes + 10, 0xff, 2);
    __builtin_memcpy(bytes + 12, &address, 4);
}

/* The socket's own port, in host order. Not skc_num, which is cleared before the state changes if the kernel chose it.
 */
static __always_inline __u16 local_port(const struct sock *sk) {
    const struct inet_sock *inet = (const void *)sk;

    return bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
}

static __always_inline __u32 netns_of(const struct sock *sk) {
    return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* 127.0.0.0/8, also as an IPv4-mapped address, and ::1. */
static __always_inline bool is_loopback(const __u8 address[16]) {
    const __u32 *words = (const __u32 *)address;

    if (words[0] || words[1])
        return false;
    return words[2] ? words[2] == bpf_htonl(0xffff) && address[12] == 127 : words[3] == bpf_htonl(1);
}

/* For an edge with an address: each network namespace has a loopback of its own. */
static __always_inline void set_netns(struct edge_key *edge, const struct sock *sk) {
    edge->netns = is_loopback(edge->address) ? netns_of(sk) : 0;
}

static __always_inline void set_edge(struct edge_key *edge, const struct sock *sk, __u64 cgroup) {
    edge->cgroup = cgroup;
    edge->port = bpf_ntohs(sk->__sk_common.skc_dport);
    if (sk->__sk_common.skc_family == AF_INET) {
        set_address_4(edge->address, sk->__sk_common.skc_daddr);
    } else {
        struct in6_addr address = sk->__sk_common.skc_v6_daddr;

        __builtin_memcpy(edge->address, &address, 16);
    }
    set_netns(edge, sk);
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
    socket->held_bytes = 0;
    socket->held_duration = 0;
    socket->part_ns = 0;
    socket->client_wait_ns = 0;
    socket->other_waits = false;
    socket->unseen_ns = 0;
    socket->owned = false;
}

#endif
