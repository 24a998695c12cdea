// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Writes to the result of a lookup without checking it for NULL: the verifier must refuse it. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} values SEC(".maps");

SEC("raw_tp/sched_switch")
int unchecked(void *ctx) {
    __u32 key = 0;
    __u64 *value = bpf_map_lookup_elem(&values, &key);

    *value = 1;
    return 0;
}

/* A valid program. PROGRAM is a unique name. */
SEC("raw_tp/sched_switch")
int PROGRAM(void *ctx) {
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
