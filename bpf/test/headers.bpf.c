// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "../shared/attribution.bpf.h"
#include "../shared/histogram.bpf.h"
#include "../shared/maps.bpf.h"
#include "../syscall_kind.bpf.h"

/* Programs that test the headers; test/kernel/headers.test.ts runs each by BPF_PROG_TEST_RUN. The context has inputs
 * and results in the order in which the test writes and reads them. Linked with maps.bpf.c only for the test: the
 * product does not include it. */

struct bucket_context {
    __u64 duration_ns;
    __u64 bucket;
};

SEC("syscall")
int bucket(struct bucket_context *context) {
    context->bucket = histogram_bucket(context->duration_ns);
    return 0;
}

struct add_context {
    struct service_key service;
    __u64 duration_ns;
};

/* The same duration into two histograms of a row. */
SEC("syscall")
int add(struct add_context *context) {
    struct service_key key = context->service;
    struct service_stats *stats = find_or_make(services, &key);

    if (!stats)
        return 0;
    histogram_add(&stats->requests.durations, context->duration_ns);
    histogram_add(&stats->tcp.connect, context->duration_ns);
    return 1;
}

struct row_context {
    struct service_key service;
    struct histogram requests;
    struct histogram connect;
};

SEC("syscall")
int read_row(struct row_context *context) {
    struct service_key key = context->service;
    struct service_stats *stats = bpf_map_lookup_elem(&services, &key);

    if (!stats)
        return 1;
    context->requests.sum_ns = stats->requests.durations.sum_ns;
    context->connect.sum_ns = stats->tcp.connect.sum_ns;
#pragma unroll
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        context->requests.buckets[i] = stats->requests.durations.buckets[i];
        context->connect.buckets[i] = stats->tcp.connect.buckets[i];
    }
    return 0;
}

/* Room for a struct sock as the running kernel has it. */
struct fake_sock {
    __u8 bytes[4096];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct fake_sock);
} fake_socks SEC(".maps");

struct sock_context {
    __u32 family;
    __u32 protocol;
    __u32 port; /* network order */
    __u32 is_tcp;
    __u8 address[16]; /* IPv4: the first four */
    __u64 cgroup;
    struct edge_key edge;
};

SEC("syscall")
int sock(struct sock_context *context) {
    __u32 first = 0;
    struct sock *sk = bpf_map_lookup_elem(&fake_socks, &first);
    struct edge_key edge;

    if (!sk)
        return 1;
    /* So the test detects a byte that is not written. */
    __builtin_memset(&edge, 0, sizeof(edge));
    sk->__sk_common.skc_family = context->family;
    sk->__sk_common.skc_dport = context->port;
    sk->sk_protocol = context->protocol;
    if (context->family == AF_INET) {
        __builtin_memcpy(&sk->__sk_common.skc_daddr, context->address, 4);
    } else {
        __builtin_memcpy(&sk->__sk_common.skc_v6_daddr, context->address, 8);
        __builtin_memcpy((void *)&sk->__sk_common.skc_v6_daddr + 8, context->address + 8, 8);
    }
    context->is_tcp = is_tcp(sk);
    set_edge(&edge, sk, context->cgroup);
    context->edge = edge;
    return 0;
}

struct kind_context {
    __u64 abi; /* enum syscall_abi */
    __u64 number;
    __u64 kind; /* enum syscall_kind */
};

SEC("syscall")
int kind(struct kind_context *context) {
    context->kind = syscall_kind(context->abi, context->number);
    return 0;
}

struct make_context {
    struct service_key service;
    __u64 value; /* of the row, after one was added */
};

/* A row with a count, made as in the product. */
SEC("syscall")
int make_row(struct make_context *context) {
    struct service_key key = context->service;
    struct service_stats *row = find_or_make(services, &key);

    if (!row)
        return 1;
    atomic_add(&row->tcp.opened, 1);
    context->value = row->tcp.opened;
    return 0;
}

struct lost_context {
    __u64 services;
    __u64 edges;
};

static __always_inline __u64 event_count(void *lost) {
    __u32 only = 0;
    __u64 *count = bpf_map_lookup_elem(lost, &only);

    return count ? *count : ~0ULL;
}

SEC("syscall")
int read_lost(struct lost_context *context) {
    context->services = event_count(&lost_services);
    context->edges = event_count(&lost_edges);
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
