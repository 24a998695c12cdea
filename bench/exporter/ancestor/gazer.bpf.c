// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
/* The kernel part of the design that preceded Lorikeet (Lazy-Koala's Gazer): each closed connection is an event, sent
 * to user space through a perf buffer. For comparison only. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "gazer.h"

#define AF_INET 2
#define IPPROTO_TCP 6

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_CLOSE = 7 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct trace_event_raw_inet_sock_set_state {
    const void *skaddr;
    int oldstate;
    int newstate;
    __u16 sport;
    __u16 dport;
    __u16 family;
    __u16 protocol;
    __u8 saddr[4];
    __u8 daddr[4];
};

struct tcp_sock {
    __u64 bytes_acked;
    __u64 bytes_received;
};

#pragma clang attribute pop

struct birth {
    __u64 established_ns;
    __u32 client;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, const void *);
    __type(value, struct birth);
} births SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} events SEC(".maps");

static __always_inline void closed(struct trace_event_raw_inet_sock_set_state *ctx, const void *sk) {
    const struct birth *birth = bpf_map_lookup_elem(&births, &sk);
    const struct tcp_sock *tp = sk;
    struct event event = {};

    if (!birth)
        return;
    event.duration_ns = bpf_ktime_get_ns() - birth->established_ns;
    event.client = birth->client;
    event.sent_bytes = BPF_CORE_READ(tp, bytes_acked);
    event.received_bytes = BPF_CORE_READ(tp, bytes_received);
    __builtin_memcpy(&event.local, ctx->saddr, 4);
    __builtin_memcpy(&event.peer, ctx->daddr, 4);
    event.local_port = ctx->sport;
    event.peer_port = ctx->dport;
    bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
    bpf_map_delete_elem(&births, &sk);
}

SEC("tracepoint/sock/inet_sock_set_state")
int inet_sock_set_state(struct trace_event_raw_inet_sock_set_state *ctx) {
    const void *sk = ctx->skaddr;
    struct birth birth = {};

    if (ctx->protocol != IPPROTO_TCP || ctx->family != AF_INET)
        return 0;
    if (ctx->newstate == TCP_CLOSE) {
        closed(ctx, sk);
    } else if (ctx->newstate == TCP_ESTABLISHED) {
        birth.established_ns = bpf_ktime_get_ns();
        birth.client = ctx->oldstate == TCP_SYN_SENT;
        bpf_map_update_elem(&births, &sk, &birth, BPF_ANY);
    }
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
