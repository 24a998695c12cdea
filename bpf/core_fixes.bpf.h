/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CORE_FIXES_BPF_H
#define LORIKEET_CORE_FIXES_BPF_H

#include "types.bpf.h"

/* What differs between kernels, all in one place, so that one object serves them all.
 * Floor: kernel 5.12, whose BPF has the atomic exchange (commit 5ffa25502b5a) that end_request needs; an older one
 * refuses a program for holding the instruction, whether or not it would run. */

/* Which variant of a program is for which kernel. The loader reads the marks from the object's BTF, and leaves out what
 * doesn't suit the running kernel's (native/src/kernel_hooks.cc). A program whose hook the kernel lacks is left out in
 * any case. */

/* For kernels without this tracepoint. */
#define WITHOUT_TRACEPOINT(name) __attribute__((btf_decl_tag("without_tracepoint:" #name)))
/* For kernels where the function that it hooks has as many parameters. */
#define FUNCTION_PARAMETERS(count) __attribute__((btf_decl_tag("function_parameters:" #count)))

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_cgroup_data___before_5_15 {
    __u64 val;
};

#pragma clang attribute pop

/* The cgroup v2 of a socket, to be read with BPF_CORE_READ only; NULL where the kernel has none for it, which means the
 * root. Kernel 5.15 gave it a member of its own (commit 8520e224f547). Before, it shared a word with net_cls and
 * net_prio: bit 0 says that they have it, bit 1 that the root's reference count was left alone. */
static __always_inline const struct cgroup *cgroup_of_socket(const struct sock *sk) {
    const struct sock_cgroup_data___before_5_15 *shared = (const void *)&sk->sk_cgrp_data;

    if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
        return sk->sk_cgrp_data.cgroup;
    return shared->val & 3 ? NULL : (const struct cgroup *)shared->val;
}

#endif
