// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "udp/udp.bpf.h"
#include "shared/core_fixes.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/types.bpf.h"

/* Since kernel 6.3, the programs of requests.bpf.c count datagrams as well: a second program on the same hooks would
 * cost every send and receive call of TCP. */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct msghdr {
    void *msg_name;
};

#pragma clang attribute pop

static long expire_query(void *map, const struct dns_query_key *key, struct dns_query *query, const __u64 *now) {
    struct edge_key edge = {.cgroup = query->cgroup, .port = DNS_PORT, .netns = query->netns};
    struct dns_query_key copy = *key;
    struct udp_edge_stats *stats;
    __u64 sent = query->sent_ns;

    if (sent > *now || *now - sent < UDP_ANSWER_LIMIT_NS)
        return 0;
    if (__sync_lock_test_and_set(&query->sent_ns, 0)) {
        __builtin_memcpy(edge.address, copy.address, sizeof(edge.address));
        stats = find_or_make_udp_edge(&edge);
        if (stats)
            atomic_add(&stats->unanswered, 1);
    }
    bpf_map_delete_elem(&dns_queries, &copy);
    return 0;
}

/* Runs at each scrape, as read_accept_queues does: no hook runs for a query without an answer. */
SEC("raw_tp")
int expire_dns_queries(void *context) {
    __u64 now = bpf_ktime_get_ns();

    bpf_for_each_map_elem(&dns_queries, expire_query, &now, 0);
    return 0;
}

/* Variants for kernels before 6.3. They have the sender's address in any case. udpv6_sendmsg calls udp_sendmsg for an
 * IPv4-mapped address. */
SEC("fexit/udp_sendmsg")
WITHOUT_TRACEPOINT(sock_send_length)
int BPF_PROG(udp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size, int length) {
    return sk->__sk_common.skc_family == AF_INET ? datagram_sent(sk, length) : 0;
}

SEC("fexit/udpv6_sendmsg")
WITHOUT_TRACEPOINT(sock_send_length)
int BPF_PROG(udpv6_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size, int length) {
    return datagram_sent(sk, length);
}

SEC("fexit/udp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(5)
int BPF_PROG(udp_recvmsg, struct sock *sk, struct msghdr *message, unsigned long size, int flags, int *address_length,
             int length) {
    return datagram_received(sk, length, flags, (__u64)message->msg_name);
}

SEC("fexit/udpv6_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(5)
int BPF_PROG(udpv6_recvmsg, struct sock *sk, struct msghdr *message, unsigned long size, int flags, int *address_length,
             int length) {
    return datagram_received(sk, length, flags, (__u64)message->msg_name);
}

/* Before kernel 5.19, see requests.bpf.c. */
SEC("fexit/udp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(6)
int BPF_PROG(udp_recvmsg_nonblock, struct sock *sk, struct msghdr *message, unsigned long size, int nonblock, int flags,
             int *address_length, int length) {
    return datagram_received(sk, length, flags, (__u64)message->msg_name);
}

SEC("fexit/udpv6_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(6)
int BPF_PROG(udpv6_recvmsg_nonblock, struct sock *sk, struct msghdr *message, unsigned long size, int nonblock,
             int flags, int *address_length, int length) {
    return datagram_received(sk, length, flags, (__u64)message->msg_name);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
