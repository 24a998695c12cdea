// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/cgroup_row.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/types.bpf.h"

/* Page faults, block requests and process events by cgroup. Each word is written by one program, which never runs twice
 * at a time on a CPU: plain adds are enough. Maps are keyed by cgroup id. */

struct page_fault_stats {
    __u64 faults;
};

OWN_COUNTERS(page_faults, 4096, __u64, struct page_fault_stats);

/* Page faults in user mode, including those that end in a signal. Faults in the kernel, while it copies to or from user
 * memory, are not included. arm64 has no such tracepoint. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user) {
    const struct task_struct *task = bpf_get_current_task_btf();
    struct page_fault_stats *stats = task_row(page_faults, task);

    if (stats)
        stats->faults++;
    return 0;
}

struct block_request_stats {
    __u64 requests;
};

/* Like `block_cgroups`, keyed by ids from the hierarchy of the io controller. */
OWN_COUNTERS(block_requests, 4096, __u64, struct block_request_stats);
struct cgroups_map block_cgroups SEC(".maps");
struct cgroup_paths_map block_cgroup_paths SEC(".maps");
struct event_count lost_block_cgroups SEC(".maps");
struct event_count lost_block_cgroup_paths SEC(".maps");

/* Block requests without a cgroup: flushes, passthrough commands. */
struct event_count unattributed_block_request SEC(".maps");

/* Id of the cgroup hierarchy with the io controller: 0 for cgroup v2, another for a cgroup v1 hierarchy. */
const volatile int io_hierarchy = 0;

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
        count_lost(&unattributed_block_request);
        return 0;
    }
    id = BPF_CORE_READ(cgroup, kn, id);
    record_cgroup(block_cgroup, cgroup, id);
    stats = find_or_make(block_requests, &id);
    if (stats)
        stats->requests++;
    return 0;
}

/* Events of processes, not of threads. fork: any call that creates a process, counted in the cgroup of the child. exec:
 * successful calls only. exit: the end of the last thread. Kernel threads are not counted. */

enum process_event {
    PROCESS_FORK,
    PROCESS_EXEC,
    PROCESS_EXIT,
    PROCESS_OOM_KILL,
    PROCESS_EVENTS,
};

struct process_stats {
    __u64 events[PROCESS_EVENTS];
};

OWN_COUNTERS(process_events, 4096, __u64, struct process_stats);

/* State of a process, in the task storage of the group leader. */
struct process_state {
    __u32 exited; /* 1: the exit was counted */
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_state);
} processes SEC(".maps");

static __always_inline void count_event(const struct task_struct *task, enum process_event event) {
    struct process_stats *stats = task_row(process_events, task);

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
    count_lost(&lost_process_events);
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
