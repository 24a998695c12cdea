// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Walks socket storage of which the object has none. */
SEC("iter/bpf_sk_storage_map")
int walk(void *ctx) {
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
