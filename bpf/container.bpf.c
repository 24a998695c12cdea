// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "cgroup_row.bpf.h"
#include "container.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* Page faults, block requests and process events by cgroup. Each word is written by one program, which never runs twice
 * at a time on a CPU: plain adds are enough. */

/* Page faults in user mode, including those that end in a signal. Faults in the kernel, while it copies to or from user
 * memory, are not included. arm64 has no such tracepoint. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user) {
    const struct task_struct *task = bpf_get_current_task_btf();
    struct page_fault_stats *stats = task_row(&page_faults, task, &zero_page_faults, LOST_PAGE_FAULTS);

    if (stats)
        stats->faults++;
    return 0;
}

/* The current task may be a kernel thread for writeback or for the queue, so the cgroup comes from the request. All
 * bios of a request have the same cgroup: the kernel merges no others. */
static __always_inline const struct cgroup *cgroup_of_request(const struct request *request) {
    const struct bio *bio = BPF_CORE_READ(request, bio);

    if (!bio || !bpf_core_field_exists(bio->bi_blkg))
        return NULL;
    return BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup);
}

/* Requests issued to a device's driver. A request that a busy driver returns is issued and counted again. */
SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *request) {
    const struct cgroup *cgroup = cgroup_of_request(request);
    struct block_request_stats *stats;
    __u64 id;

    /* Ids are unique only within their hierarchy. */
    if (!cgroup || BPF_CORE_READ(cgroup, root, hierarchy_id) != io_hierarchy) {
        count_lost(LOST_UNATTRIBUTED_REQUESTS);
        return 0;
    }
    id = BPF_CORE_READ(cgroup, kn, id);
    record_cgroup(&block_cgroups, cgroup, id, LOST_BLOCK_CGROUPS);
    stats = find_or_make(&block_requests, &id, &zero_block_requests, LOST_BLOCK_REQUESTS);
    if (stats)
        stats->requests++;
    return 0;
}

/* Events of processes, not of threads. fork: any call that creates a process, counted in the cgroup of the child. exec:
 * successful calls only. exit: the end of the last thread. Kernel threads are not counted. */

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

/* True once for each process, for the thread with which it ends. The group leader is no criterion: it may end long
 * before the other threads, and it ends when another thread calls exec, although the process goes on. Threads that end
 * at the same time may all see that none is left: the exchange lets one of them count. */
static __always_inline bool ends_process(const struct task_struct *task) {
    struct process_state *process;

    if (task->signal->live.counter)
        return false;
    process = bpf_task_storage_get(&processes, task->group_leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    /* If two CPUs create it at the same time, one of the calls fails, and the storage exists by then. */
    if (!process)
        process = bpf_task_storage_get(&processes, task->group_leader, 0, 0);
    if (process)
        return !__sync_lock_test_and_set(&process->exited, 1);
    count_lost(LOST_PROCESS_EVENTS);
    return false;
}

/* The kernel sets oom_mm in OOM-killed processes; they are counted when they end. The tracepoint mark_victim fires
 * earlier, but before kernel 6.9 (commit 72ba14deb40a) it only has a pid. */
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
