/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CONTAINER_H
#define LORIKEET_CONTAINER_H

#include <linux/types.h>

/* Maps keyed by cgroup id: activity of the processes in the cgroup. */

/* Map `syscalls`. */
struct syscall_stats {
    __u64 all;
    __u64 mmaps;
    __u64 opens;
};

/* Map `page_faults`. */
struct page_fault_stats {
    __u64 faults;
};

/* Map `block_requests`. Like `block_cgroups`, keyed by ids from the hierarchy of the io controller. */
struct block_request_stats {
    __u64 requests;
};

enum process_event {
    PROCESS_FORK,
    PROCESS_EXEC,
    PROCESS_EXIT,
    PROCESS_OOM_KILL,
    PROCESS_EVENTS,
};

/* Map `process_events`. */
struct process_stats {
    __u64 events[PROCESS_EVENTS];
};

#endif
