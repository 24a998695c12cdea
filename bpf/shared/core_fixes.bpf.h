/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CORE_FIXES_BPF_H
#define LORIKEET_CORE_FIXES_BPF_H

#include "types.bpf.h"

/* All differences between kernels, so that one object file works on all of them.
 * Minimum: kernel 5.12, the first with the atomic exchange (commit 5ffa25502b5a) that end_request needs. An older
 * kernel rejects a program that contains the instruction, even if it is never executed. */

/* Returns `value`, about which the verifier knows nothing any more. `unknown` is any number that it does not know. So
 * it does not follow what comes next once for each range of values. And it cannot take a number on the stack of a
 * caller for that of another path, and remove what it believes is never run: kernel 6.1 did. */
static __always_inline __u64 forget(__u32 value, __u32 unknown) {
    value ^= unknown;
    barrier_var(value);
    return value ^ unknown;
}

/* Tags that select a program's variant for a kernel. The loader reads them from the object's BTF and skips variants
 * that do not match the running kernel (native/src/libbpf/kernel_hooks.cc). It always skips programs without a hook in
 * the kernel. */

/* For kernels without this tracepoint. */
#define WITHOUT_TRACEPOINT(name) __attribute__((btf_decl_tag("without_tracepoint:" #name)))
/* For kernels where the hooked function has this number of parameters. */
#define FUNCTION_PARAMETERS(count) __attribute__((btf_decl_tag("function_parameters:" #count)))

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_cgroup_data___before_5_15 {
    __u64 val;
};

#pragma clang attribute pop

/* The cgroup v2 of a socket, to be read only with BPF_CORE_READ; NULL means the root cgroup. It has a member of its own
 * since kernel 5.15 (commit 8520e224f547). Before, it shared a word with net_cls and net_prio: bit 0 is set when they
 * use the word, bit 1 when no reference to the root was taken. */
static __always_inline const struct cgroup *cgroup_of_socket(const struct sock *sk) {
    const struct sock_cgroup_data___before_5_15 *shared = (const void *)&sk->sk_cgrp_data;

    if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
        return sk->sk_cgrp_data.cgroup;
    return shared->val & 3 ? NULL : (const struct cgroup *)shared->val;
}

#endif
