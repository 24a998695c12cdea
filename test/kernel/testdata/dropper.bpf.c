// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

/* A network that loses every tenth packet. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} packets SEC(".maps");

SEC("tc")
int drop(struct __sk_buff *packet) {
    __u32 key = 0;
    __u64 *count = bpf_map_lookup_elem(&packets, &key);

    if (!count)
        return TC_ACT_OK;
    return __sync_fetch_and_add(count, 1) % 10 == 9 ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
