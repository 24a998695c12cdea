/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_OWNERSHIP_BPF_H
#define LORIKEET_OWNERSHIP_BPF_H

#include "attribution.bpf.h"
#include "maps.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* A server's connection belongs to the cgroup of the task that first sends or receives on it. The kernel gives it that
 * of the listening socket (sk_clone_lock), whose creator may be another process: systemd's socket activation, a parent
 * that listens for children, a proxy that passes accepted sockets on. */

/* Moves an open connection that is already counted. The phase keeps a close on another CPU from counting it at the same
 * time: the loser of the exchange counts it here. */
static __always_inline void move_connection(struct socket_state *socket, __u64 cgroup) {
    struct tcp_stats *before, *after;
    bool moving = __sync_val_compare_and_swap(&socket->phase, PHASE_ESTABLISHED, PHASE_MOVING) == PHASE_ESTABLISHED;

    before = moving && socket->counted ? find_tcp(&socket->service) : NULL;
    socket->service.cgroup = cgroup;
    if (!moving)
        return;
    after = before ? find_tcp(&socket->service) : NULL;
    if (after) {
        atomic_add(socket->phase_ns ? &after->opened : &after->adopted, 1);
        atomic_add(&before->closed, 1);
    }
    if (__sync_val_compare_and_swap(&socket->phase, PHASE_MOVING, PHASE_ESTABLISHED) != PHASE_MOVING && after)
        atomic_add(&after->closed, 1);
}

/* To be called in process context, for a tracked socket. */
static __always_inline void own(struct socket_state *socket) {
    const struct task_struct *task;
    const struct cgroup *cgroup;
    __u64 id;

    if (socket->owned || socket->service.role != ROLE_SERVER)
        return;
    socket->owned = true;
    task = bpf_get_current_task_btf();
    /* A kernel thread serves on behalf of the process that gave it the socket. */
    if (task->flags & PF_KTHREAD)
        return;
    cgroup = task->cgroups->dfl_cgrp;
    id = cgroup->kn->id;
    if (id == socket->service.cgroup)
        return;
    record_cgroup(cgroup, cgroup, id);
    move_connection(socket, id);
}

#endif
