// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "cgroup_row.bpf.h"
#include "container.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* What the processes of a cgroup do to the memory, the disks and the process table. Each word is written by one program
 * that runs once at a time on a CPU: plain adds are enough. */

/* Faults that a process takes in its own code, also one that ends in a signal. Those that the kernel takes on its
 * behalf, while it copies to or from its memory, aren't among them. arm64 has no such tracepoint. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user) {
    const struct task_struct *task = bpf_get_current_task_btf();
    struct page_fault_stats *stats = task_row(&page_faults, task, &zero_page_faults, LOST_PAGE_FAULTS);

    if (stats)
        stats->faults++;
    return 0;
}

/* Whose a request is. The running task would be the wrong one: it may be a kernel thread that writes back what somebody
 * dirtied, or that runs a queue. All parts of a request are of one cgroup, else they wouldn't have been merged. */
static __always_inline const struct cgroup *cgroup_of_request(const struct request *request) {
    const struct bio *bio = BPF_CORE_READ(request, bio);

    if (!bio || !bpf_core_field_exists(bio->bi_blkg))
        return NULL;
    return BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup);
}

/* Requests as they go to a device's driver. One that the driver sends back, being busy, goes there twice. */
SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *request) {
    const struct cgroup *cgroup = cgroup_of_request(request);
    struct block_request_stats *stats;
    __u64 id;

    /* Ids mean something within their hierarchy only. */
    if (!cgroup || BPF_CORE_READ(cgroup, root, hierarchy_id) != io_hierarchy) {
        count_lost(LOST_OWNERLESS_REQUESTS);
        return 0;
    }
    id = BPF_CORE_READ(cgroup, kn, id);
    record_cgroup(&block_cgroups, cgroup, id, LOST_BLOCK_CGROUPS);
    stats = find_or_make(&block_requests, &id, &zero_block_requests, LOST_BLOCK_REQUESTS);
    if (stats)
        stats->requests++;
    return 0;
}

/* Process events are those of processes, not of their threads: a fork is the birth of a process, by whatever call and
 * in the cgroup where it is born; an exec is a successful one; an exit is the end of a process' last thread. Kernel
 * threads are left out. */

static __always_inline void count_event(const struct task_struct *task, enum process_event event) {
    struct process_stats *stats = task_row(&process_events, task, &zero_process, LOST_PROCESS_EVENTS);

    if (stats)
        stats->events[event]++;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child) {
    if (child->pid == child->tgid && !(child->flags & PF_KTHREAD))
        count_event(child, PROCESS_FORK);
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task) {
    count_event(task, PROCESS_EXEC);
    return 0;
}

/* Whether the process ends with this thread, once for each process. Which thread is the leader doesn't tell: it may end
 * long before the others, and when another one executes a program, it ends and the process goes on. Of the threads that
 * end at the same time several may find that none is left: the exchange lets one of them count. */
static __always_inline bool ends_process(const struct task_struct *task) {
    struct process_state *process;

    if (task->signal->live.counter)
        return false;
    process = bpf_task_storage_get(&processes, task->group_leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    /* Of two that make it at the same time one is refused what is there by then. */
    if (!process)
        process = bpf_task_storage_get(&processes, task->group_leader, 0, 0);
    if (process)
        return !__sync_lock_test_and_set(&process->exited, 1);
    count_lost(LOST_PROCESS_EVENTS);
    return false;
}

/* Whom the kernel kills for want of memory it marks by oom_mm, and the process is counted when it ends. The tracepoint
 * mark_victim would tell a moment earlier, but before kernel 6.9 (commit 72ba14deb40a) by a pid only. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task) {
    if (task->flags & PF_KTHREAD || !ends_process(task))
        return 0;
    count_event(task, PROCESS_EXIT);
    if (task->signal->oom_mm)
        count_event(task, PROCESS_OOM_KILL);
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
