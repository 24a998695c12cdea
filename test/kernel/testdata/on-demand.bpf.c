// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} runs SEC(".maps");

/* Has no hook: it runs on request. PROGRAM is a unique name. */
SEC("raw_tp")
int PROGRAM(void *ctx) {
    __u32 key = 0;
    __u64 *count = bpf_map_lookup_elem(&runs, &key);

    if (count)
        __sync_fetch_and_add(count, 1);
    return 0;
}

SEC("tp_btf/sched_switch")
int hooked(void *ctx) {
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
