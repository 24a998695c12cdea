// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seq_file;
struct bpf_iter_meta {
    struct seq_file *seq;
};
struct task_struct {
    int pid;
};
struct bpf_iter__task {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
};
#pragma clang attribute pop

/* Writes the id of every thread. PROGRAM is a unique name. */
SEC("iter/task")
int PROGRAM(struct bpf_iter__task *ctx) {
    struct task_struct *task = ctx->task;
    int pid = task ? task->pid : 0;

    if (pid)
        bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
    return 0;
}

SEC("tp_btf/sched_switch")
int hooked(void *ctx) {
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
