// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "syscall_kind.bpf.h"
#include "shared/cgroup_row.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/types.bpf.h"

/* Counts system calls at their start, whether or not they succeed. Kernel threads make none, and io_uring operations
 * are not system calls. The program is only loaded if enabled: while it is attached, every system call of every process
 * on the machine takes the kernel's slow path.
 *
 * A task makes one call at a time, and no other program writes these words: plain adds are enough. */

struct syscall_stats {
    __u64 all;
    __u64 mmaps;
    __u64 opens;
};

/* Keyed by cgroup id. */
OWN_COUNTERS(syscalls, 4096, __u64, struct syscall_stats);

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, void *registers, long number) {
    const struct task_struct *task = bpf_get_current_task_btf();
    struct syscall_stats *stats = task_row(syscalls, task);

    if (!stats)
        return 0;
    stats->all++;
    switch (syscall_kind(syscall_abi(task), number)) {
    case SYSCALL_MMAP:
        stats->mmaps++;
        break;
    case SYSCALL_OPEN:
        stats->opens++;
        break;
    case SYSCALL_OTHER:
        break;
    }
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
