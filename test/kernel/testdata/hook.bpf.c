// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Nothing but a program of the section HOOK: what the kernel says of it is for the hook alone. */
SEC(HOOK)
int hook(void *ctx) {
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
