// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* For tests of the addon that the exporter's object does not cover. PROGRAM is a unique name. */

const volatile __u8 small = 1;
const volatile __s16 negative = 2;
const volatile __u32 medium = 3;
const volatile __u64 large = 4;

/* The tunables as seen by the program, and its number of runs. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 5);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} plain SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} half_words SEC(".maps");

/* A type that the kernel cannot read in batches. */
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} devices SEC(".maps");

static __always_inline void set(__u32 key, __u64 value) {
    bpf_map_update_elem(&seen, &key, &value, BPF_ANY);
}

SEC("tp_btf/sched_switch")
int PROGRAM(void *ctx) {
    __u32 key = 4;
    __u64 *runs = bpf_map_lookup_elem(&seen, &key);

    set(0, small);
    set(1, negative);
    set(2, medium);
    set(3, large);
    if (runs)
        __sync_fetch_and_add(runs, 1);
    return 0;
}

SEC("tp_btf/lorikeet_has_no_such_hook")
int hook_of_another_kernel(void *ctx) {
    return 0;
}

/* Tagged as in bpf/shared/core_fixes.bpf.h: for kernels without a tracepoint that every kernel has. */
SEC("tp_btf/sched_switch")
__attribute__((btf_decl_tag("without_tracepoint:sched_switch"))) int tracepoint_of_another_kernel(void *ctx) {
    return 0;
}

/* tcp_sendmsg has three on every kernel. */
SEC("fexit/tcp_sendmsg")
__attribute__((btf_decl_tag("function_parameters:4"))) int parameters_of_another_kernel(void *ctx) {
    return 0;
}

SEC("fexit/lorikeet_has_no_such_function")
int function_of_another_kernel(void *ctx) {
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
